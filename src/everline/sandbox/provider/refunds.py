"""Refunds: most succeed at once, some settle later, as their card says."""

from datetime import datetime, timedelta
from typing import Any

from everline.core.ids import is_id, new_id
from everline.sandbox import keys, webhooks
from everline.sandbox.db import atomic
from everline.sandbox.models import Payment, Refund, RefundStatus
from everline.sandbox.provider import payments
from everline.sandbox.provider.cards import RefundRule
from everline.sandbox.wire import WireError, missing, stamp

SCOPE = "refunds"
#: How long "later" is for cards whose refunds settle (…7726) or fail (…5126) later.
SETTLES_AFTER = timedelta(hours=1)
BATCH = 200


def create_refund(
    *, payment_id: str, reference: str, amount: int, reason: str, key: str, fingerprint: str, now: datetime
) -> Refund:
    """The refund of this key: made now, or as it is by now when the key was used before.

    Raises:
        WireError: 404; 409 `idempotency_mismatch`; 400 `payment_not_captured` or `amount_too_large`.
    """
    with atomic():
        payment = payments.lock_payment(payment_id, now)
        fresh = new_id("rfd")
        if (known := keys.claim(SCOPE, key, fingerprint, fresh)) != fresh:
            return Refund.objects.select_related("payment").get(pk=known)
        if payment.captured == 0:
            raise WireError(400, "payment_not_captured", "Nothing was captured that could be refunded.")
        if amount > payment.captured - payment.refunded:
            raise WireError(
                400, "amount_too_large", "More than what is left of the payment cannot be refunded."
            )
        payments.add_refunded(payment, amount, now)
        return _create(fresh, payment, reference, amount, reason, now)


def _create(ident: str, payment: Payment, reference: str, amount: int, reason: str, now: datetime) -> Refund:
    rule = RefundRule(payment.refund_rule)
    outcome = {RefundRule.PENDING: RefundStatus.SUCCEEDED, RefundRule.FAILS_LATER: RefundStatus.FAILED}.get(
        rule
    )
    refund = Refund.objects.create(
        id=ident,
        payment=payment,
        reference=reference,
        amount=amount,
        reason=reason,
        status=RefundStatus.PENDING if rule is RefundRule.PENDING else RefundStatus.SUCCEEDED,
        settle_at=now + SETTLES_AFTER if outcome else None,
        settle_to=outcome or "",
        created_at=now,
        updated_at=now,
    )
    _emit(refund, now)
    return refund


def find_refund(refund_id: str) -> Refund:
    """The refund of this id.

    Raises:
        WireError: 404.
    """
    found = Refund.objects.select_related("payment").filter(pk=refund_id) if is_id("rfd", refund_id) else None
    refund = found.first() if found is not None else None
    if refund is None:
        raise missing("refund")
    return refund


def settle_refund(refund_id: str, outcome: RefundStatus, now: datetime) -> Refund:
    """Let a pending refund succeed or fail, or one that succeeded fail after all; repeats change nothing.

    Raises:
        WireError: 404; 409 `refund_failed` where it failed before.
    """
    payment_id = find_refund(refund_id).payment.pk
    with atomic():
        payment = payments.lock_payment(payment_id, now)
        refund = Refund.objects.select_for_update().get(pk=refund_id)
        if refund.status == outcome:
            return find_refund(refund_id)
        if refund.status == RefundStatus.FAILED:
            raise WireError(409, "refund_failed", "A failed refund stays failed; make a new one.")
        if outcome == RefundStatus.FAILED:
            payments.add_refunded(payment, -refund.amount, now)
        Refund.objects.filter(pk=refund.pk).update(
            status=outcome, settle_at=None, settle_to="", updated_at=now
        )
        settled = find_refund(refund_id)
        _emit(settled, now)
        return settled


def settle_due(now: datetime) -> list[str]:
    """Settle what the card said would settle by now; returns the ids."""
    due = Refund.objects.filter(settle_at__lte=now).order_by("settle_at", "id").values_list("pk", "settle_to")
    settled = []
    for refund_id, outcome in list(due[:BATCH]):
        settle_refund(refund_id, RefundStatus(outcome), now)
        settled.append(refund_id)
    return settled


def show(refund: Refund) -> dict[str, Any]:
    """A refund on the wire."""
    return {
        "id": refund.pk,
        "payment": refund.payment.pk,
        "reference": refund.reference,
        "status": refund.status,
        "amount": refund.amount,
        "currency": refund.payment.currency,
        "created_at": stamp(refund.created_at),
        "updated_at": stamp(refund.updated_at),
    }


def _emit(refund: Refund, now: datetime) -> None:
    payment = refund.payment
    data = {
        "payment": payment.pk,
        "reference": payment.reference,
        "refund": refund.pk,
        "refund_reference": refund.reference,
    }
    webhooks.emit("payments", new_id("evt"), f"refund.{refund.status}", data, lane=payment.pk, now=now)
