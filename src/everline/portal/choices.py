"""What people choose from in lists, named and ordered in the page's language."""

import zoneinfo
from functools import cache

from babel.core import Locale, get_global
from babel.dates import get_timezone_location
from babel.numbers import get_currency_name

from everline.catalog.countries import country_name
from everline.portal.formats import babel_locale

#: Where most readers of a language are, until they say otherwise.
LIKELY_ZONES = {"zh-hans": "Asia/Shanghai", "en": "UTC"}
#: Rarer characters, which GB 18030 holds in another order, as everyday ones of the same sound.
_SAME_SOUND = str.maketrans("斐梵瑙珀", "匪饭脑破")
_REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def time_zones(locale: str) -> tuple[tuple[str, str], ...]:
    """(IANA name, city) in the order of the cities' names, UTC first."""
    babel = babel_locale(locale)
    names = [
        name for name in zoneinfo.available_timezones() if name.split("/")[0] in _REGIONS and "/" in name
    ]
    cities = [(name, f"{_city(name, babel)} · {name}") for name in names]
    return ("UTC", "UTC"), *sorted(cities, key=lambda each: in_order(each[1]))


def _city(name: str, locale: Locale) -> str:
    """Where a zone is; CLDR names a city of a renamed zone (Asia/Kolkata) under the older name."""
    today = get_global("zone_aliases")
    zone = today.get(name, name)
    for known in (zone, *(older for older, newer in today.items() if newer == zone)):
        if city := locale.time_zones.get(known, {}).get("city"):
            return str(city)
    return get_timezone_location(name, locale=locale, return_city=True).rpartition("/")[2]


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
    return name.translate(_SAME_SOUND).casefold().encode("gb18030")
