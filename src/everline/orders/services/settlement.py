"""Settle: what providers say is true about attempts becomes true about orders, in one transaction per batch.

Webhooks, return pages and the reconciler only leave hints. Here each hint's payment is asked for anew,
outside any transaction; then {hints, attempts, orders, supplier requests, ledger, timeline, messages} are
written together. Applying the same truth again changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from everline.core import clock, inbox, jobs
from everline.core.batches import bisect
from everline.core.errors import DomainError
from everline.core.models import InboxHint
from everline.core.states import transition_many
from everline.core.transactions import retrying
from everline.orders.models import Order
from everline.orders.selectors import lock_orders
from everline.orders.services import cases, notices
from everline.orders.services.honouring import still_honoured
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import KEEPS_MONEY, CaseReason, OrderStatus
from everline.orders.timeline import Step
from everline.payments import selectors as payments
from everline.payments.errors import ProviderError
from everline.payments.events import AttemptFailed
from everline.payments.models import Attempt
from everline.payments.services import settle
from everline.payments.services.attempts import cancel_at_provider
from everline.payments.services.refunds import request_refunds
from everline.payments.services.settle import Capture, Judgement
from everline.payments.services.truths import Truth, fetch_truths
from everline.payments.states import Verdict
from everline.payments.types import PAYMENT_CHANGED, RefundItem
from everline.suppliers.services import request_orders, specs_for_new_line, specs_for_renewal
from everline.suppliers.types import OrderSpec

SOURCE = "payments:"
#: Ends of an attempt that its customer chose or knows of: no mail tells of them.
_QUIET_FAILURES = frozenset({"cancelled", "expired"})


def settle_inbox(now: datetime) -> int:
    """Apply waiting payment hints, up to a hundred in one transaction; returns how many were applied."""
    total = 0
    while True:
        hints = inbox.pending(source=SOURCE, kinds=[PAYMENT_CHANGED], now=now)
        done = _settle_hints(hints, now)
        total += done
        if not done or len(hints) < inbox.BATCH:
            return total


def close_open_attempt(*, order_id: str, now: datetime) -> bool:
    """End the order's open payment at its provider; False when the provider does not say how it stands."""
    attempt = payments.open_attempt(order_id)
    if attempt is None:
        return True
    try:
        truth = cancel_at_provider(attempt_id=attempt.id)
    except DomainError:
        return False
    apply_truths({attempt.id: truth}, now=now)
    return payments.open_attempt(order_id) is None


@retrying
@transaction.atomic
def apply_truths(truths: Mapping[str, Truth], *, now: datetime) -> None:
    """Write what is true about attempts, by attempt id, together with all that follows for their orders."""
    _apply(payments.attempts_by_ids(truths), truths, now)


def note_attempts_failed(events: list[AttemptFailed]) -> None:
    """A provider refused an attempt while it was being started: the same is told as for a later refusal."""
    now = clock.now()
    attempts = payments.attempts_by_ids(event.attempt_id for event in events)
    with transaction.atomic():
        orders = lock_orders(attempt.payable for attempt in attempts.values())
        write_timeline(_tell_failures(orders, list(attempts.values()), now), now=now)


def _settle_hints(hints: Sequence[InboxHint], now: datetime) -> int:
    attempts = payments.attempts_by_ids(hint.reference for hint in hints)
    truths = fetch_truths(refs=[payments.attempt_ref(attempt) for attempt in attempts.values()])
    ready: list[InboxHint] = []
    for hint in hints:
        truth = truths.get(hint.reference)
        if truth is None:
            inbox.postpone(hint.id, f"no attempt {hint.reference or '(none)'} here", now)
        elif isinstance(truth, ProviderError):
            inbox.postpone(hint.id, truth, now)
        else:
            ready.append(hint)

    @retrying
    @transaction.atomic
    def work(batch: Sequence[InboxHint]) -> int:
        taken = inbox.take([hint.id for hint in batch], now)
        mine = {hint.reference for hint in batch if hint.id in taken}
        _apply({key: attempts[key] for key in mine}, truths, now)
        return len(taken)

    return bisect(ready, work, lambda hint, error: inbox.postpone(hint.id, repr(error), now))


@dataclass
class _Batch:
    """What one batch of judged attempts makes of its orders."""

    captures: list[Capture] = field(default_factory=list)
    failures: list[Judgement] = field(default_factory=list)
    open: list[Judgement] = field(default_factory=list)
    paid: list[Order] = field(default_factory=list)
    surplus: list[tuple[Order, Attempt]] = field(default_factory=list)
    mismatched: list[tuple[Order, Judgement]] = field(default_factory=list)


def _apply(attempts: Mapping[str, Attempt], truths: Mapping[str, Truth], now: datetime) -> None:
    """Lock orders, then attempts; judge; write. Runs in the caller's transaction."""
    if not attempts:
        return
    orders = lock_orders({attempt.payable for attempt in attempts.values()})
    locked = settle.lock_attempts(attempt_ids=attempts)
    batch = _Batch()
    for attempt in locked.values():
        judgement = settle.judge(attempt=attempt, truth=truths[attempt.id], now=now)
        _sort(batch, orders[attempt.payable], judgement, now)
    settle.settle_captures(items=batch.captures, now=now)
    settle.settle_failures(items=batch.failures, now=now)
    settle.settle_open(items=batch.open, now=now)
    notes: list[Note] = []
    notes += _take_paid(batch.paid, now)
    notes += _send_back_surplus(batch.surplus, now)
    notes += _flag_mismatches(batch, now)
    notes += _tell_failures(orders, [each.attempt for each in batch.failures], now)
    write_timeline(notes, now=now)


def _sort(batch: _Batch, order: Order, judgement: Judgement, now: datetime) -> None:
    match judgement.verdict:
        case Verdict.FAIL:
            batch.failures.append(judgement)
        case Verdict.OPEN:
            batch.open.append(judgement)
        case Verdict.MISMATCH:
            batch.captures.append(Capture(judgement, keep=False, reason="mismatch"))
            batch.mismatched.append((order, judgement))
        case Verdict.CAPTURE if _takes_money(order, batch, now):
            batch.captures.append(Capture(judgement, keep=True, tax=order.tax))
            batch.paid.append(order)
        case Verdict.CAPTURE:
            batch.captures.append(Capture(judgement, keep=False, reason=f"order is {order.status}"))
            batch.surplus.append((order, judgement.attempt))
        case _:
            pass


def _takes_money(order: Order, batch: _Batch, now: datetime) -> bool:
    """An order keeps one capture: while it waits for payment, or late while its terms still stand."""
    if any(other.id == order.id for other in batch.paid):
        return False
    if order.status == OrderStatus.EXPIRED:
        return still_honoured(order, now)
    return order.status == OrderStatus.AWAITING_PAYMENT


def _take_paid(orders: Sequence[Order], now: datetime) -> list[Note]:
    if not orders:
        return []
    deadline = now + timedelta(minutes=settings.EVERLINE_DELIVERY_DEADLINE_MINUTES)
    transition_many(
        Order,
        [order.id for order in orders],
        to=(OrderStatus.PAID, OrderStatus.FULFILLING),
        reason="captured",
        set={"paid_at": now, "deliver_by": deadline},
        now=now,
    )
    request_orders(specs=[spec for order in orders for spec in _supplier_specs(order)], now=now)
    jobs.defer("orders.fulfil")
    return [
        Note(order.id, step) for order in orders for step in (Step.PAYMENT_CAPTURED, Step.FULFILMENT_STARTED)
    ]


def _supplier_specs(order: Order) -> list[OrderSpec]:
    """A top-up of the line's card; for a new line its profile first."""
    code = order.plan_version.supplier_code
    if order.line is None:
        return specs_for_new_line(order=order.id, plan_code=code, quantity=order.quantity)
    return specs_for_renewal(order=order.id, iccid=order.line.iccid, plan_code=code, quantity=order.quantity)


def _send_back_surplus(surplus: Sequence[tuple[Order, Attempt]], now: datetime) -> list[Note]:
    if surplus:
        request_refunds(items=[RefundItem(attempt.id) for _, attempt in surplus], reason="surplus", now=now)
    return [
        Note(order.id, Step.PAYMENT_SURPLUS, {"attempt": attempt.id, "amount": attempt.captured_minor})
        for order, attempt in surplus
    ]


def _flag_mismatches(batch: _Batch, now: datetime) -> list[Note]:
    """Money that is not what was asked for waits for a person; an order that was paid rightly goes on."""
    paid = {order.id for order in batch.paid}
    notes: list[Note] = []
    for order, judgement in batch.mismatched:
        goes_on = order.id in paid or order.status in KEEPS_MONEY
        detail = (
            f"{judgement.attempt.id}: asked {judgement.attempt.amount}, got {judgement.snapshot.captured}"
        )
        notes += cases.open_case(
            order=order, reason=CaseReason.AMOUNT_MISMATCH, detail=detail, now=now, goes_on=goes_on
        )
    return notes


def _tell_failures(orders: Mapping[str, Order], failed: Sequence[Attempt], now: datetime) -> list[Note]:
    loud = [attempt for attempt in failed if attempt.failure_code not in _QUIET_FAILURES]
    notices.send_payment_failed([(orders[attempt.payable], attempt) for attempt in loud], now=now)
    return [Note(attempt.payable, Step.PAYMENT_FAILED, {"code": attempt.failure_code}) for attempt in failed]
