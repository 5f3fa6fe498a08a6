"""What can be set wrong, found at the start and by `everline check`. Registered when the urls are loaded."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from django.urls import Resolver404, resolve

from everline.payments.registry import providers
from everline.suppliers.registry import suppliers

#: Names that play the outside world; a live installation must not take money or mail with them.
_PLAYED = {"sandbox", "simulator"}
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_PART = re.compile(r"{[a-z]+}")


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
    if settings.EVERLINE_SMS_URL.startswith("sandbox:"):
        hint = "Set EVERLINE_SMS_URL to your gateway; until then customers without e-mail hear nothing."
        found.append(Warning("Text messages reach nobody.", hint=hint, id="everline.W002"))
    return found


@register()
def hosts_are_named(**_: Any) -> list[CheckMessage]:
    """Links and forms are safe only under names that are ours: no placeholder for any host."""
    loose = [host for host in list.__iter__(settings.ALLOWED_HOSTS) if host == "*" or host.startswith(".")]
    if not loose:
        return []
    return [_error("E008", f"EVERLINE_ALLOWED_HOSTS accepts strangers: {loose}.", "Name each host.")]


@register()
def proxy_is_trusted_for_countries(**_: Any) -> list[CheckMessage]:
    """The country beside a sign-in comes from a proxy; without one every visitor writes their own."""
    name = settings.EVERLINE_COUNTRY_HEADER
    if not name:
        return []
    if not _HEADER.fullmatch(name):
        return [
            _error("E009", f"EVERLINE_COUNTRY_HEADER is no header: {name!r}.", "For example CF-IPCountry.")
        ]
    if settings.SECURE_PROXY_SSL_HEADER is None:
        hint = "Set EVERLINE_BEHIND_PROXY=yes if a proxy in front always writes this header."
        return [Warning("EVERLINE_COUNTRY_HEADER is set without a proxy.", hint=hint, id="everline.W001")]
    return []


@register()
def links_lead_to_pages(**_: Any) -> list[CheckMessage]:
    """Every page that mails and providers link to exists."""
    missing = [name for name, path in settings.EVERLINE_LINKS.items() if not _leads(path)]
    if not missing:
        return []
    return [_error("E010", f"EVERLINE_LINKS leads nowhere: {', '.join(missing)}.", "Mend the paths.")]


def _leads(path: str) -> bool:
    try:
        resolve(_PART.sub("x", path))
    except Resolver404:
        return False
    return True


def _error(number: str, text: str, hint: str) -> CheckMessage:
    return Error(text, hint=hint, id=f"everline.{number}")
