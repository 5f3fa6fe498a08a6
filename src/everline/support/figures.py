"""The dashboard's figures: each a set-based statement over a bounded time, none over a whole history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from everline.core.money import Money
from everline.notifications.states import DeliveryState
from everline.orders.states import OrderStatus
from everline.payments.states import AttemptStatus

DAYS = 30
#: Delivery times are those of this long.
_LATELY = timedelta(days=7)
_SHOWN = 8
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC): orders paid, how many of them renewed a line, and what they brought, by currency."""

    day: date
    orders: int
    renewals: int
    revenue: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed, and how often."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is shown first in the morning. Ages and times in seconds, None where nothing is to be measured."""

    days: Sequence[Day]
    totals: Mapping[str, Money]
    payment_failures: Sequence[Reason]
    supplier_failures: Sequence[Reason]
    delivered: int
    delivery_p50: int | None
    delivery_p95: int | None
    inbox_waiting: int
    inbox_age: int | None
    inbox_errors: int
    outbox_waiting: int
    outbox_age: int | None
    unknown_attempts: int
    undelivered_orders: int
    open_cases: int
    unowned_cases: int
    messages_waiting: int
    messages_age: int | None
    messages_given_up: int
    revenue_by_currency: Mapping[str, Sequence[Money]] = field(default_factory=dict)


_DAYS = """
SELECT (paid_at AT TIME ZONE 'UTC')::date AS day, orders_order.currency, count(*),
       count(*) FILTER (WHERE quote.line_id IS NOT NULL), sum(orders_order.total_minor)
FROM orders_order JOIN orders_quote AS quote ON quote.id = orders_order.quote_id
WHERE paid_at >= %(since)s AND paid_at <= %(now)s GROUP BY 1, 2
"""
_FAILURES = """
SELECT 'payment', failure_code, count(*) FROM payments_attempt
WHERE status = %(failed)s AND created_at >= %(since)s GROUP BY 2
UNION ALL
SELECT 'supplier', failure_code, count(*) FROM suppliers_supplierorder
WHERE status = 'failed' AND created_at >= %(since)s GROUP BY 2
ORDER BY 3 DESC, 2
"""
_TIMES = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM fulfilled_at - paid_at)),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM fulfilled_at - paid_at))
FROM orders_order WHERE paid_at >= %(lately)s AND paid_at <= %(now)s AND fulfilled_at IS NOT NULL
"""
_QUEUES = """
SELECT
  (SELECT count(*) FROM core_inboxhint WHERE processed_at IS NULL),
  (SELECT min(received_at) FROM core_inboxhint WHERE processed_at IS NULL),
  (SELECT count(*) FROM core_inboxhint WHERE processed_at IS NULL AND tries > 0),
  (SELECT count(*) FROM core_outboxevent WHERE dispatched_at IS NULL),
  (SELECT min(created_at) FROM core_outboxevent WHERE dispatched_at IS NULL),
  (SELECT count(*) FROM payments_attempt WHERE status = %(unknown)s),
  (SELECT count(*) FROM orders_order WHERE status = %(fulfilling)s),
  (SELECT count(*) FROM orders_case WHERE closed_at IS NULL),
  (SELECT count(*) FROM orders_case WHERE closed_at IS NULL AND owner = ''),
  (SELECT count(*) FROM notifications_delivery WHERE status = %(queued)s),
  (SELECT min(queued_at) FROM notifications_delivery WHERE status = %(queued)s),
  (SELECT count(*) FROM notifications_delivery WHERE status = %(given_up)s AND ended_at >= %(since)s)
"""


def figures(now: datetime) -> Figures:
    """All of them, in four statements."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    parameters: dict[str, str | datetime] = {
        "now": now,
        "since": midnight - timedelta(days=DAYS - 1),
        "lately": now - _LATELY,
        "failed": str(AttemptStatus.FAILED),
        "unknown": str(AttemptStatus.UNKNOWN),
        "fulfilling": str(OrderStatus.FULFILLING),
        "queued": str(DeliveryState.QUEUED),
        "given_up": str(DeliveryState.GIVEN_UP),
    }
    paid, failed, [times], [queues] = (
        _rows(statement, parameters) for statement in (_DAYS, _FAILURES, _TIMES, _QUEUES)
    )
    days = _days(paid, midnight.date())
    totals = _totals(days)
    return Figures(
        days=days,
        totals=totals,
        payment_failures=_reasons(failed, "payment"),
        supplier_failures=_reasons(failed, "supplier"),
        delivered=times[0],
        delivery_p50=_seconds(times[1]),
        delivery_p95=_seconds(times[2]),
        inbox_waiting=queues[0],
        inbox_age=_age(queues[1], now),
        inbox_errors=queues[2],
        outbox_waiting=queues[3],
        outbox_age=_age(queues[4], now),
        unknown_attempts=queues[5],
        undelivered_orders=queues[6],
        open_cases=queues[7],
        unowned_cases=queues[8],
        messages_waiting=queues[9],
        messages_age=_age(queues[10], now),
        messages_given_up=queues[11],
        revenue_by_currency={
            code: [day.revenue.get(code, Money.zero(code)) for day in days] for code in totals
        },
    )


def _rows(statement: str, parameters: Mapping[str, str | datetime]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _days(rows: Sequence[Row], today: date) -> list[Day]:
    """Thirty days, the empty ones too, oldest first."""
    found: list[Day] = []
    for back in reversed(range(DAYS)):
        day = today - timedelta(days=back)
        mine = [row for row in rows if row[0] == day]
        found.append(
            Day(
                day=day,
                orders=sum(row[2] for row in mine),
                renewals=sum(row[3] for row in mine),
                revenue={row[1]: Money(int(row[4]), row[1]) for row in mine},
            )
        )
    return found


def _totals(days: Sequence[Day]) -> dict[str, Money]:
    codes = sorted({code for day in days for code in day.revenue})
    return {
        code: Money.total((day.revenue[code] for day in days if code in day.revenue), code) for code in codes
    }


def _reasons(rows: Sequence[Row], kind: str) -> list[Reason]:
    return [Reason(row[1] or "unknown", row[2]) for row in rows if row[0] == kind][:_SHOWN]


def _age(oldest: datetime | None, now: datetime) -> int | None:
    return None if oldest is None else max(0, int((now - oldest).total_seconds()))


def _seconds(value: object) -> int | None:
    return None if value is None else round(float(str(value)))
