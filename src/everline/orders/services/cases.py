"""Cases: an order that a person must look at, with the reason and the way it ended."""

from collections.abc import Iterable
from datetime import datetime

from everline.core.states import transition
from everline.orders.models import Case, Order
from everline.orders.services.tracking import Note
from everline.orders.states import ORDER_MACHINE, CaseReason, OrderStatus
from everline.orders.timeline import Step


def open_case(
    *, order: Order, reason: CaseReason, detail: str, now: datetime, goes_on: bool = False
) -> list[Note]:
    """Open a case, once per reason while it is open, and move the order to `needs_attention` if it can.

    With `goes_on` the order itself is in order (the case is about other money that came for it) and stays
    where it is. Runs in the caller's transaction, under the order's lock; returns the steps to be written.
    """
    Case.objects.bulk_create(
        [Case(order=order, reason=reason, detail=detail[:300], opened_at=now)], ignore_conflicts=True
    )
    if goes_on or OrderStatus.NEEDS_ATTENTION not in ORDER_MACHINE.table[OrderStatus(order.status)]:
        return []
    transition(order, to=OrderStatus.NEEDS_ATTENTION, reason=str(reason), now=now)
    return [Note(order.id, Step.ATTENTION, {"reason": str(reason)})]


def close_cases(*, order_ids: Iterable[str], reasons: Iterable[CaseReason], now: datetime) -> None:
    """The matter is settled."""
    Case.objects.filter(order_id__in=list(order_ids), reason__in=list(reasons), closed_at=None).update(
        closed_at=now
    )
