"""The words of an order's tracking: one per step, the same in code, API and on screens."""

from collections.abc import Mapping
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Step(StrEnum):
    """What can happen to an order, as its customer sees it."""

    PLACED = "order.placed"
    PAYMENT_STARTED = "payment.started"
    PAYMENT_CHECKING = "payment.checking"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_SURPLUS = "payment.surplus"
    PRICE_ACCEPTED = "price.accepted"
    FULFILMENT_STARTED = "fulfilment.started"
    FULFILMENT_DELAYED = "fulfilment.delayed"
    FULFILMENT_FAILED = "fulfilment.failed"
    PERIOD_OPENED = "period.opened"
    FULFILLED = "order.fulfilled"
    CONFIRMED = "confirmation.sent"
    EXPIRED = "order.expired"
    CANCELLED = "order.cancelled"
    ATTENTION = "order.needs_attention"
    REFUND_STARTED = "refund.started"
    REFUNDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"


_TEXTS: Mapping[str, str | Promise] = {
    Step.PLACED: _("Order placed"),
    Step.PAYMENT_STARTED: _("Payment started"),
    Step.PAYMENT_CHECKING: _("We are checking your payment with the payment service"),
    Step.PAYMENT_FAILED: _("The payment did not go through"),
    Step.PAYMENT_CAPTURED: _("Payment received"),
    Step.PAYMENT_SURPLUS: _("A further payment arrived and goes back to you"),
    Step.PRICE_ACCEPTED: _("New price accepted"),
    Step.FULFILMENT_STARTED: _("Your plan is being set up"),
    Step.FULFILMENT_DELAYED: _("Setting up takes longer than usual; we keep trying"),
    Step.FULFILMENT_FAILED: _("Your plan could not be set up"),
    Step.PERIOD_OPENED: _("Your plan is on your line"),
    Step.FULFILLED: _("Done"),
    Step.CONFIRMED: _("Confirmation sent"),
    Step.EXPIRED: _("Not paid in time; the order has ended"),
    Step.CANCELLED: _("Order cancelled"),
    Step.ATTENTION: _("Our team is looking at this order and will get back to you"),
    Step.REFUND_STARTED: _("Your money is on its way back"),
    Step.REFUNDED: _("Money returned"),
    Step.REFUND_FAILED: _("The refund did not go through; our team takes care of it"),
}

#: Why a payment failed, by the attempt's failure code.
_FAILURES: Mapping[str, str | Promise] = {
    "insufficient_funds": _("There is not enough money on the card. Try another card or payment method."),
    "expired_card": _("The card has expired. Try another card."),
    "incorrect_cvc": _("The security code was wrong. Check it and try again."),
    "incorrect_number": _("The card number was wrong. Check it and try again."),
    "processing_error": _("The card could not be processed just now. Try again in a moment."),
    "authentication_failed": _("The bank could not confirm that it was you. Try again, or use another card."),
    "cancelled": _("You cancelled this payment. You can start a new one."),
    "expired": _("The payment page was open for too long. Start a new payment."),
}
_DECLINED = _("The bank declined the payment. Try another card or payment method, or ask your bank.")


def text_of(event: str) -> str:
    """The step in the active language."""
    return str(_TEXTS.get(event, event))


def failure_text(code: str) -> str:
    """Why a payment failed and what to do next, in the active language; gives nothing away to a thief."""
    return str(_FAILURES.get(code, _DECLINED))
