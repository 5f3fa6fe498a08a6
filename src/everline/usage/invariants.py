"""What is always true of periods, buckets and usage. Each answers with one sentence per violation."""

from datetime import datetime

from django.db import connection

from everline.core.invariants import invariant

_SHOWN = 20


def _violations(query: str, sentence: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT {_SHOWN}")
        return [sentence % row for row in cursor.fetchall()]


@invariant("usage.base_periods_apart")
def base_periods_apart(now: datetime) -> list[str]:
    """No two living base periods of a line overlap."""
    del now
    return _violations(
        """
        SELECT a.id, b.id FROM usage_period AS a
        JOIN usage_period AS b ON b.line_id = a.line_id AND b.id > a.id
         AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
        WHERE a.kind = 'base' AND b.kind = 'base' AND a.starts_at IS NOT NULL AND b.starts_at IS NOT NULL
          AND a.state NOT IN ('revoked', 'lapsed') AND b.state NOT IN ('revoked', 'lapsed')
        """,
        "base periods %s and %s overlap",
    )


@invariant("usage.line_validity")
def line_validity(now: datetime) -> list[str]:
    """A line is valid until the end of its last dated base period."""
    del now
    return _violations(
        """
        SELECT line.id, line.valid_until, p.ends_at FROM lines_line AS line
        LEFT JOIN (
            SELECT line_id, max(ends_at) AS ends_at FROM usage_period WHERE kind = 'base' GROUP BY line_id
        ) AS p ON p.line_id = line.id
        WHERE line.valid_until IS DISTINCT FROM p.ends_at
        """,
        "line %s says valid until %s, its periods say %s",
    )


@invariant("usage.orders_have_whole_sequences")
def orders_have_whole_sequences(now: datetime) -> list[str]:
    """The periods of an order are numbered from one without a gap, on one line."""
    del now
    return _violations(
        """
        SELECT "order", count(*), max(seq), count(DISTINCT line_id) FROM usage_period GROUP BY "order"
        HAVING count(*) <> max(seq) OR min(seq) <> 1 OR count(DISTINCT line_id) <> 1
        """,
        "order %s has %s periods up to number %s on %s lines",
    )


@invariant("usage.buckets_within_bounds")
def buckets_within_bounds(now: datetime) -> list[str]:
    """A bucket never gives more than it holds, and lies inside its period."""
    del now
    return _violations(
        """
        SELECT b.id, b.used, b.reserved, b.total
        FROM usage_bucket AS b JOIN usage_period AS p ON p.id = b.period_id
        WHERE b.used < 0 OR b.reserved < 0 OR b.used + b.reserved > b.total OR b.line_id <> p.line_id
           OR (b.used = 0 AND (b.starts_at < p.starts_at OR b.ends_at > p.ends_at))
        """,
        "bucket %s: used %s and reserved %s of %s, or outside its period",
    )


@invariant("usage.buckets_equal_allocations")
def buckets_equal_allocations(now: datetime) -> list[str]:
    """What was used of a bucket is the sum of its allocations."""
    del now
    return _violations(
        """
        SELECT b.id, b.used, COALESCE(a.quantity, 0) FROM usage_bucket AS b
        LEFT JOIN (SELECT bucket_id, sum(quantity) AS quantity FROM usage_allocation GROUP BY bucket_id) AS a
            ON a.bucket_id = b.id
        WHERE b.used <> COALESCE(a.quantity, 0)
        """,
        "bucket %s says used %s, its allocations say %s",
    )


@invariant("usage.records_equal_allocations")
def records_equal_allocations(now: datetime) -> list[str]:
    """Every usage record is the sum of its allocations, overrun included."""
    del now
    return _violations(
        """
        SELECT r.id, r.quantity, COALESCE(a.quantity, 0) FROM usage_usagerecord AS r
        LEFT JOIN (SELECT record_id, sum(quantity) AS quantity FROM usage_allocation GROUP BY record_id) AS a
            ON a.record_id = r.id
        WHERE r.quantity <> COALESCE(a.quantity, 0)
        """,
        "usage record %s is of %s, its allocations sum to %s",
    )
