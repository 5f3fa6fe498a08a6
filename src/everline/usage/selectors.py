"""Questions about a line's periods, allowances and usage. Each costs one statement however many lines."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Left, RowNumber

from everline.catalog.models import Operator
from everline.catalog.terms import Chain, Term
from everline.core import ids
from everline.lines.states import effective_service_state
from everline.usage.errors import InvalidRange
from everline.usage.models import Bucket, Period
from everline.usage.schedule import PlanTerms, Schedule
from everline.usage.states import effective_period_state
from everline.usage.types import UNITS, Balance, PeriodView, Service, UsagePoint, UsageSeries

_SHOWN_PERIODS = 60
_MCC_LENGTH = 3
MAX_STEPS = 1_000

_SCHEDULES = """
SELECT line.id, COALESCE(NULLIF(line.timezone, ''), customer.timezone), line.service_state, line.valid_until,
       line.held_until, line.grace_days, last.chain_anchor, last.chain_months, COALESCE(last.used_up, false),
       COALESCE((SELECT max(p.position) FROM usage_period p WHERE p.line_id = line.id), 0), waiting.terms
FROM lines_line AS line
JOIN accounts_customer AS customer ON customer.id = line.customer_id
LEFT JOIN LATERAL (
    SELECT p.chain_anchor, p.chain_months,
           p.state <> 'revoked' AND p.starts_at < %(now)s AND p.ends_at > %(now)s
           AND EXISTS (SELECT 1 FROM usage_bucket b WHERE b.line_id = line.id AND b.period_id = p.id)
           AND NOT EXISTS (
               SELECT 1 FROM usage_bucket b
               WHERE b.line_id = line.id AND b.period_id = p.id AND b.ends_at > %(now)s
                 AND (b.total IS NULL OR b.used + b.reserved < b.total)
                 AND (b.service = 'data' OR NOT EXISTS (
                     SELECT 1 FROM usage_bucket d
                     WHERE d.line_id = line.id AND d.period_id = p.id AND d.service = 'data'))
           ) AS used_up
    FROM usage_period AS p
    WHERE p.line_id = line.id AND p.kind = 'base' AND p.ends_at IS NOT NULL
    ORDER BY p.ends_at DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT array_agg(ROW_TO_JSON(queued) ORDER BY queued.position) AS terms FROM (
        SELECT p.position, v.term_unit, v.term_count, v.calendar_day, v.refill, v.renewal_policy,
               v.start_policy, v.activation_deadline_days, v.max_stacked_days, v.data_bytes,
               v.voice_seconds, v.sms_count
        FROM usage_period AS p JOIN catalog_planversion AS v ON v.id = p.version_id
        WHERE p.line_id = line.id AND p.kind = 'base' AND p.starts_at IS NULL
          AND p.state IN ('queued', 'suspended') AND (p.opens_by IS NULL OR p.opens_by > %(now)s)
    ) AS queued
) AS waiting ON true
WHERE line.id = ANY(%(lines)s) AND (%(customer)s::bigint IS NULL OR line.customer_id = %(customer)s)
"""


def schedules(
    line_ids: Collection[str], now: datetime, *, customer_id: str | None = None
) -> dict[str, Schedule]:
    """What the next order of each line depends on; unknown lines are left out.

    With `customer_id`, so are other customers' lines. To open periods from it, hold the lines first
    (`lines.access.lock_lines`).
    """
    with connection.cursor() as cursor:
        customer = None if customer_id is None else ids.to_int("cus", customer_id)
        cursor.execute(_SCHEDULES, {"lines": _keys(line_ids), "now": now, "customer": customer})
        rows = cursor.fetchall()
    found = {}
    for key, zone, stored, valid, held, grace, anchor, months, used_up, position, waiting in rows:
        line_id = ids.from_int("ln", key)
        found[line_id] = Schedule(
            line_id=line_id,
            zone=ZoneInfo(zone),
            service_state=effective_service_state(stored, valid, grace, now, held),
            valid_until=valid,
            chain=None if anchor is None else Chain(anchor.astimezone(UTC), months),
            depleted=used_up,
            undated=tuple(plan_terms(row) for row in waiting or ()),
            held_until=held,
            position=position,
        )
    return found


def plan_terms(row: Mapping[str, Any]) -> PlanTerms:
    """The terms in a plan version's row as JSON gives it."""
    known = {name: value for name, value in row.items() if name in PlanTerms.__slots__}
    return PlanTerms(term=Term(row["term_unit"], row["term_count"]), **known)


_BALANCES = """
SELECT b.line_id, b.service, sum(b.total), sum(b.used), bool_or(b.total IS NULL),
       GREATEST(max(b.as_of), (SELECT max(r.received_at) FROM usage_usagerecord AS r
                               WHERE r.line_id = b.line_id AND r.service = b.service))
FROM usage_bucket AS b JOIN usage_period AS p ON p.id = b.period_id AND p.line_id = b.line_id
WHERE b.line_id = ANY(%(lines)s) AND b.starts_at <= %(now)s AND b.ends_at > %(now)s
  AND p.state NOT IN ('suspended', 'revoked', 'lapsed')
GROUP BY b.line_id, b.service
"""


def balances(line_ids: Collection[str], now: datetime) -> dict[str, list[Balance]]:
    """What is left on each line now: sums over the buckets valid at this instant, a service at a time.

    Services a line has no bucket of are left out; where one bucket is unlimited, the service is.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, {"lines": _keys(line_ids), "now": now})
        rows = cursor.fetchall()
    found: dict[str, list[Balance]] = {line_id: [] for line_id in line_ids}
    order = list(Service)
    for key, service, total, used, unlimited, as_of in sorted(rows, key=lambda row: order.index(row[1])):
        found[ids.from_int("ln", key)].append(
            Balance(
                service=service,
                unit=UNITS[Service(service)],
                total=None if unlimited else int(total),
                used=int(used),
                remaining=None if unlimited else int(total) - int(used),
                unlimited=unlimited,
                as_of=as_of.astimezone(UTC),
            )
        )
    return found


def periods(line_ids: Collection[str], now: datetime) -> dict[str, list[PeriodView]]:
    """Each line's periods in the order of its queue, at most the sixty newest, as they stand at `now`."""
    newest = Window(RowNumber(), partition_by="line", order_by=F("position").desc())
    rows = Period.objects.filter(line__in=list(line_ids)).annotate(newest=newest)
    found: dict[str, list[PeriodView]] = {line_id: [] for line_id in line_ids}
    for view in _views(rows.filter(newest__lte=_SHOWN_PERIODS).order_by("line", "position"), now):
        found[view.line_id].append(view)
    return found


def periods_of_orders(orders: Collection[str], now: datetime) -> dict[str, list[PeriodView]]:
    """The periods each order gave, in their sequence, as they stand at `now`."""
    found: dict[str, list[PeriodView]] = {order: [] for order in orders}
    for view in _views(Period.objects.filter(order__in=list(orders)).order_by("order", "seq"), now):
        found[view.order].append(view)
    return found


def _views(rows: QuerySet[Period], now: datetime) -> list[PeriodView]:
    spent = Bucket.objects.filter(
        Q(used__gt=0) | Q(reserved__gt=0), line=OuterRef("line"), period=OuterRef("pk")
    )
    return [
        PeriodView(
            id=row.pk,
            line_id=row.line_id,
            order=row.order,
            seq=row.seq,
            plan_id=row.version.plan_id,
            version_id=row.version_id,
            name_en=row.version.name_en,
            name_zh=row.version.name_zh,
            kind=row.kind,
            state=effective_period_state(row.state, row.starts_at, row.ends_at, row.opens_by, now),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            opens_by=row.opens_by,
            used=row.used,
        )
        for row in rows.select_related("version").annotate(used=Exists(spent))
    ]


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
    edges = _edges(start, end, by, zone)
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


def _edges(start: datetime, end: datetime, by: str, zone: ZoneInfo) -> list[datetime]:
    """Where a new local hour, day or month begins strictly between start and end, in UTC."""
    if start >= end or by not in ("hour", "day", "month"):
        raise InvalidRange(max_steps=MAX_STEPS)
    edges: list[datetime] = []
    edge = start
    while (edge := _next_edge(edge, by, zone)) < end:
        edges.append(edge)
        if len(edges) >= MAX_STEPS:
            raise InvalidRange(max_steps=MAX_STEPS)
    return edges


def _next_edge(after: datetime, by: str, zone: ZoneInfo) -> datetime:
    local = after.astimezone(zone)
    if by == "hour":
        # Stepping in UTC keeps both hours of a fold; only the minutes of the offset are local.
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return after.astimezone(UTC) - into + timedelta(hours=1)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if by == "day":
        following = midnight + timedelta(days=1)
    else:
        following = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    edge = following.astimezone(UTC)
    return edge if edge > after else (following + timedelta(days=1)).astimezone(UTC)


def countries_of_plmns(plmns: Collection[str]) -> dict[str, frozenset[str]]:
    """Where each network is: by its PLMN, or for one we do not list by its country code (MCC, ITU-T E.212).

    One statement; empty where nobody we know bears that country code.
    """
    codes = {plmn[:_MCC_LENGTH] for plmn in plmns}
    if not codes:
        return {}
    known: dict[str, set[str]] = {}
    rows = Operator.objects.annotate(mcc=Left("plmn", _MCC_LENGTH)).filter(mcc__in=codes)
    for plmn, country in rows.values_list("plmn", "country"):
        known.setdefault(plmn, set()).add(country)
        known.setdefault(plmn[:_MCC_LENGTH], set()).add(country)
    nowhere: set[str] = set()
    return {plmn: frozenset(known.get(plmn) or known.get(plmn[:_MCC_LENGTH], nowhere)) for plmn in plmns}


def _keys(line_ids: Collection[str]) -> list[int]:
    return [ids.to_int("ln", line_id) for line_id in line_ids]
