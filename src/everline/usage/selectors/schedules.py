from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from everline.catalog.terms import Chain, Term
from everline.core import ids
from everline.lines.states import effective_service_state
from everline.usage import keys
from everline.usage.schedule import PlanTerms, Schedule

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
        cursor.execute(_SCHEDULES, {"lines": keys.numbers("ln", line_ids), "now": now, "customer": customer})
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
