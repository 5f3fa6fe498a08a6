"""Template tags that write money and moments as the recipient's language does, from primitives."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, get_timezone_gmt
from django import template
from django.template import Context

from everline.core.money import Money

register = template.Library()

#: What stands in the output where the message lacks something; rendering looks for it and refuses.
MISSING = "\x00missing %s\x00"
_MARK = MISSING[0]


@register.simple_tag(takes_context=True)
def money(context: Context, amount: int, currency: str) -> str:
    """`{% money amount currency %}` from minor units: 1999 USD is $19.99."""
    if lacking := _lacking(amount, currency):
        return lacking
    return Money(amount, currency).format(context["locale"])


@register.simple_tag(takes_context=True)
def moment(context: Context, value: str, zone: str) -> str:
    """`{% moment iso_time zone %}`: date, time and the zone's distance from Greenwich."""
    if lacking := _lacking(value, zone):
        return lacking
    return format_moment(datetime.fromisoformat(value), zone, context["locale"])


@register.simple_tag(takes_context=True)
def day(context: Context, value: str, zone: str) -> str:
    """`{% day iso_time zone %}`: the date alone, as short as it can be without doubt."""
    if lacking := _lacking(value, zone):
        return lacking
    local = datetime.fromisoformat(value).astimezone(ZoneInfo(zone))
    return format_date(local.date(), "medium", locale=Locale.parse(context["locale"], sep="-"))


def format_moment(value: datetime, zone: str, locale: str) -> str:
    """An instant as people in `zone` who read `locale` write it, with the zone's offset at that instant."""
    babel = Locale.parse(locale, sep="-")
    local = value.astimezone(ZoneInfo(zone))
    date = format_date(local.date(), "long", locale=babel)
    # Of 24 hours as on the pages; only English has a comma between.
    glue = ", " if babel.language == "en" else " "
    return f"{date}{glue}{local:%H:%M} ({get_timezone_gmt(local, locale=babel)})"


def _lacking(*values: object) -> str:
    return "".join(value for value in values if isinstance(value, str) and _MARK in value)
