"""What the hosted pages say, in the active language."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

METHODS: Final[dict[str, Promise]] = {
    "card": _("Card"),
    "paypal": _("PayPal"),
    "apple_pay": _("Apple Pay (simulated)"),
    "google_pay": _("Google Pay (simulated)"),
    "alipay": _("Alipay (simulated)"),
    "wechat_pay": _("WeChat Pay (simulated)"),
}

_ERRORS: Final[dict[str, Promise]] = {
    "incorrect_number": _("Check the card number: it is not complete or has a typing mistake."),
    "invalid_expiry": _("Enter the expiry date as month and year, for example 04/30."),
    "expired_card": _("This card has expired. Check the date or use another card."),
    "invalid_cvc": _("Enter the security code: three or four digits."),
    "unknown_method": _("Choose one of the ways to pay."),
    "unknown_action": _("Press one of the buttons below."),
}

_OUTCOMES: Final[dict[str, Promise]] = {
    "paid": _("This payment is complete. You do not need to pay again."),
    "cancelled": _("This payment was cancelled. Nothing was charged."),
    "expired": _("The time to pay is over. Nothing was charged."),
    "authentication_failed": _("Your bank could not confirm that it was you. Nothing was charged."),
    "challenge_replaced": _("Another card was tried meanwhile, so this confirmation is no longer needed."),
}
_DECLINED: Final = _("The card was declined. Nothing was charged.")


def error_text(code: str) -> Promise:
    """The sentence for a form error's code."""
    return _ERRORS[code]


def outcome_text(code: str) -> Promise:
    """The sentence for the way a payment ended."""
    return _OUTCOMES.get(code, _DECLINED)


def language() -> str:
    """The active language as the rest of Everline names it."""
    return "zh-hans" if (get_language() or "").startswith("zh") else "en"
