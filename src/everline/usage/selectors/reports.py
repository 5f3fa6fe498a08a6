from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from everline.core import ids
from everline.usage.steps import edges_between
from everline.usage.types import Overrun, Service, UsagePoint, UsageSeries

_SERIES = """
SELECT width_bucket(r.at, %(edges)s::timestamptz[]) AS step, r.service, r.country, sum(r.quantity)
FROM usage_usagerecord AS r
WHERE r.line_id = %(line)s AND r.at >= %(start)s AND r.at < %(end)s
  AND (%(service)s::text IS NULL OR r.service = %(service)s)
GROUP BY step, r.service, r.country ORDER BY step, r.service, r.country
"""
#: A service at a time, so that each is the end of an index however many records there are.
_AS_OF = """
SELECT COALESCE(
    (SELECT max(newest.received_at) FROM unnest(%(services)s::text[]) AS asked (service)
     CROSS JOIN LATERAL (
         SELECT max(r.received_at) AS received_at FROM usage_usagerecord AS r
         WHERE r.line_id = %(line)s AND r.service = asked.service
     ) AS newest),
    (SELECT max(b.as_of) FROM usage_bucket AS b WHERE b.line_id = %(line)s)
)
"""


def usage_series(
    *,
    line_id: str,
    start: datetime,
    end: datetime,
    by: str,
    service: str | None,
    zone: ZoneInfo,
    now: datetime,
) -> UsageSeries:
    """Usage of a line in `[start, end)` by `hour`, `day` or `month` of `zone`, per service and country.

    Steps follow the local calendar and are cut at `start` and `end`; empty ones are left out. `as_of` is when
    the line's newest record of any service and time was taken in; without records the opening of its newest
    bucket, without either `now`.

    Raises:
        InvalidRange: nothing between start and end, or more than a thousand steps.
    """
    edges = edges_between(start, end, by, zone)
    with connection.cursor() as cursor:
        key = ids.to_int("ln", line_id)
        cursor.execute(_SERIES, {"edges": edges, "line": key, "start": start, "end": end, "service": service})
        rows = cursor.fetchall()
        cursor.execute(_AS_OF, {"line": key, "services": list(Service)})
        [(newest,)] = cursor.fetchall()
    cuts = [start.astimezone(UTC), *edges, end.astimezone(UTC)]
    points = [
        UsagePoint(cuts[step], cuts[step + 1], name, int(quantity), country or None)
        for step, name, country, quantity in rows
    ]
    return UsageSeries(points, now if newest is None else newest.astimezone(UTC))


_OVERRUNS = """
SELECT r.service, a.overrun, a.late, sum(a.quantity)
FROM usage_usagerecord AS r JOIN usage_allocation AS a ON a.record_id = r.id AND a.line_id = r.line_id
WHERE r.line_id = %(line)s AND r.at >= %(start)s AND r.at < %(end)s AND a.overrun <> ''
GROUP BY r.service, a.overrun, a.late ORDER BY r.service, a.late, a.overrun
"""


def overruns(*, line_id: str, start: datetime, end: datetime) -> list[Overrun]:
    """What of a line's usage in `[start, end)` no allowance carried, by service and rule; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERRUNS, {"line": ids.to_int("ln", line_id), "start": start, "end": end})
        rows = cursor.fetchall()
    return [Overrun(service, rule, int(quantity), late) for service, rule, late, quantity in rows]
