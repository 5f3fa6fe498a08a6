"""Tags of the shop: flags, places, addresses in both languages for those who index pages."""

from typing import TYPE_CHECKING, Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from everline.accounts.types import LOCALES
from everline.catalog.shelf import Order
from everline.catalog.types import FairUse
from everline.portal.templatetags.portal import active_locale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from everline.catalog.types import CountryCoverage
    from everline.portal.offers import Offer

register = template.Library()

_SORTS = {
    Order.TERM: _("Length"),
    Order.PRICE: _("Price"),
    Order.GIGABYTE: _("Price per GB"),
    Order.DAY: _("Price per day"),
}

_COMMAS = {"zh-hans": "、", "en": ", "}
_HREFLANG = {"zh-hans": "zh-Hans", "en": "en"}
_SHOWN_FLAGS = 4


@register.simple_tag
def flag(code: str) -> SafeString:
    """The picture of a country or region, always beside its name; fetched when it comes into view."""
    return format_html(
        '<img class="flag" src="{}" alt="" width="24" height="16" loading="lazy" decoding="async">',
        flag_url(code),
    )


def flag_url(code: str) -> str:
    """Where the picture of a country (two capitals) or region (small letters) is."""
    return static(f"portal/flags/{code}.svg")


@register.filter
def first_flags(coverage: "Sequence[CountryCoverage]") -> "Sequence[CountryCoverage]":
    """As many places as fit in a row."""
    return coverage[:_SHOWN_FLAGS]


@register.filter
def place_names(coverage: "Sequence[CountryCoverage]") -> str:
    """All the places, in words."""
    locale = active_locale()
    return _COMMAS[locale].join(place.name.in_locale(locale) for place in coverage)


@register.filter
def names_of(countries: "Sequence[tuple[str, str]]") -> str:
    """The names of (code, name) pairs."""
    return _COMMAS[active_locale()].join(name for _code, name in countries)


@register.filter
def operator_names(place: "CountryCoverage") -> str:
    """The networks of one place with what they offer."""
    return _COMMAS[active_locale()].join(f"{each.name} {each.radio}" for each in place.operators)


@register.filter
def sort_name(order: str) -> str:
    """What a list is ordered by."""
    return str(_SORTS[Order(order)])


@register.filter
def rule_of(version: Any) -> FairUse | None:
    """The fair-use rule of a stored plan version."""
    return None if version.fair_use is None else FairUse(**version.fair_use, hotspot=version.hotspot)


@register.simple_tag
def elsewhere(chosen: "Sequence[str]", offers: "Sequence[Offer]") -> list[str]:
    """Plans chosen to compare that are not on this page of the list."""
    here = {offer.plan.id for offer in offers}
    return [plan_id for plan_id in chosen if plan_id not in here]


@register.simple_tag(takes_context=True)
def alternates(context: dict[str, Any]) -> list[tuple[str, str]]:
    """(language, absolute address) of the page in each language, without filters."""
    request = context["request"]
    return [
        (_HREFLANG[locale], request.build_absolute_uri(f"{request.path}?lang={locale}")) for locale in LOCALES
    ]


@register.simple_tag(takes_context=True)
def absolute(context: dict[str, Any], lang: str = "") -> str:
    """The page's own address, without filters; with `lang` in that language."""
    request = context["request"]
    return str(request.build_absolute_uri(f"{request.path}?lang={lang}" if lang else request.path))
