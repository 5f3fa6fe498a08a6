"""What staff may do to an order. Money and states move only as for everybody; each deed leaves its reason.

The audit row stands in the deed's transaction. Where a provider must be asked first, that happens before.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from everline.core import audit, ids, inbox, jobs, ratelimit
from everline.core.errors import NotFound, RateLimited
from everline.core.states import transition
from everline.core.transactions import retrying
from everline.notifications.copies import copy_message
from everline.notifications.types import Kind
from everline.orders.errors import (
    CaseStillNeeded,
    NothingToCopy,
    NothingToRetry,
    OrderNotCancellable,
    PaymentUndecided,
    TooManyCopies,
)
from everline.orders.models import Case, Order
from everline.orders.selectors import lock_orders
from everline.orders.services.settlement import close_open_attempt
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import OrderStatus
from everline.orders.timeline import Step
from everline.payments import selectors as payments
from everline.payments.types import PAYMENT_CHANGED
from everline.suppliers.selectors import open_references
from everline.suppliers.services import wake_orders

#: How often a confirmation may be sent again: each copy is a mail to the customer.
COPIES = 3
COPIES_PER = timedelta(minutes=10)
#: What staff read where the error's own words speak to the customer.
_NOT_OPEN = _("Only an order that nobody has paid can be cancelled. This one is paid or has ended.")
_UNDECIDED = _("The provider does not say yet whether the open payment went through. Look again in a moment.")


def cancel_unpaid_order(*, order_id: str, actor: str, reason: str, now: datetime) -> Order:
    """End an order nobody has paid; its open payment is ended at the provider first.

    Raises:
        NotFound: no such order.
        ReasonMissing, OrderNotCancellable: nothing was done.
        PaymentUndecided: the provider does not say whether the open payment went through.
    """
    audit.checked_reason(reason)
    order = Order.objects.filter(pk=ids.require("ord", order_id)).first()
    if order is None:
        raise NotFound
    if order.status != OrderStatus.AWAITING_PAYMENT:
        raise OrderNotCancellable(_NOT_OPEN, status=order.status)
    if not close_open_attempt(order_id=order.id, now=now):
        raise PaymentUndecided(_UNDECIDED)
    return _cancel(order.id, actor=actor, reason=reason, now=now)


@retrying
@transaction.atomic
def _cancel(order_id: str, *, actor: str, reason: str, now: datetime) -> Order:
    order = lock_orders([order_id])[order_id]
    if order.status != OrderStatus.AWAITING_PAYMENT:
        raise OrderNotCancellable(_NOT_OPEN, status=order.status)
    if payments.open_attempt(order.id) is not None:
        raise PaymentUndecided(_UNDECIDED)
    transition(order, to=OrderStatus.CANCELLED, reason="staff", actor=actor[:80], now=now)
    write_timeline([Note(order.id, Step.CANCELLED)], now=now)
    audit.record(
        actor=actor,
        action="order.cancelled",
        object_kind="order",
        object_id=order.id,
        reason=reason,
        before={"status": str(OrderStatus.AWAITING_PAYMENT)},
        after={"status": order.status},
        now=now,
    )
    return order


@transaction.atomic
def ask_about_attempt(*, attempt_id: str, actor: str, reason: str, now: datetime) -> str:
    """Leave a hint that makes the settling job ask the provider what is true; returns the order's id.

    Nothing is called here: the job does, outside any transaction, and applies the answer as always.

    Raises:
        NotFound: no such attempt.
        ReasonMissing: nothing was done.
    """
    ids.require("att", attempt_id)
    attempt = payments.attempts_by_ids([attempt_id]).get(attempt_id)
    if attempt is None:
        raise NotFound
    entry = audit.record(
        actor=actor,
        action="attempt.checked",
        object_kind="attempt",
        object_id=attempt.id,
        reason=reason,
        before={"status": attempt.status, "order": attempt.payable},
        now=now,
    )
    inbox.store(
        source=f"payments:{attempt.provider}",
        event_id=f"staff:{attempt.id}:{entry.id}",
        kind=PAYMENT_CHANGED,
        object_ref=attempt.psp_ref or "",
        reference=attempt.id,
        job="orders.settle",
    )
    return attempt.payable


@retrying
@transaction.atomic
def retry_fulfilment(*, order_id: str, actor: str, reason: str, now: datetime) -> int:
    """Make an order's open purchases due at once; returns how many. The supplier is asked before any resend.

    Raises:
        NotFound: no such order.
        NothingToRetry: it waits for no supplier.
        ReasonMissing: nothing was done.
    """
    ids.require("ord", order_id)
    order = lock_orders([order_id]).get(order_id)
    if order is None:
        raise NotFound
    references = open_references(order.id)
    if order.status != OrderStatus.FULFILLING or not references:
        raise NothingToRetry
    wake_orders(references=references, now=now)
    jobs.defer("orders.fulfil")
    audit.record(
        actor=actor,
        action="order.fulfilment_retried",
        object_kind="order",
        object_id=order.id,
        reason=reason,
        after={"purchases": references},
        now=now,
    )
    return len(references)


@transaction.atomic
def resend_confirmation(*, order_id: str, actor: str, reason: str, now: datetime) -> str:
    """Send a copy of the order's confirmation to the customer's present address; returns the message's id.

    The copy says what the first one said and has a key of its own, so the order keeps its one confirmation
    and its tracking shows no second one (docs/adr/0009).

    Raises:
        NotFound: no such order.
        NothingToCopy: there is no confirmation, or nowhere to send it.
        TooManyCopies: it was sent again COPIES times within COPIES_PER.
        ReasonMissing: nothing was done.
    """
    ids.require("ord", order_id)
    order = lock_orders([order_id]).get(order_id)
    if order is None:
        raise NotFound
    entry = audit.record(
        actor=actor,
        action="order.confirmation_copied",
        object_kind="order",
        object_id=order.id,
        reason=reason,
        now=now,
    )
    try:
        ratelimit.hit("order_copies", order.id, limit=COPIES, per=COPIES_PER, now=now)
    except RateLimited as limited:
        raise TooManyCopies(**limited.extra) from None
    customer = order.customer
    copy = copy_message(
        original=f"{Kind.ORDER_CONFIRMATION}:{order.id}",
        to={"email": customer.email or "", "sms": customer.phone or ""},
        suffix=str(entry.id),
        now=now,
    )
    if copy is None:
        raise NothingToCopy
    return copy


@retrying
@transaction.atomic
def assign_case(*, case_id: int, owner: str, next_step: str, actor: str, reason: str, now: datetime) -> Case:
    """Say who looks after an open case and what they do next.

    Raises:
        NotFound: no such open case.
        ReasonMissing: nothing was done.
    """
    case = _open_case(case_id)
    before = {"owner": case.owner, "next_step": case.next_step}
    case.owner, case.next_step = owner.strip()[:254], " ".join(next_step.split())[:300]
    case.save(update_fields=["owner", "next_step"])
    audit.record(
        actor=actor,
        action="case.assigned",
        object_kind="case",
        object_id=case.pk,
        reason=reason,
        before=before,
        after={"owner": case.owner, "next_step": case.next_step, "order": case.order_id},
        now=now,
    )
    return case


@retrying
@transaction.atomic
def close_case(*, case_id: int, actor: str, reason: str, now: datetime) -> Case:
    """The matter is settled, for the reason given.

    Raises:
        NotFound: no such open case.
        CaseStillNeeded: the order waits for attention, or holds money of nobody, and no other case says so.
        ReasonMissing: nothing was done.
    """
    case = _open_case(case_id)
    order = lock_orders([case.order_id])[case.order_id]
    others = Case.objects.filter(order=order, closed_at=None).exclude(pk=case.pk).exists()
    if not others and (order.status == OrderStatus.NEEDS_ATTENTION or payments.holds_surplus(order.id)):
        raise CaseStillNeeded
    case.closed_at = now
    case.save(update_fields=["closed_at"])
    audit.record(
        actor=actor,
        action="case.closed",
        object_kind="case",
        object_id=case.pk,
        reason=reason,
        before={"order": order.id, "reason": case.reason},
        now=now,
    )
    return case


def _open_case(case_id: int) -> Case:
    case = Case.objects.select_for_update().filter(pk=case_id, closed_at=None).first()
    if case is None:
        raise NotFound
    return case
