"""The staff pages' own tags: records, states, money, times, actions."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from everline.backoffice.actions import ACTIONS, allowed
from everline.backoffice.records import url_of
from everline.backoffice.wording import kind_text, tone_of, warning_text, what_text
from everline.core.money import Money

register = template.Library()
register.filter("what", what_text)
register.filter("kind", kind_text)
register.filter("warning", warning_text)

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@register.simple_tag
def record(kind: str, key: object, text: object = "") -> str:
    """A link to a record, or its text alone where it has no page."""
    shown = str(text or key or "—")
    url = url_of(kind, key)
    return format_html('<a class="bo-link" href="{}">{}</a>', url, shown) if url else shown


@register.filter
def badge(state: object) -> str:
    """A state with its tone."""
    return format_html('<span class="bo-badge {}">{}</span>', tone_of(str(state)), str(state))


@register.filter
def money(value: Money | None) -> str:
    """An amount as the active language writes it."""
    return "—" if value is None else value.format(get_language() or "en")


@register.simple_tag
def minor(amount: int, currency: str) -> str:
    """An amount in minor units as the active language writes it."""
    return Money(amount, currency).format(get_language() or "en")


@register.filter
def when(value: datetime | None) -> str:
    """A moment to the second, in UTC, which the page says once."""
    if value is None:
        return "—"
    at = value.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S"))


@register.filter
def lasting(seconds: int | None) -> str:
    """A span in its two largest units."""
    if seconds is None:
        return "—"
    if seconds < _MINUTE:
        return _("%(n)d s") % {"n": seconds}
    if seconds < _HOUR:
        return _("%(m)d min %(s)d s") % {"m": seconds // _MINUTE, "s": seconds % _MINUTE}
    if seconds < _DAY:
        return _("%(h)d h %(m)d min") % {"h": seconds // _HOUR, "m": seconds % _HOUR // _MINUTE}
    return _("%(d)d d %(h)d h") % {"d": seconds // _DAY, "h": seconds % _DAY // _HOUR}


@register.filter
def quantity(value: int | None, unit: str) -> str:
    """Bytes in the largest unit, seconds and messages as they are; None is unlimited."""
    if value is None:
        return _("unlimited")
    if unit != "bytes":
        return f"{value:,}"
    for size, name in _UNITS:
        if value >= size:
            return f"{(Decimal(value) / size).quantize(Decimal('0.01'))} {name}"
    return f"{value} B"


@register.simple_tag(takes_context=True)
def act(context: template.Context, name: str, key: object) -> str:
    """The button of an action, for whoever may do it; it leads to the page that asks for the reason."""
    action = ACTIONS[name]
    request: Any = context["request"]
    if not allowed(request.user, action):
        return ""
    url = reverse("desk:act", args=[name, str(key)])
    tone = "danger" if action.danger else ""
    return format_html('<a class="bo-button {}" href="{}">{}</a>', tone, url, action.title)
