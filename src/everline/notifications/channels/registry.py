"""Transports by URL scheme, loaded by dotted path: nobody imports one."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from everline.notifications.channels.port import EmailTransport, SmsTransport

EMAIL_TRANSPORTS: dict[str, str] = {
    "sandbox": "everline.notifications.channels.email.sandbox.connect",
    "smtp": "everline.notifications.channels.email.smtp.connect",
    "smtps": "everline.notifications.channels.email.smtp.connect",
}
SMS_TRANSPORTS: dict[str, str] = {
    "sandbox": "everline.notifications.channels.sms.sandbox.connect",
    "https": "everline.notifications.channels.sms.webhook.connect",
    "http": "everline.notifications.channels.sms.webhook.connect",
}


def email_transport() -> EmailTransport:
    """The transport that `EVERLINE_EMAIL_URL` names.

    Raises:
        ImproperlyConfigured: no transport has this scheme, or the URL lacks what it needs.
    """
    transport: EmailTransport = _connected("EVERLINE_EMAIL_URL", settings.EVERLINE_EMAIL_URL)
    return transport


def sms_transport() -> SmsTransport:
    """The transport that `EVERLINE_SMS_URL` names.

    Raises:
        ImproperlyConfigured: no transport has this scheme, or the URL lacks what it needs.
    """
    transport: SmsTransport = _connected("EVERLINE_SMS_URL", settings.EVERLINE_SMS_URL)
    return transport


_TABLES: Mapping[str, Mapping[str, str]] = {
    "EVERLINE_EMAIL_URL": EMAIL_TRANSPORTS,
    "EVERLINE_SMS_URL": SMS_TRANSPORTS,
}


@lru_cache(maxsize=4)
def _connected(name: str, url: str) -> Any:
    known = _TABLES[name]
    path = known.get(urlsplit(url).scheme)
    if path is None:
        raise ImproperlyConfigured(f"{name} must start with one of {', '.join(known)}")
    return import_string(path)(url)
