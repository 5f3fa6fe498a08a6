from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from django.db import connection

from everline.core import ids
from everline.usage import keys
from everline.usage.types import UNITS, Allowance, Balance, Service

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
        cursor.execute(_BALANCES, {"lines": keys.numbers("ln", line_ids), "now": now})
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


_ALLOWANCES = """
SELECT b.line_id, b.id, b.service, b.number, b.starts_at, b.ends_at, b.total, b.used,
       GREATEST(b.as_of, (SELECT max(r.received_at) FROM usage_usagerecord AS r
                          WHERE r.line_id = b.line_id AND r.service = b.service)),
       EXISTS (SELECT 1 FROM usage_bucket AS n WHERE n.line_id = b.line_id AND n.period_id = b.period_id
               AND n.service = b.service AND n.number = b.number + 1),
       p.id, p.kind, p.version_id, v.name_en, v.name_zh
FROM usage_bucket AS b
JOIN usage_period AS p ON p.id = b.period_id AND p.line_id = b.line_id
JOIN catalog_planversion AS v ON v.id = p.version_id
WHERE b.line_id = ANY(%(lines)s) AND b.starts_at <= %(now)s AND b.ends_at > %(now)s
  AND p.state NOT IN ('suspended', 'revoked', 'lapsed')
ORDER BY b.line_id, b.ends_at, p.position, b.service, b.id
"""


def allowances(line_ids: Collection[str], now: datetime) -> dict[str, list[Allowance]]:
    """The single allowances behind the balances, those that end first first; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ALLOWANCES, {"lines": keys.numbers("ln", line_ids), "now": now})
        rows = cursor.fetchall()
    found: dict[str, list[Allowance]] = {line_id: [] for line_id in line_ids}
    for line, key, service, number, start, end, total, used, as_of, more, period, *plan in rows:
        kind, version_id, name_en, name_zh = plan
        found[ids.from_int("ln", line)].append(
            Allowance(
                id=ids.from_int("bkt", key),
                period_id=ids.from_int("per", period),
                service=service,
                number=number,
                starts_at=start.astimezone(UTC),
                ends_at=end.astimezone(UTC),
                total=total,
                used=used,
                as_of=as_of.astimezone(UTC),
                refills=more,
                kind=kind,
                version_id=version_id,
                name_en=name_en,
                name_zh=name_zh,
            )
        )
    return found


def summed(allowances: Sequence[Allowance]) -> list[Balance]:
    """What `balances` answers for a line, from its `allowances` already at hand; no statement."""
    found = []
    for service in Service:
        own = [each for each in allowances if each.service == service]
        if own:
            totals = [each.total for each in own if each.total is not None]
            used = sum(each.used for each in own)
            unlimited = len(totals) < len(own)
            found.append(
                Balance(
                    service=str(service),
                    unit=UNITS[service],
                    total=None if unlimited else sum(totals),
                    used=used,
                    remaining=None if unlimited else sum(totals) - used,
                    unlimited=unlimited,
                    as_of=max(each.as_of for each in own),
                )
            )
    return found
