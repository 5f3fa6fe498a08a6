"""Template tags that write money and moments as the recipient's language does, from primitives."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_time, get_timezone_gmt
from django import template
from django.template import Context

from everline.core.money import Money

register = template.Library()


@register.simple_tag(takes_context=True)
def money(context: Context, amount: int, currency: str) -> str:
    """`{% money amount currency %}` from minor units: 1999 USD is $19.99."""
    return Money(amount, currency).format(context["locale"])


@register.simple_tag(takes_context=True)
def moment(context: Context, value: str, zone: str) -> str:
    """`{% moment iso_time zone %}`: date, time and the zone's distance from Greenwich."""
    return format_moment(datetime.fromisoformat(value), zone, context["locale"])


def format_moment(value: datetime, zone: str, locale: str) -> str:
    """An instant as people in `zone` who read `locale` write it, with the zone's offset at that instant."""
    babel = Locale.parse(locale, sep="-")
    local = value.astimezone(ZoneInfo(zone))
    date = format_date(local.date(), "long", locale=babel)
    time = format_time(local, "short", tzinfo=local.tzinfo, locale=babel)
    return f"{date} {time} ({get_timezone_gmt(local, locale=babel)})"
