"""Mobile numbers as people write them at home, made international by the country they chose."""

import re
from functools import cache

import phonenumbers

from everline.catalog.countries import country_name, is_country
from everline.portal.choices import in_order

#: Blanks, brackets, dots and dashes that people put between digits.
_NATIONAL = re.compile(r"[0-9 ()./\-]{4,30}")
_LANGUAGE_HOMES = {"zh-hans": "CN"}


@cache
def prefixes(locale: str) -> tuple[tuple[str, str], ...]:
    """(country, "Japan +81") in the order of the names."""
    named = [
        (code, f"{country_name(code).in_locale(locale)} +{phonenumbers.country_code_for_region(code)}")
        for code in phonenumbers.SUPPORTED_REGIONS
        if is_country(code)
    ]
    return tuple(sorted(named, key=lambda each: in_order(each[1])))


def likely_country(accept_language: str, locale: str) -> str:
    """Where a visitor's number is from, by the languages of the browser; "" when nothing tells it."""
    for part in accept_language.split(","):
        region = part.split(";")[0].strip().rpartition("-")[2]
        if len(region) == 2 and region.isupper() and region in phonenumbers.SUPPORTED_REGIONS:  # noqa: PLR2004
            return region
    return _LANGUAGE_HOMES.get(locale, "")


def international(number: str, country: str) -> str:
    """The number with its country code where the country tells it; else as it was written.

    >>> international("138 0013 8000", "CN")
    '+8613800138000'
    >>> international("+44 7700 900123", "CN")
    '+44 7700 900123'
    """
    plain = number.strip()
    if plain.startswith("00"):
        return f"+{plain[2:]}"
    if not _NATIONAL.fullmatch(plain) or country not in phonenumbers.SUPPORTED_REGIONS:
        return plain
    try:
        parsed = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        return plain
    if not phonenumbers.is_possible_number(parsed):
        return plain
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
