"""Which plan suits a line, by what it was used for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from everline.catalog.selectors import briefs_on_sale
from everline.catalog.shelf import GB, PlanBrief
from everline.catalog.terms import Term
from everline.catalog.types import PeriodKind
from everline.core import clock
from everline.core.money import Money
from everline.lines.models import Line
from everline.orders.advice import advice_for_line, reason, use_of_line
from everline.orders.recommending import Advice, Habit, Use, habit_of, recommend
from everline.usage import selectors as usage
from everline.usage.models import UsageRecord
from tests.orders.shop import Shop

MB = 10**6


def use(days: int = 5, per_day: int = 500 * MB, window: int = 60, left: int = 0, **countries: int) -> Use:
    total = days * per_day
    return Use(window=window, days=days, by_country=countries or {"JP": total}, bytes=total, days_left=left)


def plan(name: str, unit: str, count: int, amount: int, data: int | None, **changes: Any) -> PlanBrief:
    values: dict[str, Any] = {
        "plan_id": name,
        "version_id": 1,
        "term": Term(unit, count),
        "calendar_day": False,
        "refill": "none",
        "renewal_policy": "extend",
        "start_policy": "on_purchase",
        "activation_deadline_days": None,
        "max_stacked_days": 731,
        "data_bytes": data,
        "voice_seconds": 0,
        "sms_count": 0,
        "kind": PeriodKind.BASE,
        "total": Money(amount, "USD"),
        "countries": frozenset({"JP", "KR"}),
    }
    return PlanBrief(**{**values, **changes})


DAY = plan("day-1", "day", 1, 199, GB)
WEEK = plan("day-7", "day", 7, 890, 5 * GB)
WEEK_SMALL = plan("day-7-small", "day", 7, 390, GB)
FREE_WEEK = plan("day-7-free", "day", 7, 1990, None)
MONTH = plan("month-10", "month", 1, 1999, 10 * GB)
MONTH_BIG = plan("month-30", "month", 1, 3999, 30 * GB)
QUARTER = plan("month-3", "month", 3, 4999, 10 * GB, refill="monthly")
YEAR = plan("year", "year", 1, 19900, 10 * GB, refill="monthly")
YEAR_BIG = plan("year-free", "year", 1, 39900, None)
USA = plan("usa", "day", 7, 100, None, countries=frozenset({"US"}))
BOOST = plan("boost", "day", 7, 50, 100 * GB, kind=PeriodKind.ADDON)
CALLS = plan("calls", "day", 7, 50, 0, voice_seconds=6000)
ALL = [DAY, WEEK, WEEK_SMALL, FREE_WEEK, MONTH, MONTH_BIG, QUARTER, YEAR, YEAR_BIG, USA, BOOST, CALLS]


@pytest.mark.parametrize(
    ("days", "window", "habit"),
    [
        (0, 60, None),
        (1, 60, Habit.TRIP),
        (10, 60, Habit.TRIP),
        (10, 10, Habit.TRIP),
        (11, 60, Habit.FREQUENT),
        (44, 60, Habit.FREQUENT),
        (45, 60, Habit.RESIDENT),
        (60, 60, Habit.RESIDENT),
        (22, 30, Habit.FREQUENT),
        (23, 30, Habit.RESIDENT),
        (29, 29, Habit.FREQUENT),
        (15, 15, Habit.FREQUENT),
    ],
)
def test_habits(days: int, window: int, habit: Habit | None) -> None:
    assert habit_of(use(days, window=window)) == habit


@pytest.mark.parametrize(
    ("used", "chosen", "enough"),
    [
        pytest.param(use(1, 900 * MB), "day-1", True, id="a day"),
        pytest.param(use(1, 2 * GB), "day-7", True, id="a day that needs more"),
        pytest.param(use(6, 100 * MB), "day-7-small", True, id="a week with little"),
        pytest.param(use(6, 600 * MB), "day-7", True, id="a week"),
        pytest.param(use(6, 3 * GB), "day-7-free", True, id="a week of films"),
        pytest.param(use(9, 100 * MB), "day-7-free", False, id="longer than any pass"),
        pytest.param(use(20, 500 * MB), "month-3", True, id="often: per day the quarter is cheaper"),
        pytest.param(use(30, 1500 * MB), "month-30", True, id="often and much"),
        pytest.param(use(40, 9 * GB), "month-30", False, id="more than any month holds"),
        pytest.param(use(55, 300 * MB), "year", True, id="lives there"),
        pytest.param(use(60, 2 * GB), "year-free", True, id="lives there and watches films"),
    ],
)
def test_the_cheapest_that_holds_what_was_used(used: Use, chosen: str, enough: bool) -> None:
    advice = recommend(used, ALL)

    assert advice is not None
    assert (advice.plan_id, advice.enough) == (chosen, enough)
    assert (advice.days, advice.bytes_per_day) == (used.days, used.bytes // used.days)


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(use(0), id="nothing used"),
        pytest.param(use(5, left=15), id="a trip, and two weeks left"),
        pytest.param(use(20, left=61), id="often, and two months left"),
        pytest.param(use(50, left=366), id="a year left"),
        pytest.param(use(5, BR=5), id="nothing works there"),
    ],
)
def test_nothing_is_recommended_without_need_or_fit(used: Use) -> None:
    assert recommend(used, ALL) is None


@pytest.mark.parametrize("left", [0, 14])
def test_time_left_that_will_soon_be_over_is_no_reason_to_wait(left: int) -> None:
    assert recommend(use(5, left=left), ALL) is not None


def test_places_on_the_way_do_not_count() -> None:
    transit = use(5, 500 * MB, JP=2400 * MB, US=100 * MB)
    both = use(5, 500 * MB, JP=1500 * MB, US=1000 * MB)

    assert recommend(transit, ALL) is not None
    assert recommend(both, ALL) is None


def test_unknown_places_rule_nothing_out() -> None:
    unknown = Use(window=60, days=5, by_country={}, bytes=100 * MB, days_left=0)

    assert recommend(unknown, [USA]) is not None


def test_no_plans_no_advice() -> None:
    assert recommend(use(), []) is None
    assert recommend(use(), [BOOST, CALLS]) is None


def test_the_same_price_is_decided_the_same_way_each_time() -> None:
    twin = plan("a-twin", "day", 7, 890, 5 * GB)
    used = use(6, 600 * MB)

    assert recommend(used, [WEEK, twin]) == recommend(used, [twin, WEEK])


@pytest.mark.parametrize(
    ("advice", "said"),
    [
        (Advice("p", Habit.TRIP, 60, 6, 480 * MB, enough=True), "6 days of the last 60, about 480 MB a day."),
        (
            Advice("p", Habit.TRIP, 60, 1, 1234 * MB, enough=True),
            "1 day of the last 60, about 1.2 GB. That is",
        ),
        (Advice("p", Habit.TRIP, 60, 2, MB, enough=True), "this is the cheapest single pass that covers it."),
        (Advice("p", Habit.FREQUENT, 60, 20, 2 * GB, enough=True), "about 2 GB a day. You travel often"),
        (Advice("p", Habit.RESIDENT, 60, 50, 10, enough=True), "about 1 MB a day. You use this line"),
        (Advice("p", Habit.TRIP, 60, 9, 10 * MB, enough=False), "This is the largest plan of its length"),
    ],
)
def test_the_reason_gives_the_figures(advice: Advice, said: str) -> None:
    with translation.override("en"):
        assert said in reason(advice)


def record(line: Line, days_ago: float, quantity: int, country: str = "JP") -> None:
    at = clock.now() - timedelta(days=days_ago)
    UsageRecord.objects.create(
        line=line,
        source="test",
        external_id=f"{line.id}-{days_ago}-{country}",
        service="data",
        quantity=quantity,
        at=at,
        country=country,
        received_at=at,
    )


def advised(line: Line) -> Advice | None:
    now = clock.now()
    schedule = usage.schedules([line.id], now)[line.id]
    return advice_for_line(line, schedule, briefs_on_sale(currency="USD", now=now), now)


@pytest.mark.django_db
def test_a_line_is_advised_from_its_own_records(shop: Shop, django_assert_max_num_queries: Any) -> None:
    week, month = shop.plan("day", 7), shop.plan("month", 1)
    line, other = shop.line(), shop.line()
    Line.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    line.refresh_from_db()
    other.refresh_from_db()
    for days_ago in (2, 2.01, 3, 4):
        record(line, days_ago, 100 * MB)
    record(line, 61, 50 * GB)
    for days_ago in range(1, 30):
        record(other, days_ago, 100 * MB)

    with django_assert_max_num_queries(5):
        advice = advised(line)

    assert advice is not None
    assert (advice.plan_id, advice.habit, advice.window) == (week.plan_id, Habit.TRIP, 60)
    assert advice.bytes_per_day in {400 * MB // 3, 100 * MB}
    often = advised(other)
    assert often is not None
    assert often.plan_id == month.plan_id


@pytest.mark.django_db
def test_a_line_without_usage_or_service_is_advised_nothing(shop: Shop) -> None:
    shop.plan("day", 7)
    fresh, stopped = shop.line(), shop.line(service_state="suspended")
    record(stopped, 2, 100 * MB)

    assert advised(fresh) is None
    assert advised(stopped) is None


@pytest.mark.django_db
def test_days_with_data_are_never_more_than_the_days_there_were(shop: Shop) -> None:
    """A line made on Monday evening has had three days on Wednesday morning, though not even two are over."""
    shop.plan("day", 7)
    line = shop.line()
    wednesday = clock.now().replace(hour=1, minute=0, second=0, microsecond=0)
    Line.objects.update(created_at=wednesday - timedelta(hours=26))
    line.refresh_from_db()
    for hours in (25.5, 12, 0.5):
        record(line, (clock.now() - wednesday + timedelta(hours=hours)) / timedelta(days=1), 100 * MB)

    schedule = replace(usage.schedules([line.id], wednesday)[line.id], zone=ZoneInfo("UTC"))
    seen = use_of_line(line, schedule, wednesday)

    assert (seen.days, seen.window) == (3, 3)
