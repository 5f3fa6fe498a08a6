"""The words for ways to sign in and for what customers are told about."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

_Words = Mapping[str, str | Promise]

METHODS: _Words = {
    "password": pgettext_lazy("sign-in", "Password"),
    "code": pgettext_lazy("sign-in", "One-time code"),
    "link": pgettext_lazy("sign-in", "Link in a mail"),
    "passkey": pgettext_lazy("sign-in", "Passkey"),
    "totp": pgettext_lazy("sign-in", "authenticator app"),
    "recovery_code": pgettext_lazy("sign-in", "recovery code"),
}
TOPICS: _Words = {
    "expiry_reminders": _("Before a plan ends"),
    "usage_alerts": _("When an allowance runs low"),
    "announcements": _("News and offers"),
}
CHANNELS: _Words = {
    "email": pgettext_lazy("channel", "E-mail"),
    "sms": pgettext_lazy("channel", "SMS"),
}


def method(code: str, kind: str) -> str:
    """How somebody signed in, from the code the session keeps: "password+totp"."""
    words = " + ".join(str(METHODS[part]) for part in code.split("+") if part in METHODS)
    if kind == "api":
        return f"API · {words}" if words else "API"
    return words
