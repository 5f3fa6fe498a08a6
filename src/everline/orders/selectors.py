"""Questions about orders. Views gather what the entry floors show, in a fixed number of statements."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from everline.orders.models import Order, TimelineEntry
from everline.orders.states import OrderStatus
from everline.payments import selectors as payments
from everline.payments.models import Attempt, Refund
from everline.usage import selectors as usage
from everline.usage.types import PeriodView


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with all that belongs to it, as of one instant."""

    order: Order
    periods: Sequence[PeriodView]
    attempts: Sequence[Attempt]
    refunds: Sequence[Refund]
    timeline: Sequence[TimelineEntry]


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
    """A customer's orders, oldest first, after the order `after`; one statement."""
    rows = Order.objects.select_related("plan_version", "line").filter(customer_id=customer_id)
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
