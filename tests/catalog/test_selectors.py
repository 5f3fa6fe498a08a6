"""What the catalogue answers: the list and its filters, one plan, prices, coverage."""

import base64
import json
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from everline.catalog.errors import (
    CurrencyNotPriced,
    InvalidCursor,
    PlanWithdrawn,
    UnknownCountry,
    UnknownTerm,
)
from everline.catalog.models import PlanVersion
from everline.catalog.selectors import (
    countries_by_version,
    currencies_on_sale,
    current_offer,
    current_version,
    get_plan_view,
    list_plans,
    price_for,
    versions_by_ids,
)
from everline.catalog.services import create_plan, withdraw_plan
from everline.catalog.specs import BenefitSpec, FairUseSpec, PriceSpec
from everline.catalog.terms import Term
from everline.catalog.types import OperatorView, PeriodKind, PlanPage, Text
from everline.core.errors import NotFound
from everline.core.ids import new_id
from everline.core.money import Money, UnknownCurrency
from tests.catalog.conftest import NOW, Publish

UNLIMITED = {
    "data_bytes": None,
    "fair_use": FairUseSpec(3 * 10**9, "day", 1024),
    "overage": "throttle",
}


def slugs(page: PlanPage) -> list[str]:
    return [plan.slug for plan in page.plans]


@pytest.fixture
def shelf(publish: Publish) -> None:
    """Seven plans, published in an order that is not the list's."""
    publish("year", term=Term("year", 1), data_bytes=60 * 10**9)
    publish("month-dear", term=Term("month", 1), data_bytes=20 * 10**9, prices=(PriceSpec("USD", 3000),))
    publish("week-unlimited", **UNLIMITED, prices=(PriceSpec("USD", 2000), PriceSpec("EUR", 1900)))
    publish("week")
    publish("month-cheap", term=Term("month", 1), data_bytes=10 * 10**9, prices=(PriceSpec("USD", 2500),))
    publish("half-year", term=Term("month", 6), networks=(("KR", "45005"),), prices=(PriceSpec("USD", 9000),))
    publish("day-korea", term=Term("day", 1), networks=(("JP", "44010"), ("KR", "45005")), data_bytes=10**9)


def test_the_list_runs_by_unit_count_and_price(shelf: None) -> None:
    page = list_plans(currency="USD", now=NOW)

    assert slugs(page) == [
        "day-korea", "week", "week-unlimited", "month-cheap", "month-dear", "half-year", "year",
    ]  # fmt: skip
    assert page.next_cursor is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"term": "day"}, ["day-korea", "week", "week-unlimited"]),
        ({"term": "month"}, ["month-cheap", "month-dear", "half-year"]),
        ({"term": "year"}, ["year"]),
        ({"country": "KR"}, ["day-korea", "half-year"]),
        ({"country": "kr", "term": "day"}, ["day-korea"]),
        ({"country": "FR"}, []),
        ({"min_data": 10 * 10**9}, ["week-unlimited", "month-cheap", "month-dear", "year"]),
        ({"min_data": 10 * 10**9, "term": "day"}, ["week-unlimited"]),
        ({"min_data": 10**30}, ["week-unlimited"]),
        (
            {"min_data": 0},
            ["day-korea", "week", "week-unlimited", "month-cheap", "month-dear", "half-year", "year"],
        ),
        ({"currency": "EUR"}, ["day-korea", "week", "week-unlimited", "year"]),
    ],
)
def test_the_list_filters(shelf: None, filters: dict[str, object], expected: list[str]) -> None:
    assert slugs(list_plans(**{"currency": "USD", "now": NOW, **filters})) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "error", "code", "field"),
    [
        ({"term": "week"}, UnknownTerm, "unknown_term", "term"),
        ({"country": "XX"}, UnknownCountry, "unknown_country", "country"),
        ({"country": "Japan"}, UnknownCountry, "unknown_country", "country"),
        ({"country": ""}, UnknownCountry, "unknown_country", "country"),
        ({"currency": "ABC"}, UnknownCurrency, "unknown_currency", "currency"),
        ({"currency": "usd"}, UnknownCurrency, "unknown_currency", "currency"),
        ({"currency": "KWD"}, CurrencyNotPriced, "currency_not_priced", "currency"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(
    shelf: None, filters: dict[str, object], error: type, code: str, field: str
) -> None:
    with pytest.raises(error) as refusal:
        list_plans(**{"currency": "USD", "now": NOW, **filters})  # type: ignore[arg-type]

    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
def test_pages_join_to_the_whole_list(shelf: None, limit: int) -> None:
    whole = slugs(list_plans(currency="USD", now=NOW))

    seen: list[str] = []
    cursor = None
    while True:
        page = list_plans(currency="USD", now=NOW, limit=limit, cursor=cursor)
        assert 0 < len(page.plans) <= limit
        seen += slugs(page)
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == whole


def test_pages_hold_while_the_catalogue_changes(shelf: None, publish: Publish) -> None:
    first = list_plans(currency="USD", now=NOW, limit=3)

    publish("new-first", term=Term("day", 1), prices=(PriceSpec("USD", 1),))
    withdraw_plan(plan=PlanVersion.objects.get(pk=first.plans[-1].version_id).plan, now=NOW)
    rest = list_plans(currency="USD", now=NOW, cursor=first.next_cursor)

    assert slugs(rest) == ["month-cheap", "month-dear", "half-year", "year"]


def test_plans_alike_in_unit_count_and_price_come_once_each(publish: Publish) -> None:
    for number in range(5):
        publish(f"twin-{number}")

    first = list_plans(currency="USD", now=NOW, limit=2)
    second = list_plans(currency="USD", now=NOW, limit=2, cursor=first.next_cursor)
    third = list_plans(currency="USD", now=NOW, limit=2, cursor=second.next_cursor)

    assert sorted(slugs(first) + slugs(second) + slugs(third)) == [f"twin-{number}" for number in range(5)]
    assert third.next_cursor is None


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "é",
        "AAAA",
        encode([]),
        encode(7),
        encode({"a": 1, "b": 2, "c": 3, "d": 4}),
        encode([0, 1, 950, "pln_short"]),
        encode(["0", 1, 950, "pln_0000000000000"]),
        encode([0, 1, 2**70, "pln_0000000000000"]),
        encode([0, -1, 950, "pln_0000000000000"]),
        encode([0, True, 950, "pln_0000000000000"]),
        encode([0, 1, 950, None]),
        "[" * 5000,
    ],
)
def test_a_made_up_cursor_is_refused(shelf: None, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        list_plans(currency="USD", now=NOW, cursor=cursor)


@pytest.mark.parametrize(("limit", "shown"), [(0, 1), (-5, 1), (1000, 7)])
def test_the_limit_is_held_in_bounds(shelf: None, limit: int, shown: int) -> None:
    assert len(list_plans(currency="USD", now=NOW, limit=limit).plans) == shown


def test_a_page_costs_the_same_whatever_its_size(
    shelf: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for limit in (1, 100):
        with django_assert_num_queries(3):
            list_plans(currency="USD", now=NOW, limit=limit, country="JP", term="day", min_data=1)


def test_the_view_holds_what_the_card_needs(publish: Publish) -> None:
    version = publish(
        "japan-unlimited",
        **UNLIMITED,
        networks=(("KR", "45005"), ("JP", "44020"), ("JP", "44010")),
        benefits=(
            BenefitSpec("call_discount", Text("30 % off", "七折"), 30, "greater_china"),
            BenefitSpec("wifi_hotspots", Text("Wi-Fi", "热点")),
        ),
    )

    plan = get_plan_view(plan_id=version.plan_id, currency="EUR", now=NOW)

    assert (plan.id, plan.slug, plan.version, plan.version_id) == (
        version.plan_id, "japan-unlimited", 1, version.pk,
    )  # fmt: skip
    assert plan.name == Text("Japan 7 days", "日本 7 天")
    assert plan.term == Term("day", 7)
    assert (plan.term_unit, plan.term_count) == ("day", 7)
    assert plan.kind is PeriodKind.BASE
    assert plan.data_bytes is None
    assert plan.fair_use is not None
    assert (plan.fair_use.after_bytes, plan.fair_use.per, plan.fair_use.throttle_kbps) == (
        3 * 10**9,
        "day",
        1024,
    )
    assert plan.fair_use.hotspot == plan.hotspot == Text("Hotspot allowed.", "可开热点。")
    assert [(benefit.kind, benefit.percent, benefit.destination_group) for benefit in plan.benefits] == [
        ("call_discount", 30, "greater_china"),
        ("wifi_hotspots", None, None),
    ]
    assert [country.country for country in plan.coverage] == ["JP", "KR"]
    assert plan.coverage[0].name == Text("Japan", "日本")
    assert plan.coverage[0].operators == (
        OperatorView("44010", "NTT docomo", "4G/5G"),
        OperatorView("44020", "SoftBank", "4G/5G"),
    )
    assert plan.price.listed == Money(890, "EUR")
    assert plan.recommendation is None


def test_the_view_follows_the_current_version(publish: Publish) -> None:
    old = publish()
    new = publish(data_bytes=6 * 10**9)

    plan = get_plan_view(plan_id=old.plan_id, currency="USD", now=NOW)

    assert (plan.version, plan.data_bytes) == (2, 6 * 10**9)
    assert [view.version_id for view in list_plans(currency="USD", now=NOW).plans] == [new.pk]


def test_a_plan_off_sale_is_neither_listed_nor_shown(publish: Publish) -> None:
    publish("stays")
    gone = publish("gone")
    withdraw_plan(plan=gone.plan, now=NOW)

    assert slugs(list_plans(currency="USD", now=NOW)) == ["stays"]
    assert set(slugs(list_plans(currency="USD", now=NOW - timedelta(seconds=1)))) == {"gone", "stays"}
    with pytest.raises(PlanWithdrawn):
        get_plan_view(plan_id=gone.plan_id, currency="USD", now=NOW)
    assert versions_by_ids([gone.pk]) == {gone.pk: gone}


@pytest.mark.parametrize(
    "plan_id", ["pln_0000000000000", "ord_0000000000000", "japan-7d", "", "pln_" + "9" * 40]
)
def test_a_plan_nobody_has_is_not_found(publish: Publish, plan_id: str) -> None:
    publish()

    with pytest.raises(NotFound):
        get_plan_view(plan_id=plan_id, currency="USD", now=NOW)
    with pytest.raises(NotFound):
        current_version(plan_id, NOW)


def test_a_plan_without_a_version_is_not_found(db: None) -> None:
    plan = create_plan(slug="empty", now=NOW)

    with pytest.raises(NotFound):
        get_plan_view(plan_id=plan.id, currency="USD", now=NOW)


def test_a_plan_in_a_currency_it_has_no_price_in(publish: Publish) -> None:
    version = publish(prices=(PriceSpec("USD", 950),))
    publish("other")

    with pytest.raises(CurrencyNotPriced):
        get_plan_view(plan_id=version.plan_id, currency="EUR", now=NOW)
    with pytest.raises(CurrencyNotPriced):
        price_for(version, "EUR")
    with pytest.raises(UnknownCurrency):
        price_for(version, "EURO")
    assert slugs(list_plans(currency="EUR", now=NOW)) == ["other"]


def test_an_empty_shelf_has_no_price_in_any_currency(db: None) -> None:
    with pytest.raises(CurrencyNotPriced):
        list_plans(currency="USD", now=NOW)


@pytest.mark.parametrize(
    ("price", "quantity", "total", "tax"),
    [
        (PriceSpec("USD", 950), 1, 950, 0),
        (PriceSpec("USD", 950), 3, 2850, 0),
        (PriceSpec("EUR", 1210, tax_bp=2100), 1, 1210, 210),
        (PriceSpec("EUR", 890, tax_bp=2100), 1, 890, 154),
        (PriceSpec("EUR", 890, tax_bp=2100), 3, 2670, 463),  # of the sum, not three times 154
        (PriceSpec("USD", 1000, tax_included=False, tax_bp=825), 1, 1083, 83),
        (PriceSpec("USD", 1000, tax_included=False, tax_bp=825), 2, 2165, 165),
        (PriceSpec("JPY", 1100, tax_bp=1000), 1, 1100, 100),
        (PriceSpec("KWD", 1234, tax_included=False, tax_bp=500), 1, 1296, 62),
    ],
)
def test_a_price_says_what_is_paid_and_what_of_it_is_tax(
    publish: Publish, price: PriceSpec, quantity: int, total: int, tax: int
) -> None:
    version = publish(prices=(price,))

    view = price_for(version, price.currency, quantity)

    assert view.total == Money(total, price.currency)
    assert view.tax == Money(tax, price.currency)
    assert view.listed == Money(price.amount, price.currency)
    assert (view.tax_included, view.tax_bp) == (price.tax_included, price.tax_bp)


def test_an_offer_is_version_and_price_in_one_statement(
    publish: Publish, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    publish()
    current = publish(data_bytes=6 * 10**9)

    with django_assert_num_queries(1):
        version, price = current_offer(current.plan_id, "EUR", NOW, quantity=2)
        assert version.plan.slug == "japan-7d"

    assert version == current
    assert price == price_for(current, "EUR", 2)


def test_an_offer_that_cannot_be_made_says_why(publish: Publish) -> None:
    version = publish(prices=(PriceSpec("USD", 950),))

    with pytest.raises(CurrencyNotPriced):
        current_offer(version.plan_id, "EUR", NOW)
    with pytest.raises(UnknownCurrency):
        current_offer(version.plan_id, "", NOW)
    with pytest.raises(NotFound):
        current_offer(new_id("pln"), "USD", NOW)
    withdraw_plan(plan=version.plan, now=NOW)
    with pytest.raises(PlanWithdrawn):
        current_offer(version.plan_id, "USD", NOW)


def test_versions_come_by_key_in_one_statement(
    publish: Publish, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first, second = publish(), publish(data_bytes=6 * 10**9)

    with django_assert_num_queries(1):
        found = versions_by_ids([first.pk, second.pk, first.pk, 10**9])
        assert found[first.pk].plan.slug == found[second.pk].plan.slug == "japan-7d"

    assert found == {first.pk: first, second.pk: second}


def test_coverage_is_asked_for_many_versions_at_once(
    publish: Publish, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    japan, both = publish(), publish("both", networks=(("JP", "44010"), ("KR", "45005")))

    with django_assert_num_queries(1):
        found = countries_by_version([japan.pk, both.pk])

    assert found == {japan.pk: frozenset({"JP"}), both.pk: frozenset({"JP", "KR"})}


def test_what_the_filters_may_offer_is_what_is_on_sale(
    publish: Publish, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    publish(prices=(PriceSpec("USD", 950), PriceSpec("EUR", 890)))
    gone = publish("korea", networks=(("KR", "45005"),), prices=(PriceSpec("USD", 100),))

    with django_assert_num_queries(1):
        assert currencies_on_sale() == {"USD", "EUR"}
    withdraw_plan(plan=gone.plan, now=NOW)
    publish(networks=(("JP", "44020"),), prices=(PriceSpec("USD", 950),))

    assert currencies_on_sale() == {"USD"}


def test_an_id_of_another_kind_reads_as_not_found(publish: Publish) -> None:
    publish()

    with pytest.raises(NotFound):
        current_version(new_id("ln"), NOW)
