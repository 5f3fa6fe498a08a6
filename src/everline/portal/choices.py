"""What people choose from in lists, named and ordered in the page's language."""

import zoneinfo
from functools import cache

from babel.dates import get_timezone_location
from babel.numbers import get_currency_name

from everline.catalog.countries import country_name
from everline.portal.formats import babel_locale

#: Where most readers of a language are, until they say otherwise.
LIKELY_ZONES = {"zh-hans": "Asia/Shanghai", "en": "UTC"}
_REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def time_zones(locale: str) -> tuple[tuple[str, str], ...]:
    """(IANA name, city) in the order of the cities' names, UTC first."""
    babel = babel_locale(locale)
    names = [
        name for name in zoneinfo.available_timezones() if name.split("/")[0] in _REGIONS and "/" in name
    ]
    cities = [
        (name, f"{get_timezone_location(name, locale=babel, return_city=True)} · {name}") for name in names
    ]
    return ("UTC", "UTC"), *sorted(cities, key=lambda each: in_order(each[1]))


def zones_with(chosen: str, locale: str) -> tuple[tuple[str, str], ...]:
    """The same; a zone that somebody has and the list lacks is added."""
    known = time_zones(locale)
    return known if any(name == chosen for name, _ in known) else ((chosen, chosen), *known)


def countries(codes: frozenset[str], locale: str) -> list[tuple[str, str]]:
    """(code, name) of countries in the order of their names."""
    return sorted(
        ((code, country_name(code).in_locale(locale)) for code in codes), key=lambda each: in_order(each[1])
    )


def currencies(codes: frozenset[str], locale: str) -> list[tuple[str, str]]:
    """(code, name) of currencies in the order of their codes."""
    return [
        (code, f"{get_currency_name(code, locale=babel_locale(locale))} ({code})") for code in sorted(codes)
    ]


def in_order(name: str) -> bytes:
    """GB 18030 holds everyday Chinese characters in the order of their pinyin, letters by alphabet."""
    return name.casefold().encode("gb18030")
