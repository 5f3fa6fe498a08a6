"""Which plan suits a line, from how the line itself was used. Pure: figures in, a choice with its reason out.

Few days with data are a trip, and a day pass covers it; data in most weeks is somebody who travels often, for
whom a month is right; data nearly every day is somebody who lives with the line, and a year is. A line with
plenty of time left needs nothing yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from everline.catalog.shelf import PlanBrief, data_of, days_of
from everline.catalog.terms import TermUnit
from everline.catalog.types import PeriodKind

#: How far back usage counts, in days.
WINDOW = 60
#: Up to so many days with data in the window are a trip; from so many on somebody lives with the line.
TRIP_DAYS = 10
RESIDENT_DAYS = 45
#: With more days left than this, the next plan of the kind is not needed yet.
_ENOUGH = {TermUnit.DAY: 14, TermUnit.MONTH: 60, TermUnit.YEAR: 365}
#: Places with less of the data than this share were on the way, not the destination.
_MINOR_SHARE = Fraction(1, 20)


class Habit(StrEnum):
    """How somebody uses a line."""

    TRIP = "trip"
    FREQUENT = "frequent"
    RESIDENT = "resident"


_UNITS = {Habit.TRIP: TermUnit.DAY, Habit.FREQUENT: TermUnit.MONTH, Habit.RESIDENT: TermUnit.YEAR}


@dataclass(frozen=True, slots=True)
class Use:
    """Data of a line in the last `window` days (at most 60, less for a younger line).

    `days` are local days with data, `by_country` bytes by country code, `days_left` is how long the line
    still works, 0 where it has expired or never worked.
    """

    window: int
    days: int
    by_country: dict[str, int]
    bytes: int
    days_left: int

    @property
    def bytes_per_day(self) -> int:
        """Of a day with data, rounded down."""
        return self.bytes // self.days if self.days else 0


@dataclass(frozen=True, slots=True)
class Advice:
    """The plan that suits, and the figures that say why. `enough`: it holds what was used so far."""

    plan_id: str
    habit: Habit
    window: int
    days: int
    bytes_per_day: int
    enough: bool


def habit_of(use: Use) -> Habit | None:
    """None where nothing was used. A young line is judged by the share of its days."""
    if use.days <= 0:
        return None
    if use.days <= TRIP_DAYS:
        return Habit.TRIP
    resident = Fraction(RESIDENT_DAYS, WINDOW)
    if use.window >= WINDOW // 2 and Fraction(use.days, max(use.window, 1)) >= resident:
        return Habit.RESIDENT
    return Habit.FREQUENT


def recommend(use: Use, plans: Iterable[PlanBrief]) -> Advice | None:
    """The cheapest plan of the right kind that works where the line was used and holds what it needs.

    Where none holds that much, the largest; where none works there, or nothing is needed yet, None.
    """
    habit = habit_of(use)
    if habit is None or use.days_left > _ENOUGH[_UNITS[habit]]:
        return None
    places = _places(use)
    fitting = [
        plan
        for plan in plans
        if plan.kind == PeriodKind.BASE
        and plan.term.unit == _UNITS[habit]
        and plan.data_bytes != 0
        and places <= plan.countries
    ]
    if not fitting:
        return None
    enough = [plan for plan in fitting if _holds(plan, use, habit)]
    chosen = _cheapest(enough, habit) if enough else _largest(fitting)
    return Advice(chosen.plan_id, habit, use.window, use.days, use.bytes_per_day, bool(enough))


def _places(use: Use) -> frozenset[str]:
    """Where the line was really used; the place of most data always counts."""
    if not use.by_country:
        return frozenset()
    least = use.bytes * _MINOR_SHARE
    most = max(sorted(use.by_country), key=lambda code: use.by_country[code])
    return frozenset(code for code, used in use.by_country.items() if used >= least) | {most}


def _expected_days(plan: PlanBrief, use: Use, habit: Habit) -> Fraction:
    """Days with data in one term of the plan: a trip is as long as the last, the rest goes on as it was."""
    if habit is Habit.TRIP:
        return Fraction(use.days)
    return days_of(plan.term) * use.days / max(use.window, 1)


def _holds(plan: PlanBrief, use: Use, habit: Habit) -> bool:
    """Whether one term is long enough and its data, refills included, lasts."""
    if habit is Habit.TRIP and days_of(plan.term) < use.days:
        return False
    data = data_of(plan)
    return data is None or data >= use.bytes_per_day * _expected_days(plan, use, habit)


def _cheapest(plans: Sequence[PlanBrief], habit: Habit) -> PlanBrief:
    """A trip is bought once; what goes on is compared by the day."""

    def price(plan: PlanBrief) -> tuple[Fraction, int, str]:
        total = Fraction(plan.total.amount)
        return (total if habit is Habit.TRIP else total / days_of(plan.term)), plan.total.amount, plan.plan_id

    return min(plans, key=price)


def _largest(plans: Sequence[PlanBrief]) -> PlanBrief:
    def size(plan: PlanBrief) -> tuple[bool, Fraction, int, str]:
        data = data_of(plan)
        return data is None, data or Fraction(0), -plan.total.amount, plan.plan_id

    return max(plans, key=size)
