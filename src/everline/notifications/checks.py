from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from everline.notifications.channels.registry import email_transport


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
