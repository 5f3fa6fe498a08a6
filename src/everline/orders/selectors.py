"""Questions about orders. Views gather what the entry floors show, in a fixed number of statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from everline.core import ids
from everline.notifications.types import Kind
from everline.orders.models import Order, TimelineEntry
from everline.orders.states import OrderStatus
from everline.payments import selectors as payments
from everline.payments.models import Attempt, Refund
from everline.payments.states import OPEN
from everline.usage import selectors as usage
from everline.usage.types import PeriodView

_WITH_US = (OrderStatus.PAID, OrderStatus.FULFILLING, OrderStatus.NEEDS_ATTENTION)

#: Where an order stands while a message of it waits, and the message is true no more.
_OVERTAKEN: Mapping[str, frozenset[OrderStatus]] = {
    # The money went back, and with it the service; the refund's own mail tells of it.
    Kind.ORDER_CONFIRMATION: frozenset({OrderStatus.REFUNDED, OrderStatus.NEEDS_ATTENTION}),
    # Paid by now, or over: there is nothing to try again.
    Kind.PAYMENT_FAILED: frozenset(OrderStatus) - {OrderStatus.AWAITING_PAYMENT},
    # Money came late and was honoured.
    Kind.ORDER_EXPIRED: frozenset(OrderStatus) - {OrderStatus.EXPIRED},
}


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with all that belongs to it, as of one instant."""

    order: Order
    periods: Sequence[PeriodView]
    attempts: Sequence[Attempt]
    refunds: Sequence[Refund]
    timeline: Sequence[TimelineEntry]


@dataclass(frozen=True, slots=True)
class UnfinishedOrder:
    """An order on its way, with its open payment where there is one."""

    order: Order
    attempt: Attempt | None


def lock_orders(order_ids: Iterable[str]) -> dict[str, Order]:
    """Orders with plan, line, customer and brand, their rows held in key order until the transaction ends."""
    rows = (
        Order.objects.select_for_update(of=("self",))
        .select_related("plan_version", "line", "customer__user", "customer__brand")
        .filter(pk__in=set(order_ids))
        .order_by("pk")
    )
    return {order.id: order for order in rows}


def order_views(orders: Sequence[Order], now: datetime) -> list[OrderView]:
    """Orders with their periods, attempts, refunds and timeline; four statements whatever their number."""
    keys = [order.id for order in orders]
    if not keys:
        return []
    periods = usage.periods_of_orders(keys, now)
    attempts = payments.attempts_for(keys)
    refunds = payments.refunds_for(keys)
    timeline: dict[str, list[TimelineEntry]] = {key: [] for key in keys}
    for entry in TimelineEntry.objects.filter(order_id__in=keys).order_by("id"):
        timeline[entry.order_id].append(entry)
    return [
        OrderView(order, periods.get(order.id, []), attempts[order.id], refunds[order.id], timeline[order.id])
        for order in orders
    ]


def orders_of_customer(
    *,
    customer_id: str,
    line_id: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 20,
) -> list[Order]:
    """A customer's orders with their brand, oldest first, after the order `after`; one statement."""
    rows = Order.objects.select_related("plan_version", "line", "customer__brand").filter(
        customer_id=customer_id
    )
    if line_id is not None:
        rows = rows.filter(line_id=line_id)
    if status is not None:
        rows = rows.filter(status=status)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.order_by("pk")[:limit])


def recent_orders(*, customer_id: str, before: str | None = None, limit: int = 20) -> list[Order]:
    """A customer's orders, newest first, older than the order `before`; one statement."""
    rows = Order.objects.select_related("plan_version", "line").filter(customer_id=customer_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def unfinished_orders(*, customer_id: str, now: datetime, limit: int = 5) -> list[UnfinishedOrder]:
    """A customer's newest orders that wait for them, for us or for a person; at most two statements.

    An unpaid order whose time is over is left out, whatever a sweep has already written.
    """
    waiting = Order.objects.select_related("plan_version", "line").filter(
        Q(status__in=_WITH_US) | Q(status=OrderStatus.AWAITING_PAYMENT, expires_at__gt=now),
        customer_id=customer_id,
    )
    orders = list(waiting.order_by("-pk")[:limit])
    if not orders:
        return []
    attempts = payments.attempts_for([order.id for order in orders])
    return [
        UnfinishedOrder(order, next((each for each in attempts[order.id] if each.status in OPEN), None))
        for order in orders
    ]


def timeline_since(*, order_id: str, entry_id: int) -> list[TimelineEntry]:
    """Steps of an order after a step already seen; one statement."""
    return list(TimelineEntry.objects.filter(order_id=order_id, id__gt=entry_id).order_by("id"))


def unpaid_orders_due(now: datetime, limit: int = 100) -> list[str]:
    """Orders whose time to be paid is over."""
    due = Order.objects.filter(status=OrderStatus.AWAITING_PAYMENT, expires_at__lte=now)
    return list(due.order_by("expires_at").values_list("id", flat=True)[:limit])


def undelivered_orders_due(now: datetime, limit: int = 100) -> list[str]:
    """Paid orders that were not delivered by their deadline."""
    due = Order.objects.filter(status=OrderStatus.FULFILLING, deliver_by__lte=now)
    return list(due.order_by("deliver_by").values_list("id", flat=True)[:limit])


def lines_of_orders(order_ids: Collection[str]) -> QuerySet[Order, Any]:
    """The ids of these orders' lines, as a query within another one; a line still to be made has none."""
    return Order.objects.filter(pk__in=order_ids, line__isnull=False).values("line_id")


def noted_orders(order_ids: Collection[str], event: str) -> set[str]:
    """Those of these orders whose timeline has such a step; one statement."""
    return set(
        TimelineEntry.objects.filter(order_id__in=order_ids, event=event).values_list("order_id", flat=True)
    )


def outdated_notices(messages: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Which messages, as (kind, order), their orders have overtaken, and how these stand; one statement."""
    asked = {
        (kind, order_id) for kind, order_id in messages if kind in _OVERTAKEN and ids.is_id("ord", order_id)
    }
    if not asked:
        return {}
    rows = Order.objects.filter(pk__in={order_id for _, order_id in asked})
    stands = {key: OrderStatus(status) for key, status in rows.values_list("id", "status")}
    return {
        (kind, order_id): f"the order is {stands[order_id]}"
        for kind, order_id in asked
        if stands.get(order_id) in _OVERTAKEN[kind]
    }
