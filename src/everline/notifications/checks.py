from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from everline.notifications.carrying import load_tables
from everline.notifications.channels.registry import email_transport, sms_transport


@register()
def email_url(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """The e-mail transport can be made of the settings."""
    del app_configs
    try:
        email_transport()
    except ImproperlyConfigured as error:
        return [
            Error(str(error), hint="See EVERLINE_EMAIL_URL in docs/self-hosting.", id="notifications.E001")
        ]
    return []


@register()
def sms_url(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """The SMS transport can be made of the settings."""
    del app_configs
    try:
        sms_transport()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="See EVERLINE_SMS_URL in docs/self-hosting.", id="notifications.E002")]
    return []


@register()
def tables(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """The tables of attachments and of outdated messages can be loaded."""
    del app_configs
    try:
        load_tables()
    except (ImportError, TypeError) as error:
        return [
            Error(
                f"EVERLINE_ATTACHMENTS or EVERLINE_OUTDATED names no table: {error}", id="notifications.E003"
            )
        ]
    return []
