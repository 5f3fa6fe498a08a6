"""What a refund means for its order. How money goes back is the payments room's matter."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from everline.core import clock, ids
from everline.core.states import transition
from everline.lines.access import lock_lines
from everline.orders.models import Order
from everline.orders.selectors import lines_of_orders, lock_orders
from everline.orders.services import cases, notices
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import KEEPS_MONEY, ORDER_MACHINE, CaseReason, OrderStatus
from everline.orders.timeline import Step
from everline.payments import selectors as payments
from everline.payments.events import RefundSettled
from everline.payments.models import Refund
from everline.payments.services.refunds import request_refunds
from everline.payments.states import KEPT, AttemptStatus, RefundStatus
from everline.payments.types import RefundItem
from everline.usage.services import revoke_periods

#: Why money went back, as the customer reads it.
REASONS: dict[str, str | Promise] = {
    "undelivered": _("We could not set up your plan, so your money goes back in full."),
    "surplus": _("This payment was not needed any more, so it goes back in full."),
}
_OTHER = _("Your refund was approved.")


def give_back(*, order: Order, reason: str, now: datetime) -> list[Note]:
    """Request the refund of all that the order kept, in the caller's transaction; asked again, no more."""
    attempts = [each for each in payments.attempts_for([order.id])[order.id] if each.status in KEPT]
    wanted = request_refunds(items=[RefundItem(each.id) for each in attempts], reason=reason, now=now)
    return [
        Note(order.id, Step.REFUND_STARTED, {"amount": each.amount_minor, "currency": each.currency})
        for each in wanted
    ]


def note_refunds_settled(events: list[RefundSettled]) -> None:
    """Refunds ended at their provider: orders, periods, timeline and mail follow."""
    now = clock.now()
    mine = [event for event in events if ids.is_id("ord", event.payable)]
    with transaction.atomic():
        payables = {event.payable for event in mine}
        lock_lines(lines_of_orders(payables))
        orders = lock_orders(payables)
        found = {refund.id: refund for refunds in payments.refunds_for(orders).values() for refund in refunds}
        notes: list[Note] = []
        for event in mine:
            order, refund = orders[event.payable], found[event.refund_id]
            if event.status == RefundStatus.SUCCEEDED:
                notes += _succeeded(order, refund, now)
            else:
                notes += _failed(order, refund, now)
        write_timeline(notes, now=now)


def _succeeded(order: Order, refund: Refund, now: datetime) -> list[Note]:
    if refund.attempt.kept:
        _follow(order, refund, now)
    with translation.override(order.customer.locale):
        reason = str(REASONS.get(refund.reason, _OTHER))
    notices.send_refunded([(order, refund, reason)], now=now)
    return [Note(order.id, Step.REFUNDED, {"amount": refund.amount_minor, "currency": refund.currency})]


def _follow(order: Order, refund: Refund, now: datetime) -> None:
    """The order goes where its kept money went; a full refund takes its periods back."""
    whole = refund.attempt.status == AttemptStatus.REFUNDED
    target = OrderStatus.REFUNDED if whole else OrderStatus.PARTIALLY_REFUNDED
    if whole:
        revoke_periods(order.id, now)
    if target in ORDER_MACHINE.table[OrderStatus(order.status)]:
        transition(order, to=target, reason=refund.reason, now=now)
    cases.close_cases(
        order_ids=[order.id], reasons=[CaseReason.UNDELIVERED, CaseReason.REFUND_FAILED], now=now
    )


def _failed(order: Order, refund: Refund, now: datetime) -> Sequence[Note]:
    detail = f"{refund.id}: {refund.failure_code or 'failed'}"
    goes_on = not refund.attempt.kept and order.status in KEEPS_MONEY
    return [
        Note(order.id, Step.REFUND_FAILED),
        *cases.open_case(
            order=order, reason=CaseReason.REFUND_FAILED, detail=detail, now=now, goes_on=goes_on
        ),
    ]
