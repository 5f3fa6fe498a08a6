"""Filters and tags that write values in the page's language."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from everline.core.money import Money
from everline.lines.install import qr_svg
from everline.portal import formats, wording

if TYPE_CHECKING:
    from everline.catalog.terms import Term
    from everline.catalog.types import FairUse, Text

register = template.Library()

_CHINESE = "zh-hans"


def active_locale() -> str:
    """The page's language as the rest of the product names it."""
    return _CHINESE if (get_language() or _CHINESE).startswith("zh") else "en"


@register.simple_tag
def page_language() -> str:
    """The page's language as HTML names it (BCP 47)."""
    return "zh-Hans" if active_locale() == _CHINESE else "en"


@register.simple_tag
def page_locale() -> str:
    """The page's language as customers' settings name it."""
    return active_locale()


@register.filter
def money(value: Money) -> str:
    """An amount with its currency."""
    return value.format(active_locale())


@register.filter
def moment(value: datetime, zone: str) -> str:
    """Date and time in a zone."""
    return formats.moment(value, zone, active_locale())


@register.filter
def moment_in_zone(value: datetime, zone: str) -> str:
    """Date and time in a zone, and which zone that is."""
    return formats.moment(value, zone, active_locale(), with_zone=True)


@register.filter
def day(value: datetime, zone: str) -> str:
    """The date in a zone."""
    return formats.day(value, zone, active_locale())


@register.filter
def iso(value: datetime) -> str:
    """What programs read in `<time datetime>`."""
    return value.isoformat(timespec="seconds")


@register.filter
def in_words(value: "Text") -> str:
    """A bilingual wording in the page's language."""
    return value.in_locale(active_locale())


@register.filter
def plan_name(named: Any) -> str:
    """The name of anything with `name_en` and `name_zh`."""
    return str(named.name_zh if active_locale() == _CHINESE else named.name_en)


@register.filter
def term(value: "Term") -> str:
    """A plan's length."""
    return wording.term(value)


@register.filter
def days_left(count: int) -> str:
    """How long a line still works."""
    return wording.days_left(count)


@register.filter
def amount_of(amount: int, service: str) -> str:
    """Bytes, seconds or messages as people say them."""
    return wording.quantity(service, amount, active_locale())


@register.filter
def share_of(part: int, whole: int) -> int:
    """A part in percent of the whole, for a bar."""
    return formats.share(part, whole)


@register.filter
def fair_use(rule: "FairUse") -> str:
    """What happens to an unlimited allowance, in one sentence."""
    values = {
        "size": formats.data_size(rule.after_bytes, active_locale()),
        "speed": wording.speed(rule.throttle_kbps),
    }
    return str(wording.FAIR_USE[rule.per]) % values


@register.filter
def word(code: str, kind: str) -> str:
    """A state or name by its code; `kind` is the table's name in `wording`."""
    return str(getattr(wording, kind.upper()).get(code, code))


@register.filter
def tone(code: str) -> str:
    """The colour of a state's badge."""
    return wording.TONES.get(code, "plain")


@register.simple_tag
def qr_code(text: str) -> SafeString:
    """An activation code as a picture within the page; segno writes nothing of the text into the markup."""
    return mark_safe(qr_svg(text, sized=False))  # noqa: S308 - markup made of numbers by our own code
