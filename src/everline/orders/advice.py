"""The recommendation for a line in words: what it was used for, and what suits that."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from everline.catalog.shelf import PlanBrief
from everline.catalog.terms import days_left
from everline.lines.models import Line
from everline.orders.purchase import planned_if_taken, takes_nothing
from everline.orders.recommending import WINDOW, Advice, Habit, Use, recommend
from everline.usage import selectors as usage
from everline.usage.schedule import Schedule
from everline.usage.types import Service

_GB, _MB = 10**9, 10**6
_WHY: dict[Habit, Promise] = {
    Habit.TRIP: _("That is a short trip: this is the cheapest single pass that covers it."),
    Habit.FREQUENT: _("You travel often: this monthly plan covers that at the lowest price a day."),
    Habit.RESIDENT: _(
        "You use this line nearly every day: this yearly plan covers that at the lowest price a day."
    ),
}


def takeable(plans: Sequence[PlanBrief], schedule: Schedule, now: datetime) -> list[PlanBrief]:
    """Those that a line with this schedule can take now."""
    if takes_nothing(schedule):
        return []
    return [plan for plan in plans if planned_if_taken(schedule, plan, now) is not None]


def advice_for_line(
    line: Line, schedule: Schedule, plans: Sequence[PlanBrief], now: datetime
) -> Advice | None:
    """What suits the line among the plans it can take; two statements."""
    return recommend(use_of_line(line, schedule, now), takeable(plans, schedule, now))


def use_of_line(line: Line, schedule: Schedule, now: datetime) -> Use:
    """The data of the last sixty days, by local day and country; two statements."""
    series = usage.usage_series(
        line_id=line.id,
        start=now - timedelta(days=WINDOW),
        end=now,
        by="day",
        service=Service.DATA,
        zone=schedule.zone,
        now=now,
    )
    points = [point for point in series.points if point.quantity > 0]
    days = {_day(point.starts_at, schedule) for point in points}
    by_country: dict[str, int] = {}
    for point in points:
        if point.country is not None:
            by_country[point.country] = by_country.get(point.country, 0) + point.quantity
    since = min([line.created_at, *(point.starts_at for point in points)])
    return Use(
        window=max(1, min(WINDOW, (_day(now, schedule) - _day(since, schedule)).days + 1)),
        days=min(len(days), WINDOW),
        by_country=by_country,
        bytes=sum(point.quantity for point in points),
        days_left=0 if schedule.valid_until is None else days_left(now, schedule.valid_until),
    )


def _day(moment: datetime, schedule: Schedule) -> date:
    """Where the line is at home; days with data are counted by the same calendar as all days."""
    return moment.astimezone(schedule.zone).date()


def reason(advice: Advice) -> str:
    """Why this plan, in the active language."""
    values = {"days": advice.days, "window": advice.window, "size": _size(advice.bytes_per_day)}
    figures = ngettext(
        "You used data on %(days)d day of the last %(window)d, about %(size)s.",
        "You used data on %(days)d days of the last %(window)d, about %(size)s a day.",
        advice.days,
    )
    if not advice.enough:
        why = gettext("This is the largest plan of its length that works where you were.")
    else:
        why = str(_WHY[advice.habit])
    return pgettext("two sentences", "%(first)s %(second)s") % {"first": figures % values, "second": why}


def _size(count: int) -> str:
    """Short and rounded: it is an average. Both our languages write these figures alike."""
    if count < _GB:
        return f"{max(1, (count + _MB // 2) // _MB)} MB"
    tenths = (Decimal(count) / _GB).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{tenths.normalize() if tenths % 1 else tenths.to_integral_value()} GB"
