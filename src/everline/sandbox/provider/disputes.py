"""Disputes: a cardholder's complaint, opened by a test card or the control API."""

from datetime import datetime
from typing import Any

from everline.core.ids import is_id, new_id
from everline.sandbox import webhooks
from everline.sandbox.db import atomic
from everline.sandbox.models import Dispute, Payment
from everline.sandbox.wire import WireError, missing, stamp

CLOSED = frozenset({"won", "lost"})


def open_dispute(payment: Payment, *, reason: str, amount: int, now: datetime) -> Dispute:
    """A new dispute over a captured payment; call inside a transaction.

    Raises:
        WireError: 409 where nothing was captured, 400 where less was.
    """
    if payment.captured == 0:
        raise WireError(409, "payment_not_captured", "Only captured payments can be disputed.")
    if amount > payment.captured:
        raise WireError(400, "amount_too_large", "More than was captured cannot be disputed.")
    dispute = Dispute.objects.create(
        payment=payment, reason=reason, amount=amount, status="open", opened_at=now
    )
    _emit(dispute, "dispute.opened", now)
    return dispute


def close_dispute(dispute_id: str, *, outcome: str, now: datetime) -> Dispute:
    """The bank decides; the same decision again changes nothing.

    Raises:
        WireError: 404, or 409 where the other decision stands.
    """
    if not is_id("dsp", dispute_id):
        raise missing("dispute")
    with atomic():
        dispute = (
            Dispute.objects.select_for_update(of=("self",))
            .select_related("payment")
            .filter(pk=dispute_id)
            .first()
        )
        if dispute is None:
            raise missing("dispute")
        if dispute.status == outcome:
            return dispute
        if dispute.status in CLOSED:
            raise WireError(409, "dispute_closed", f"This dispute was {dispute.status}.")
        Dispute.objects.filter(pk=dispute.pk).update(status=outcome, closed_at=now)
        dispute.refresh_from_db()
        _emit(dispute, "dispute.closed", now)
        return dispute


def show(dispute: Dispute) -> dict[str, Any]:
    """A dispute on the wire."""
    return {
        "id": dispute.pk,
        "payment": dispute.payment.pk,
        "order": dispute.payment.order,
        "attempt": dispute.payment.reference,
        "status": dispute.status,
        "reason": dispute.reason,
        "amount": dispute.amount,
        "currency": dispute.payment.currency,
        "opened_at": stamp(dispute.opened_at),
        "closed_at": stamp(dispute.closed_at),
    }


def _emit(dispute: Dispute, kind: str, now: datetime) -> None:
    payment = dispute.payment
    data = {
        "payment": payment.pk,
        "reference": payment.reference,
        "refund": None,
        "refund_reference": None,
        "dispute": dispute.pk,
    }
    webhooks.emit("payments", new_id("evt"), kind, data, lane=payment.pk, now=now)
