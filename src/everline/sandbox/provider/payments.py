"""Payments: start, and the ways they end. Every change is one locked transaction that writes its webhook."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from everline.core.ids import is_id, new_id
from everline.sandbox import keys, webhooks
from everline.sandbox.db import atomic
from everline.sandbox.models import ClosedBy, Payment, PaymentStatus
from everline.sandbox.provider import disputes
from everline.sandbox.provider.cards import Card, Challenge
from everline.sandbox.wire import WireError, missing

SCOPE = "payments"
OPEN = PaymentStatus.REQUIRES_ACTION
EXPIRY_BATCH = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A validated request to start a payment; the amount in minor units."""

    reference: str
    order: str
    method: str
    amount: int
    currency: str
    return_url: str
    cancel_url: str
    locale: str
    description: str
    expires_at: datetime


def start_payment(*, wanted: Wanted, key: str, fingerprint: str, decline: bool, now: datetime) -> Payment:
    """The payment of this key: made now, or as it is by now when the key was used before.

    Raises:
        WireError: 409 `idempotency_mismatch`, the key was used with another body.
    """
    with atomic():
        fresh = new_id("pay")
        if (known := keys.claim(SCOPE, key, fingerprint, fresh)) != fresh:
            return Payment.objects.get(pk=known)
        payment = Payment.objects.create(
            id=fresh,
            reference=wanted.reference,
            order=wanted.order,
            offered=wanted.method,
            amount=wanted.amount,
            currency=wanted.currency,
            return_url=wanted.return_url,
            cancel_url=wanted.cancel_url,
            locale=wanted.locale,
            description=wanted.description,
            expires_at=wanted.expires_at,
            status=OPEN,
            created_at=now,
            updated_at=now,
        )
        if decline:
            _fail(payment, "generic_decline", ClosedBy.CUSTOMER, now)
        elif wanted.expires_at <= now:
            _fail(payment, "expired", ClosedBy.TIME, now)
        return payment


def find_payment(payment_id: str) -> Payment:
    """The payment of this id.

    Raises:
        WireError: 404.
    """
    payment = Payment.objects.filter(pk=payment_id).first() if is_id("pay", payment_id) else None
    if payment is None:
        raise missing("payment")
    return payment


def lock_payment(payment_id: str, now: datetime) -> Payment:
    """The payment, locked until the transaction ends, and expired first where its time is over.

    Raises:
        WireError: 404.
    """
    if not is_id("pay", payment_id):
        raise missing("payment")
    payment = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise missing("payment")
    if payment.status == OPEN and payment.expires_at <= now:
        _fail(payment, "expired", ClosedBy.TIME, now)
    return payment


def cancel_payment(payment_id: str, now: datetime) -> Payment:
    """The shop gives up on it: failed/`cancelled` while it was open, otherwise as it is."""
    with atomic():
        payment = lock_payment(payment_id, now)
        if payment.status == OPEN:
            _fail(payment, "cancelled", ClosedBy.SHOP, now)
        return payment


def expire_due(now: datetime) -> list[str]:
    """End open payments whose time is over; returns their ids."""
    rows = Payment.objects.filter(status=OPEN, expires_at__lte=now)
    if not rows.exists():
        return []
    with atomic():
        locked = list(rows.select_for_update(skip_locked=True).order_by("id")[:EXPIRY_BATCH])
        for payment in locked:
            _fail(payment, "expired", ClosedBy.TIME, now)
        return [payment.pk for payment in locked]


def pay_by_card(payment_id: str, card: Card, now: datetime) -> Payment:
    """The customer's card decides: captured, failed, or still open with a challenge to be passed.

    A payment that is not open stays as it is: a second submit changes nothing.
    """
    with atomic():
        payment = lock_payment(payment_id, now)
        if payment.status != OPEN:
            return payment
        if card.meaning.challenge is Challenge.REQUIRED:
            challenge = {
                "id": new_id("tds"),
                "decline": card.meaning.decline,
                "brand": card.brand,
                "last4": card.last4,
                "fingerprint": card.fingerprint,
            }
            _change(payment, now, {"challenge": challenge})
            return payment
        used = _card_values(card.brand, card.last4, card.fingerprint) | {"refund_rule": card.meaning.refunds}
        if card.meaning.decline:
            _fail(payment, card.meaning.decline, ClosedBy.CUSTOMER, now, used)
        else:
            _capture(payment, now, used)
            if card.meaning.dispute:
                disputes.open_dispute(payment, reason=card.meaning.dispute, amount=payment.amount, now=now)
        return payment


def answer_challenge(payment_id: str, challenge_id: str, *, approve: bool, now: datetime) -> Payment:
    """The cardholder's answer to the bank; one that is not the payment's latest challenge changes nothing.

    Raises:
        WireError: 409 `challenge_replaced` while the payment is open with another challenge.
    """
    with atomic():
        payment = lock_payment(payment_id, now)
        if payment.status != OPEN:
            return payment
        challenge = payment.challenge or {}
        if challenge.get("id") != challenge_id:
            raise WireError(409, "challenge_replaced", "Another card was tried meanwhile.")
        used = _card_values(challenge["brand"], challenge["last4"], challenge["fingerprint"])
        if not approve:
            _fail(payment, "authentication_failed", ClosedBy.CUSTOMER, now, used)
        elif challenge["decline"]:
            _fail(payment, challenge["decline"], ClosedBy.CUSTOMER, now, used)
        else:
            _capture(payment, now, used)
        return payment


def pay_by_account(payment_id: str, kind: str, now: datetime) -> Payment:
    """A wallet or an account pays at once: PayPal, Apple Pay, Google Pay, Alipay, WeChat Pay."""
    with atomic():
        payment = lock_payment(payment_id, now)
        if payment.status == OPEN:
            card = kind in {"apple_pay", "google_pay"}
            method = {
                "kind": kind,
                "brand": "visa" if card else None,
                "last4": "4242" if card else None,
                "wallet": kind if card else None,
            }
            _capture(payment, now, {"method": method})
        return payment


def leave_payment(payment_id: str, now: datetime) -> Payment:
    """The customer presses cancel on our page."""
    with atomic():
        payment = lock_payment(payment_id, now)
        if payment.status == OPEN:
            _fail(payment, "cancelled", ClosedBy.CUSTOMER, now)
        return payment


def add_refunded(payment: Payment, amount: int, now: datetime) -> None:
    """Count a refund (or, negative, its failure) on the locked payment."""
    _change(payment, now, {"refunded": payment.refunded + amount})


def _card_values(brand: str, last4: str, fingerprint: str) -> dict[str, Any]:
    return {
        "method": {"kind": "card", "brand": brand, "last4": last4, "wallet": None},
        "fingerprint": fingerprint,
    }


def _capture(payment: Payment, now: datetime, used: dict[str, Any]) -> None:
    end = {"status": PaymentStatus.CAPTURED, "captured": payment.amount, "challenge": None}
    _change(payment, now, used | end)
    _emit(payment, "payment.captured", now)


def _fail(
    payment: Payment, code: str, by: ClosedBy, now: datetime, used: dict[str, Any] | None = None
) -> None:
    end = {"status": PaymentStatus.FAILED, "failure_code": code, "closed_by": by, "challenge": None}
    _change(payment, now, (used or {}) | end)
    _emit(payment, "payment.failed", now)


def _change(payment: Payment, now: datetime, values: dict[str, Any]) -> None:
    """One statement on the locked row, and the same values on the object in hand."""
    values = values | {"version": payment.version + 1, "updated_at": now}
    Payment.objects.filter(pk=payment.pk).update(**values)
    for name, value in values.items():
        setattr(payment, name, value)


def _emit(payment: Payment, kind: str, now: datetime) -> None:
    data = {"payment": payment.pk, "reference": payment.reference, "refund": None, "refund_reference": None}
    webhooks.emit("payments", new_id("evt"), kind, data, lane=payment.pk, now=now)
