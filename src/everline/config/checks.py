"""What can be set wrong, found at the start and by `everline check`. Registered when the urls are loaded."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from everline.payments.registry import providers
from everline.suppliers.registry import suppliers

#: Names that play the outside world; a live installation must not take money or mail with them.
_PLAYED = {"sandbox", "simulator"}


@register()
def adapters_can_be_loaded(**_: Any) -> list[CheckMessage]:
    """Every provider, supplier and mail transport that the settings name exists."""
    found: list[CheckMessage] = []
    for number, name, load in (
        ("E006", "EVERLINE_PAYMENT_PROVIDERS", providers),
        ("E007", "EVERLINE_SUPPLIERS", suppliers),
    ):
        try:
            load()
        except ImportError as error:
            found.append(_error(number, f"{name}: {error}", "Name adapters that are installed."))
    return found


@register()
def live_installation_is_real(**_: Any) -> list[CheckMessage]:
    """In live mode nothing of the sandbox may stand in for the real world."""
    if settings.EVERLINE_MODE != "live":
        return []
    found: list[CheckMessage] = []
    if not settings.EVERLINE_SECRET_KEY_GIVEN:
        found.append(
            _error("E001", "EVERLINE_SECRET_KEY is not set.", "Set it, or EVERLINE_SECRET_KEY_FILE.")
        )
    if not settings.EVERLINE_PUBLIC_URL.startswith("https://"):
        found.append(_error("E002", "EVERLINE_PUBLIC_URL is not https.", "Set the address customers use."))
    if not settings.EVERLINE_PAYMENT_PROVIDERS or _PLAYED & set(settings.EVERLINE_PAYMENT_PROVIDERS):
        found.append(_error("E003", "No real payment provider is set.", "Set EVERLINE_PAYMENT_PROVIDERS."))
    if not settings.EVERLINE_SUPPLIERS or _PLAYED & set(settings.EVERLINE_SUPPLIERS):
        found.append(_error("E004", "No real supplier is set.", "Set EVERLINE_SUPPLIERS."))
    if settings.EVERLINE_EMAIL_URL.startswith("sandbox:"):
        found.append(_error("E005", "EVERLINE_EMAIL_URL is the sandbox's.", "Set smtp:// or smtps://."))
    return found


def _error(number: str, text: str, hint: str) -> CheckMessage:
    return Error(text, hint=hint, id=f"everline.{number}")
