"""Why a payment failed, in the words that the API gives to the shop."""

from typing import Any, Final

from everline.sandbox.provider.cards import HARD_DECLINES

_MESSAGES: Final = {
    "generic_decline": "The card was declined.",
    "insufficient_funds": "The card has insufficient funds.",
    "lost_card": "The card was declined.",
    "stolen_card": "The card was declined.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is incorrect.",
    "processing_error": "An error occurred while processing the card.",
    "card_velocity_exceeded": "The card's limit was exceeded.",
    "fraudulent": "The payment was blocked as too risky.",
    "test_mode_live_card": "The card is not a test card.",
    "authentication_failed": "The cardholder was not authenticated.",
    "cancelled": "The payment was cancelled.",
    "expired": "The payment was not completed in time.",
}


def describe(code: str) -> dict[str, Any]:
    """`{code, message, hard}`; hard means that this card will never work."""
    return {"code": code, "message": _MESSAGES[code], "hard": code in HARD_DECLINES}
