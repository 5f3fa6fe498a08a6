"""Filters, orders and prices per gigabyte and day, exactly."""

from fractions import Fraction
from typing import Any

import pytest

from everline.catalog import shelf
from everline.catalog.errors import CurrencyNotPriced
from everline.catalog.selectors import briefs_on_sale, plan_views
from everline.catalog.services import withdraw_plan
from everline.catalog.shelf import GB, PlanBrief
from everline.catalog.specs import PriceSpec
from everline.catalog.terms import Term
from everline.catalog.types import PeriodKind
from everline.core.money import Money, UnknownCurrency
from tests.catalog.conftest import NOW, Publish


def brief(
    plan_id: str = "pln_1", term: tuple[str, int] = ("day", 7), amount: int = 950, **changes: Any
) -> PlanBrief:
    values: dict[str, Any] = {
        "plan_id": plan_id,
        "version_id": 1,
        "term": Term(*term),
        "calendar_day": False,
        "refill": "none",
        "renewal_policy": "extend",
        "start_policy": "on_purchase",
        "activation_deadline_days": None,
        "max_stacked_days": 731,
        "data_bytes": 5 * GB,
        "voice_seconds": 0,
        "sms_count": 0,
        "kind": PeriodKind.BASE,
        "total": Money(amount, "USD"),
        "countries": frozenset({"JP"}),
    }
    return PlanBrief(**{**values, **changes})


@pytest.mark.parametrize(
    ("term", "refill", "data", "gigabytes"),
    [
        (("day", 7), "none", 5 * GB, Fraction(5)),
        (("day", 7), "daily", GB, Fraction(7)),
        (("day", 1), "monthly", GB, Fraction(1)),
        (("month", 3), "monthly", 10 * GB, Fraction(30)),
        (("month", 3), "none", 10 * GB, Fraction(10)),
        (("year", 1), "monthly", 10 * GB, Fraction(120)),
        (("year", 2), "daily", GB, Fraction(730)),
        (("month", 12), "daily", GB, Fraction(365)),
    ],
)
def test_refills_count_as_often_as_they_come(
    term: tuple[str, int], refill: str, data: int, gigabytes: Fraction
) -> None:
    plan = brief(term=term, refill=refill, data_bytes=data)

    assert shelf.data_of(plan) == gigabytes * GB


@pytest.mark.parametrize(
    ("term", "amount", "a_day"),
    [
        (("day", 7), 700, Fraction(100)),
        (("day", 3), 100, Fraction(100, 3)),
        (("month", 12), 36500, Fraction(100)),
        (("year", 1), 36500, Fraction(100)),
        (("year", 2), 73000, Fraction(100)),
    ],
)
def test_a_price_a_day_is_exact(term: tuple[str, int], amount: int, a_day: Fraction) -> None:
    assert shelf.per_day(brief(term=term, amount=amount), Money(amount, "USD")) == a_day


def test_a_price_a_gigabyte_is_exact_or_none() -> None:
    total = Money(950, "USD")

    assert shelf.per_gigabyte(brief(), total) == Fraction(190)
    assert shelf.per_gigabyte(brief(data_bytes=500 * 10**6), total) == Fraction(1900)
    assert shelf.per_gigabyte(brief(data_bytes=None), total) is None
    assert shelf.per_gigabyte(brief(data_bytes=0), total) is None


@pytest.mark.parametrize(
    ("minor", "whole"),
    [
        (Fraction(0), 0),
        (Fraction(1, 1000), 1),
        (Fraction(5, 2), 3),
        (Fraction(249, 100), 2),
        (Fraction(7), 7),
    ],
)
def test_figures_are_rounded_half_up_and_never_to_nothing(minor: Fraction, whole: int) -> None:
    assert shelf.rounded(minor, "JPY") == Money(whole, "JPY")


WEEK = brief("pln_week", amount=900)
DAY = brief("pln_day", ("day", 1), 199, data_bytes=GB)
MONTH = brief("pln_month", ("month", 1), 1999, data_bytes=20 * GB)
FREE = brief("pln_free", ("month", 1), 4999, data_bytes=None, countries=frozenset({"US"}))
YEAR = brief("pln_year", ("year", 1), 9999, data_bytes=10 * GB, refill="monthly")
BOOST = brief("pln_boost", ("month", 1), 99, data_bytes=GB, kind=PeriodKind.ADDON)
ALL = [YEAR, BOOST, FREE, MONTH, WEEK, DAY]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("term", [DAY, WEEK, MONTH, FREE, YEAR, BOOST]),
        ("price", [DAY, WEEK, MONTH, FREE, YEAR, BOOST]),
        ("gb", [YEAR, MONTH, WEEK, DAY, FREE, BOOST]),
        ("day", [YEAR, MONTH, WEEK, FREE, DAY, BOOST]),
        ("nonsense", [DAY, WEEK, MONTH, FREE, YEAR, BOOST]),
    ],
)
def test_orders_end_with_addons(by: str, expected: list[PlanBrief]) -> None:
    assert [plan.plan_id for plan in shelf.ordered(ALL, by)] == [plan.plan_id for plan in expected]


def test_a_month_list_does_not_begin_with_an_addon() -> None:
    months = shelf.ordered(shelf.fitting(ALL, term="month"), "price")

    assert months[0] == MONTH
    assert months[-1] == BOOST


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 6),
        ({"term": "day"}, 2),
        ({"term": "year"}, 1),
        ({"min_data": 10 * GB}, 3),
        ({"country": "US"}, 1),
        ({"country": "US", "term": "day"}, 0),
        ({"country": "JP", "min_data": 20 * GB}, 1),
    ],
)
def test_filters_narrow(wanted: dict[str, Any], count: int) -> None:
    assert len(shelf.fitting(ALL, **wanted)) == count


def test_the_cheapest_carries_a_line() -> None:
    assert shelf.cheapest(ALL) == Money(199, "USD")
    assert shelf.cheapest([BOOST]) is None
    assert shelf.cheapest([]) is None


def test_everything_on_sale_comes_at_once(publish: Publish, django_assert_max_num_queries: Any) -> None:
    version = publish()
    publish("korea-7d", networks=(("KR", "45005"),), renewal_policy="start_now")
    withdraw_plan(plan=publish("gone").plan, now=NOW)

    with django_assert_max_num_queries(2):
        briefs = {each.plan_id: each for each in briefs_on_sale(currency="USD", now=NOW)}
    with django_assert_max_num_queries(1):
        assert len(briefs_on_sale(currency="USD", now=NOW)) == 2

    assert len(briefs) == 2
    one = briefs[version.plan_id]
    assert (one.total, one.countries, one.term_unit, one.term_count) == (Money(950, "USD"), {"JP"}, "day", 7)
    assert sorted(each.kind for each in briefs.values()) == ["addon", "base"]


def test_tax_on_top_is_in_the_total(publish: Publish) -> None:
    publish(prices=(PriceSpec("USD", 1000, tax_included=False, tax_bp=1000),))

    [one] = briefs_on_sale(currency="USD", now=NOW)

    assert one.total == Money(1100, "USD")


def test_a_currency_without_prices_is_refused(publish: Publish) -> None:
    publish()

    with pytest.raises(CurrencyNotPriced):
        briefs_on_sale(currency="GBP", now=NOW)
    with pytest.raises(UnknownCurrency):
        briefs_on_sale(currency="XXX", now=NOW)


def test_a_new_version_is_seen_at_once(publish: Publish) -> None:
    publish()
    assert [each.countries for each in briefs_on_sale(currency="USD", now=NOW)] == [{"JP"}]

    publish(networks=(("KR", "45005"),))

    assert [each.countries for each in briefs_on_sale(currency="USD", now=NOW)] == [{"KR"}]


def test_views_come_in_the_order_asked_for(publish: Publish, django_assert_max_num_queries: Any) -> None:
    first, second = publish(), publish("korea-7d", networks=(("KR", "45005"),))

    with django_assert_max_num_queries(3):
        views = plan_views(version_ids=[second.pk, first.pk, 10**9], currency="USD")

    assert [view.version_id for view in views] == [second.pk, first.pk]
    assert views[0].coverage[0].country == "KR"
    assert plan_views(version_ids=[first.pk], currency="GBP") == []
