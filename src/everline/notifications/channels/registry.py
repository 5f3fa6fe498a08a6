"""Transports by URL scheme, loaded by dotted path: nobody imports one."""

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from everline.notifications.channels.port import EmailTransport

if TYPE_CHECKING:
    from collections.abc import Callable

EMAIL_TRANSPORTS: dict[str, str] = {
    "sandbox": "everline.notifications.channels.email.sandbox.connect",
    "smtp": "everline.notifications.channels.email.smtp.connect",
    "smtps": "everline.notifications.channels.email.smtp.connect",
}


def email_transport() -> EmailTransport:
    """The transport that `EVERLINE_EMAIL_URL` names.

    Raises:
        ImproperlyConfigured: no transport has this scheme, or the URL lacks what it needs.
    """
    return _connected(settings.EVERLINE_EMAIL_URL)


@lru_cache(maxsize=4)
def _connected(url: str) -> EmailTransport:
    path = EMAIL_TRANSPORTS.get(urlsplit(url).scheme)
    if path is None:
        raise ImproperlyConfigured(f"EVERLINE_EMAIL_URL must start with one of {', '.join(EMAIL_TRANSPORTS)}")
    connect: Callable[[str], EmailTransport] = import_string(path)
    return connect(url)
