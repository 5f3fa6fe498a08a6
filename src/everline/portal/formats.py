"""How figures and moments read on a page, by language. Pure: values in, text out; no clock, no database.

`locale` is one of ours ("zh-hans", "en"). Data is decimal as network operators count it: 1 GB = 10^9 bytes.
"""

from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_skeleton, get_timezone_gmt
from babel.numbers import format_decimal

_STEPS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_MINUTE = 60
_HUNDRED = 100


def babel_locale(locale: str) -> Locale:
    """Babel's name of one of our languages."""
    return Locale.parse(locale, sep="-")


def data_size(count: int, locale: str) -> str:
    """Bytes in the largest unit that gives at least 1, two digits behind the point, never rounded up."""
    for size, unit in _STEPS:
        if count >= size:
            value = (Decimal(count) / size).quantize(Decimal("0.01"), ROUND_DOWN)
            return f"{_number(value, locale)} {unit}"
    return f"{_number(Decimal(count), locale)} B"


def number(count: int, locale: str) -> str:
    """A whole number with the language's separators."""
    return _number(Decimal(count), locale)


def minutes(seconds: int) -> tuple[int, int]:
    """Whole minutes and the seconds beyond them."""
    return divmod(seconds, _MINUTE)


def moment(value: datetime, zone: str, locale: str, *, with_zone: bool = False) -> str:
    """Date and time of day in `zone`, on request with the zone's distance from Greenwich."""
    babel = babel_locale(locale)
    local = value.astimezone(ZoneInfo(zone))
    date = format_skeleton("yMMMd", local, tzinfo=local.tzinfo, locale=babel)
    clock = format_skeleton("Hm", local, tzinfo=local.tzinfo, locale=babel)
    text = str(babel.datetime_formats["medium"]).format(clock, date)
    return f"{text} ({get_timezone_gmt(local, locale=babel)})" if with_zone else text


def day(value: datetime, zone: str, locale: str) -> str:
    """The date in `zone`."""
    local = value.astimezone(ZoneInfo(zone))
    return format_skeleton("yMMMd", local, tzinfo=local.tzinfo, locale=babel_locale(locale))


def step_label(starts: datetime, by: str, zone: str, locale: str) -> str:
    """An hour, day or month under its bar, as short as can be."""
    return _local(starts, {"hour": "Hm", "day": "Md", "month": "MMM"}[by], zone, locale)


def step_name(starts: datetime, by: str, zone: str, locale: str) -> str:
    """An hour, day or month in full."""
    if by == "hour":
        return moment(starts, zone, locale)
    return _local(starts, {"day": "yMMMEd", "month": "yMMMM"}[by], zone, locale)


def share(part: int, whole: int) -> int:
    """`part` of `whole` in percent, rounded down, between 0 and 100."""
    return 0 if whole <= 0 else max(0, min(_HUNDRED, part * _HUNDRED // whole))


def _local(value: datetime, skeleton: str, zone: str, locale: str) -> str:
    local = value.astimezone(ZoneInfo(zone))
    return format_skeleton(skeleton, local, tzinfo=local.tzinfo, locale=babel_locale(locale))


def _number(value: Decimal, locale: str) -> str:
    return format_decimal(
        value.normalize() if value % 1 else value.to_integral_value(), locale=babel_locale(locale)
    )
