"""A line's usage as bars: every step of a window, empty ones as zero, and its countries. No statement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from everline.catalog.countries import country_name
from everline.portal import formats, wording
from everline.usage.steps import UNITS, By, steps_between, window
from everline.usage.types import Service

if TYPE_CHECKING:
    from django.http import QueryDict

    from everline.usage.types import Overrun, UsageSeries

#: How many steps a window has.
STEPS: Mapping[By, int] = {"hour": 24, "day": 30, "month": 12}
_MAX_BACK = 400
_ALL = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What a chart is asked for; nonsense is as if it had not been asked. `back` counts windows."""

    by: By = "day"
    service: str = "data"
    back: int = 0

    @classmethod
    def of(cls, query: "QueryDict") -> "Asked":
        """From the page's address."""
        by, service, back = query.get("by", ""), query.get("service", ""), query.get("back", "")
        sane = back.isascii() and back.isdigit() and len(back) <= len(str(_MAX_BACK))
        return cls(
            by=next((each for each in UNITS if each == by), "day"),
            service=service if service in set(Service) else "data",
            back=min(int(back), _MAX_BACK) if sane else 0,
        )

    def query(self, **changes: object) -> str:
        """The address of this chart with some of it changed."""
        values = {"by": self.by, "service": self.service, "back": self.back or "", **changes}
        return urlencode({name: value for name, value in values.items() if value})

    def window(self, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Which time it shows."""
        return window(now, self.by, STEPS[self.by], zone, back=self.back)


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: its short label below, its full name, how much of the highest it is."""

    label: str
    title: str
    value_text: str
    percent: int
    marked: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One country's part of a window."""

    code: str
    name: str
    value_text: str
    percent: int


@dataclass(frozen=True, slots=True)
class Chart:
    """What the usage part of a line's page shows; texts in the active language."""

    bars: Sequence[Bar]
    places: Sequence[Place]
    beyond: Sequence[str]
    total_text: str
    span_text: str
    as_of: datetime
    empty: bool


def draw(
    asked: Asked,
    series: "UsageSeries",
    overruns: "Sequence[Overrun]",
    *,
    now: datetime,
    zone: str,
    locale: str,
) -> Chart:
    """The chart of one service in the window that was `asked` for."""
    place = ZoneInfo(zone)
    start, end = asked.window(now, place)
    by_step: dict[datetime, int] = defaultdict(int)
    by_country: dict[str | None, int] = defaultdict(int)
    for point in series.points:
        if point.service == asked.service:
            by_step[point.starts_at] += point.quantity
            by_country[point.country] += point.quantity
    total = sum(by_step.values())
    return Chart(
        bars=_bars(asked, steps_between(start, end, asked.by, place), by_step, zone=zone, locale=locale),
        places=_places(asked.service, by_country, total, locale),
        beyond=[_beyond(each, locale) for each in overruns if each.service == asked.service],
        total_text=wording.quantity(asked.service, total, locale),
        span_text=_span(start, end, asked.by, zone, locale),
        as_of=series.as_of,
        empty=total == 0,
    )


def _bars(
    asked: Asked,
    steps: Sequence[tuple[datetime, datetime]],
    amounts: Mapping[datetime, int],
    *,
    zone: str,
    locale: str,
) -> list[Bar]:
    highest = max(amounts.values(), default=0)
    marks = 1 if asked.by == "month" else 6 if asked.by == "hour" else 5
    return [
        Bar(
            label=formats.step_label(starts, asked.by, zone, locale),
            title=formats.step_name(starts, asked.by, zone, locale),
            value_text=wording.quantity(asked.service, amounts.get(starts, 0), locale),
            percent=_part(amounts.get(starts, 0), highest),
            marked=number % marks == 0,
        )
        for number, (starts, _ends) in enumerate(steps)
    ]


def _places(service: str, amounts: Mapping[str | None, int], total: int, locale: str) -> list[Place]:
    ranked = sorted(amounts.items(), key=lambda each: (each[0] is None, -each[1], each[0] or ""))
    return [
        Place(
            code=(code or "").lower(),
            name=country_name(code).in_locale(locale) if code else _("Place unknown"),
            value_text=wording.quantity(service, amount, locale),
            percent=_part(amount, total),
        )
        for code, amount in ranked
        if amount
    ]


def _beyond(overrun: "Overrun", locale: str) -> str:
    amount = {"amount": wording.quantity(overrun.service, overrun.quantity, locale)}
    if overrun.late:
        return _("%(amount)s was reported after its plan had closed. It costs you nothing.") % amount
    return str(wording.OVERRUNS[overrun.rule]) % amount


def _part(amount: int, whole: int) -> int:
    """In percent; what is there at all is seen."""
    return 0 if amount <= 0 else max(1, int(Decimal(amount) / whole * _ALL))


def _span(start: datetime, end: datetime, by: str, zone: str, locale: str) -> str:
    if by == "hour":
        values = (formats.moment(start, zone, locale), formats.moment(end, zone, locale))
    else:
        last = end.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)
        values = (formats.day(start, zone, locale), formats.day(last, zone, locale))
    return _("%(start)s to %(end)s") % {"start": values[0], "end": values[1]}
