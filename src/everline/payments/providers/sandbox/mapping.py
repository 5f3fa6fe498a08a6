"""The provider's words into ours. What cannot be read is OutcomeUnknown, an unknown status UNKNOWN."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from everline.core.errors import DomainError
from everline.core.money import Money
from everline.payments.errors import OutcomeUnknown
from everline.payments.providers.sandbox.config import NAME
from everline.payments.types import (
    PAYMENT_CHANGED,
    REFUND_CHANGED,
    AttemptSpec,
    EventHint,
    Failure,
    Method,
    PaymentState,
    RefundSnapshot,
    RefundState,
    Snapshot,
)

_STATES = {
    "requires_action": PaymentState.REQUIRES_ACTION,
    "processing": PaymentState.PROCESSING,
    "captured": PaymentState.CAPTURED,
    "failed": PaymentState.FAILED,
}
_REFUND_STATES = {
    "pending": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
}
#: What a reader of an answer of the wrong shape runs into.
_WRONG_SHAPE = (KeyError, TypeError, ValueError, AttributeError, DomainError)


def request(attempt: AttemptSpec) -> dict[str, Any]:
    """The body that starts a payment. It depends on the attempt alone: the same key has the same body."""
    return {
        "reference": attempt.attempt_id,
        "order": attempt.payable,
        "method": attempt.method,
        "amount": attempt.amount.amount,
        "currency": attempt.amount.currency,
        "return_url": _address(attempt.return_url),
        "cancel_url": _address(attempt.cancel_url),
        "locale": attempt.locale,
        "description": attempt.description,
        "expires_at": attempt.expires_at.isoformat(),
    }


def snapshot(body: Mapping[str, Any]) -> Snapshot:
    """A payment."""
    try:
        currency = _text(body["currency"])
        return Snapshot(
            provider=NAME,
            ref=_text(body["id"]),
            attempt_id=_text(body["reference"]),
            state=_STATES.get(body["status"], PaymentState.UNKNOWN),
            amount=Money(body["amount"], currency),
            captured=Money(body["captured"], currency),
            refunded=Money(body["refunded"], currency),
            redirect_url=_text(body.get("redirect_url") or ""),
            method=_method(body.get("method")),
            failure=_failure(body.get("failure")),
            version=int(body.get("version") or 0),
        )
    except _WRONG_SHAPE as error:
        raise OutcomeUnknown(NAME, "unreadable_payment", repr(error)) from error


def refund(body: Mapping[str, Any]) -> RefundSnapshot:
    """A refund."""
    try:
        return RefundSnapshot(
            provider=NAME,
            ref=_text(body["id"]),
            payment_ref=_text(body["payment"]),
            refund_id=_text(body["reference"]),
            state=_REFUND_STATES.get(body["status"], RefundState.UNKNOWN),
            amount=Money(body["amount"], _text(body["currency"])),
        )
    except _WRONG_SHAPE as error:
        raise OutcomeUnknown(NAME, "unreadable_refund", repr(error)) from error


def rows(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of a list answer."""
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise OutcomeUnknown(NAME, "unreadable_list")
    return data


def hint(body: Mapping[str, Any]) -> EventHint:
    """What an event is about. Its news is not looked at. Raises KeyError, TypeError or ValueError."""
    data = body["data"]
    is_refund = _text(body["type"]).startswith("refund.")
    return EventHint(
        event_id=_text(body["id"]),
        kind=REFUND_CHANGED if is_refund else PAYMENT_CHANGED,
        ref=_text(data["payment"]),
        attempt_id=_text(data["reference"]),
        refund_ref=_text(data.get("refund") or ""),
        refund_id=_text(data.get("refund_reference") or ""),
    )


def _address(url: str) -> str:
    """The same address in the characters that RFC 3986 allows; the provider refuses others."""
    return quote(url, safe="%!#$&'()*+,/:;=?@[]~")


def _method(value: Any) -> Method | None:
    if not value:
        return None
    return Method(
        kind=_text(value["kind"]),
        brand=_text(value.get("brand") or ""),
        last4=_text(value.get("last4") or ""),
        wallet=_text(value.get("wallet") or ""),
    )


def _failure(value: Any) -> Failure | None:
    if not value:
        return None
    return Failure(_text(value["code"]), _text(value.get("message") or ""), hard=value.get("hard") is True)


def _text(value: Any) -> str:
    """Text that a database takes: no NUL, and no half of a surrogate pair (UnicodeEncodeError)."""
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(f"not text: {value!r}")
    value.encode()
    return value
