"""Choosing among the plans on sale: which fit, in which order, and what one costs per gigabyte and day. Pure.

Figures are exact fractions of minor units until somebody reads them. A month counts as a twelfth of 365 days,
so that terms of different units compare; an allowance that refills counts as often as it does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from everline.catalog.terms import Refill, Term, TermUnit
from everline.catalog.types import PeriodKind
from everline.core.money import Money

GB = 10**9
_DAYS = {TermUnit.DAY: Fraction(1), TermUnit.MONTH: Fraction(365, 12), TermUnit.YEAR: Fraction(365)}
_MONTHS = {TermUnit.DAY: Fraction(12, 365), TermUnit.MONTH: Fraction(1), TermUnit.YEAR: Fraction(12)}


class Order(StrEnum):
    """In which order a list comes."""

    TERM = "term"
    PRICE = "price"
    GIGABYTE = "gb"
    DAY = "day"


class Priced(Protocol):
    """What a price per gigabyte and day is made of."""

    @property
    def term(self) -> Term: ...  # noqa: D102
    @property
    def refill(self) -> str: ...  # noqa: D102
    @property
    def data_bytes(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PlanBrief:
    """The current version of a plan on sale without its words: what lists are filtered and ordered by.

    `total` is what one costs with its tax, `countries` are the codes it covers. Its other fields are those
    of a version, so that schedules take it as one.
    """

    plan_id: str
    version_id: int
    term: Term
    calendar_day: bool
    refill: str
    renewal_policy: str
    start_policy: str
    activation_deadline_days: int | None
    max_stacked_days: int
    data_bytes: int | None
    voice_seconds: int | None
    sms_count: int | None
    kind: PeriodKind
    total: Money
    countries: frozenset[str]

    @property
    def term_unit(self) -> str:
        """`day`, `month` or `year`."""
        return self.term.unit

    @property
    def term_count(self) -> int:
        """How many of the unit."""
        return self.term.count


def days_of(term: Term) -> Fraction:
    """How long a term is on average."""
    return _DAYS[TermUnit(term.unit)] * term.count


def data_of(plan: Priced) -> Fraction | None:
    """All the bytes that a term holds, refills included; None is unlimited."""
    if plan.data_bytes is None:
        return None
    times = Fraction(1)
    if plan.refill == Refill.DAILY:
        times = days_of(plan.term)
    elif plan.refill == Refill.MONTHLY:
        times = _MONTHS[TermUnit(plan.term.unit)] * plan.term.count
    return plan.data_bytes * max(times, Fraction(1))


def per_day(plan: Priced, total: Money) -> Fraction:
    """Minor units a day."""
    return total.amount / days_of(plan.term)


def per_gigabyte(plan: Priced, total: Money) -> Fraction | None:
    """Minor units a gigabyte; None where data is unlimited or not part of the plan."""
    data = data_of(plan)
    return total.amount * GB / data if data else None


def rounded(minor: Fraction, currency: str) -> Money:
    """To whole minor units, halves up; what costs anything costs at least one."""
    whole = int(minor + Fraction(1, 2))
    return Money(max(whole, 1) if minor > 0 else whole, currency)


def fitting(
    plans: Iterable[PlanBrief], *, term: str = "", min_data: int = 0, country: str = ""
) -> list[PlanBrief]:
    """Those of this term unit, with so many bytes or more (unlimited meets any), that work in the country."""
    return [
        plan
        for plan in plans
        if (not term or plan.term.unit == term)
        and (not min_data or plan.data_bytes is None or plan.data_bytes >= min_data)
        and (not country or country in plan.countries)
    ]


def ordered(plans: Iterable[PlanBrief], by: str = Order.TERM) -> list[PlanBrief]:
    """Cheapest first by the measure asked for; what has no such price comes last.

    Add-ons come after the plans that carry a line: they are no answer to "how do I keep my line".
    """
    units = list(TermUnit)

    def key(plan: PlanBrief) -> tuple[bool, bool, Fraction, int, str]:
        measure: Fraction | None
        match by:
            case Order.PRICE:
                measure = Fraction(plan.total.amount)
            case Order.GIGABYTE:
                measure = per_gigabyte(plan, plan.total)
            case Order.DAY:
                measure = per_day(plan, plan.total)
            case _:
                measure = Fraction(units.index(TermUnit(plan.term.unit)) * 10_000 + plan.term.count)
        addon = plan.kind == PeriodKind.ADDON
        return addon, measure is None, measure or Fraction(0), plan.total.amount, plan.plan_id

    return sorted(plans, key=key)


def cheapest(plans: Sequence[PlanBrief]) -> Money | None:
    """The lowest total among those that carry a line; None where there are none."""
    totals = [plan.total for plan in plans if plan.kind == PeriodKind.BASE]
    return min(totals, key=lambda total: total.amount, default=None)
