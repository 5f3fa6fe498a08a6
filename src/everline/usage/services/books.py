"""Reads lines' books into memory and writes back what changed, a fixed number of statements for any number.

Whoever loads books holds their lines. Every statement names the lines.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from everline.catalog.terms import Chain
from everline.catalog.types import PeriodKind
from everline.core.states import transition_many
from everline.lines.services import set_validity
from everline.lines.types import Validity
from everline.usage import keys, reflow
from everline.usage.charging import BucketState, LineBook, Offer
from everline.usage.models import Period
from everline.usage.reflow import Booked
from everline.usage.schedule import FOREVER, PlanTerms
from everline.usage.selectors import plan_terms
from everline.usage.states import PeriodState, StartRule

_PERIODS = """
SELECT p.line_id, p.id, p."order", p.position, p.kind, p.state, p.start_rule, p.starts_at, p.ends_at,
       p.opens_by, p.chain_anchor, p.chain_months, p.created_at, p.version_id, line.timezone
FROM unnest(%(lines)s::bigint[], %(since)s::timestamptz[]) AS asked (line_id, since)
JOIN lines_line AS line ON line.id = asked.line_id
JOIN usage_period AS p ON p.line_id = asked.line_id
WHERE p.line_id = ANY(%(lines)s)
  AND (p.ends_at > asked.since OR (p.ends_at IS NULL AND p.state IN ('queued', 'suspended'))
       OR p.ends_at = line.valid_until)
ORDER BY p.line_id, p.position
"""

_OFFERS = """
SELECT v.id, v.overage, ROW_TO_JSON(v), ARRAY(
    SELECT DISTINCT o.country FROM catalog_coverage AS c JOIN catalog_operator AS o ON o.id = c.operator_id
    WHERE c.version_id = v.id)
FROM catalog_planversion AS v WHERE v.id = ANY(%s)
"""

_BUCKETS = """
SELECT b.line_id, b.id, b.period_id, b.service, b.number, b.starts_at, b.ends_at, b.total, b.used, b.reserved
FROM unnest(%(lines)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
    AS asked (line_id, since, until)
JOIN usage_bucket AS b ON b.line_id = asked.line_id
WHERE b.line_id = ANY(%(lines)s) AND b.ends_at > asked.since AND b.starts_at <= asked.until
ORDER BY b.line_id, b.id
FOR NO KEY UPDATE OF b
"""


def load_books(asked: Mapping[str, tuple[datetime, datetime]], now: datetime) -> dict[str, LineBook]:
    """The books of these lines, each with all that matters between its two instants; three statements.

    A line whose queue may move (something waits for depletion or first use) comes with all buckets to come.
    """
    books = _load_periods({line_id: since for line_id, (since, _until) in asked.items()}, now)
    until = {key: FOREVER if _may_move(book) else asked[key][1] for key, book in books.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            _BUCKETS,
            {
                "lines": [keys.number("ln", key) for key in books],
                "since": [asked[key][0] for key in books],
                "until": list(until.values()),
            },
        )
        for line_key, key, period, service, number, start, end, total, used, reserved in cursor.fetchall():
            books[keys.text("ln", line_key)].buckets.append(
                BucketState(
                    id=keys.text("bkt", key),
                    period_id=keys.text("per", period),
                    service=service,
                    number=number,
                    starts_at=start.astimezone(UTC),
                    ends_at=end.astimezone(UTC),
                    total=total,
                    used=used,
                    reserved=reserved,
                )
            )
    return books


def _load_periods(since: Mapping[str, datetime], now: datetime) -> dict[str, LineBook]:
    with connection.cursor() as cursor:
        cursor.execute(
            _PERIODS, {"lines": [keys.number("ln", key) for key in since], "since": list(since.values())}
        )
        columns = [column.name for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(_OFFERS, [sorted({row["version_id"] for row in rows})])
        offers = {
            key: (Offer(frozenset(countries), overage), plan_terms(version))
            for key, overage, version, countries in cursor.fetchall()
        }
    books = {key: LineBook(key, ZoneInfo("UTC"), [], {}, [], now) for key in since}
    for row in rows:
        offer, terms = offers[row["version_id"]]
        period = _booked(row, terms)
        book = books[keys.text("ln", row["line_id"])]
        book.zone = ZoneInfo(row["timezone"] or "UTC")
        book.booked.append(period)
        book.offers[period.id] = offer
    return books


def _booked(row: Mapping[str, Any], terms: PlanTerms) -> Booked:
    anchor = _utc(row["chain_anchor"])
    return Booked(
        id=keys.text("per", row["id"]),
        order=row["order"],
        position=row["position"],
        kind=PeriodKind(row["kind"]),
        state=PeriodState(row["state"]),
        start_rule=StartRule(row["start_rule"]),
        starts_at=_utc(row["starts_at"]),
        ends_at=_utc(row["ends_at"]),
        opens_by=_utc(row["opens_by"]),
        chain=None if anchor is None else Chain(anchor, row["chain_months"]),
        terms=terms,
        created_at=row["created_at"],
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _may_move(book: LineBook) -> bool:
    waits = {StartRule.DEPLETION, StartRule.FIRST_USE}
    return any(each.start_rule in waits and not each.started(book.now) for each in book.booked)


_MOVE_PERIODS = """
WITH moved AS (
    UPDATE usage_period AS p
    SET starts_at = g.starts_at, ends_at = g.ends_at, opens_by = g.opens_by,
        chain_anchor = g.anchor, chain_months = g.months
    FROM unnest(%(lines)s::bigint[], %(periods)s::bigint[], %(starts)s::timestamptz[],
                %(ends)s::timestamptz[], %(opens)s::timestamptz[], %(anchors)s::timestamptz[],
                %(months)s::int[], %(old_starts)s::timestamptz[], %(old_ends)s::timestamptz[],
                %(reasons)s::text[])
        AS g (line_id, id, starts_at, ends_at, opens_by, anchor, months, old_starts, old_ends, reason)
    WHERE p.line_id = g.line_id AND p.id = g.id
    RETURNING p.line_id, p.id, g.old_starts, g.old_ends, g.starts_at, g.ends_at, g.reason
)
INSERT INTO usage_reschedule
    (line_id, period_id, old_starts_at, old_ends_at, new_starts_at, new_ends_at, reason, at)
SELECT line_id, id, old_starts, old_ends, starts_at, ends_at, reason, %(now)s FROM moved
WHERE (old_starts, old_ends) IS DISTINCT FROM (starts_at, ends_at)
"""

_WRITE_BUCKETS = """
UPDATE usage_bucket AS b
SET starts_at = g.starts_at, ends_at = g.ends_at, used = g.used,
    as_of = CASE WHEN b.used <> g.used THEN %(now)s ELSE b.as_of END
FROM unnest(%(lines)s::bigint[], %(buckets)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
            %(used)s::bigint[]) AS g (line_id, id, starts_at, ends_at, used)
WHERE b.line_id = g.line_id AND b.id = g.id
"""

_ADD_BUCKETS = """
INSERT INTO usage_bucket
    (id, line_id, period_id, service, number, starts_at, ends_at, total, used, reserved, as_of)
SELECT g.*, 0, %(now)s
FROM unnest(%(buckets)s::bigint[], %(lines)s::bigint[], %(periods)s::bigint[], %(services)s::text[],
            %(numbers)s::int[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(totals)s::bigint[],
            %(used)s::bigint[]) AS g
"""

_DROP_BUCKETS = """
DELETE FROM usage_bucket AS b USING unnest(%s::bigint[], %s::bigint[]) AS g (line_id, id)
WHERE b.line_id = g.line_id AND b.id = g.id
"""


def save_buckets(touched: Collection[tuple[str, BucketState]], now: datetime) -> None:
    """Write windows and use of buckets that exist, given with their lines; one statement."""
    if not touched:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_BUCKETS,
            {
                "lines": [keys.number("ln", line_id) for line_id, _bucket in touched],
                "buckets": [keys.number("bkt", bucket.id) for _line, bucket in touched],
                "starts": [bucket.starts_at for _line, bucket in touched],
                "ends": [bucket.ends_at for _line, bucket in touched],
                "used": [bucket.used for _line, bucket in touched],
                "now": now,
            },
        )


def add_buckets(fresh: Collection[tuple[str, BucketState]], now: datetime) -> None:
    """Insert new buckets, given with their lines; one statement."""
    if not fresh:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_BUCKETS,
            {
                "buckets": [keys.number("bkt", bucket.id) for _line, bucket in fresh],
                "lines": [keys.number("ln", line_id) for line_id, _bucket in fresh],
                "periods": [keys.number("per", bucket.period_id) for _line, bucket in fresh],
                "services": [str(bucket.service) for _line, bucket in fresh],
                "numbers": [bucket.number for _line, bucket in fresh],
                "starts": [bucket.starts_at for _line, bucket in fresh],
                "ends": [bucket.ends_at for _line, bucket in fresh],
                "totals": [bucket.total for _line, bucket in fresh],
                "used": [bucket.used for _line, bucket in fresh],
                "now": now,
            },
        )


class BookKeeper:
    """Remembers how books were when they were loaded, and writes the difference."""

    def __init__(self, books: Mapping[str, LineBook]) -> None:
        self._books = books
        self._periods = {each.id: each for book in books.values() for each in book.booked}
        self._buckets = {
            bucket.id: (line_id, bucket.starts_at, bucket.ends_at, bucket.used)
            for line_id, book in books.items()
            for bucket in book.buckets
        }

    def save(self, *, reason: str, now: datetime) -> None:
        """Write what changed since loading: one statement for use alone, a few more where a queue moved.

        `reason` is recorded for boundaries that moved without a reason of their own, and for states.
        """
        self._drop_buckets()
        moved = [book for book in self._books.values() if self._changed(book)]
        self._write_states(moved, reason, now)
        self._write_periods(moved, reason, now)
        present = [(line_id, each) for line_id, book in self._books.items() for each in book.buckets]
        add_buckets([(line_id, each) for line_id, each in present if each.fresh], now)
        save_buckets([pair for pair in present if self._touched(pair[1])], now)
        set_validity(
            [
                Validity(book.line_id, reflow.valid_until(book.booked), reflow.held_until(book.booked))
                for book in moved
            ],
            now=now,
            reason=reason,
        )

    def _changed(self, book: LineBook) -> list[Booked]:
        return [each for each in book.booked if each != self._periods[each.id]]

    def _touched(self, bucket: BucketState) -> bool:
        if bucket.fresh:
            return False
        return self._buckets[bucket.id][1:] != (bucket.starts_at, bucket.ends_at, bucket.used)

    def _drop_buckets(self) -> None:
        present = {bucket.id for book in self._books.values() for bucket in book.buckets}
        gone = [(line_id, key) for key, (line_id, *_rest) in self._buckets.items() if key not in present]
        if gone:
            with connection.cursor() as cursor:
                cursor.execute(
                    _DROP_BUCKETS,
                    [
                        [keys.number("ln", line) for line, _key in gone],
                        [keys.number("bkt", key) for _line, key in gone],
                    ],
                )

    def _write_states(self, moved: Collection[LineBook], reason: str, now: datetime) -> None:
        """Only endings are decided here; what follows from dates is the sweep's."""
        for state in (PeriodState.REVOKED, PeriodState.LAPSED):
            gone = [
                each.id
                for book in moved
                for each in self._changed(book)
                if each.state is state and self._periods[each.id].state is not state
            ]
            transition_many(Period, gone, to=state, reason=reason, actor="usage", now=now)

    def _write_periods(self, moved: Collection[LineBook], reason: str, now: datetime) -> None:
        rows = [(book, self._periods[each.id], each) for book in moved for each in self._changed(book)]
        if not rows:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                _MOVE_PERIODS,
                {
                    "lines": [keys.number("ln", book.line_id) for book, _old, _new in rows],
                    "periods": [keys.number("per", new.id) for _book, _old, new in rows],
                    "starts": [new.starts_at for _book, _old, new in rows],
                    "ends": [new.ends_at for _book, _old, new in rows],
                    "opens": [new.opens_by for _book, _old, new in rows],
                    "anchors": [new.chain.anchor if new.chain else None for _book, _old, new in rows],
                    "months": [new.chain.months if new.chain else None for _book, _old, new in rows],
                    "old_starts": [old.starts_at for _book, old, _new in rows],
                    "old_ends": [old.ends_at for _book, old, _new in rows],
                    "reasons": [book.moved.get(new.id, reason) for book, _old, new in rows],
                    "now": now,
                },
            )
