"""The demo catalogue keeps its promises, and a wrong data file is refused with its place."""

import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from everline.catalog.countries import country_name, is_country
from everline.catalog.demo import reader
from everline.catalog.demo.reader import DATA, DemoCatalogue, DemoDataError, read_catalogue
from everline.catalog.models import Coverage, Operator, Plan, PlanVersion, Price
from everline.catalog.selectors import list_plans
from everline.catalog.services import load_demo_catalogue, withdraw_plan
from everline.catalog.specs import DEFAULT_MAX_STACKED_DAYS
from everline.catalog.types import DemoLoad
from tests.catalog.conftest import NOW

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def catalogue() -> DemoCatalogue:
    return read_catalogue()


# --- what it promises -----------------------------------------------------------------------------------


def test_it_is_large_enough(catalogue: DemoCatalogue) -> None:
    units = Counter(spec.term.unit for spec in catalogue.plans.values())
    countries = {country for spec in catalogue.plans.values() for country, _ in spec.networks}

    assert len(catalogue.plans) >= 60
    assert len(countries) >= 60
    assert all(3 <= units[unit] <= 100 for unit in ("day", "month", "year"))


@pytest.mark.parametrize("unit", ["day", "month", "year"])
def test_each_unit_has_a_plain_plan_of_one(catalogue: DemoCatalogue, unit: str) -> None:
    assert any(
        (spec.term.unit, spec.term.count) == (unit, 1)
        and (spec.renewal_policy, spec.start_policy) == ("extend", "on_purchase")
        for spec in catalogue.plans.values()
    )


def test_every_plan_is_priced_in_all_three_currencies(catalogue: DemoCatalogue) -> None:
    for slug, spec in catalogue.plans.items():
        amounts = {price.currency: price.amount for price in spec.prices}

        assert set(amounts) == {"USD", "EUR", "CNY"}, slug
        assert amounts["EUR"] < amounts["USD"] < amounts["CNY"], slug
        assert all(price.tax_included for price in spec.prices), slug


def test_any_new_line_can_take_any_plan(catalogue: DemoCatalogue) -> None:
    assert {spec.max_stacked_days for spec in catalogue.plans.values()} == {DEFAULT_MAX_STACKED_DAYS}


def test_every_kind_of_offer_is_there(catalogue: DemoCatalogue) -> None:
    specs = list(catalogue.plans.values())

    assert {spec.refill for spec in specs} == {"none", "daily", "monthly"}
    assert {spec.renewal_policy for spec in specs} == {"extend", "queue_depleted", "start_now"}
    assert {spec.activation_deadline_days for spec in specs} == {None, 180}
    assert {benefit.kind for spec in specs for benefit in spec.benefits} == {"call_discount", "wifi_hotspots"}
    assert any(spec.data_bytes is None and spec.fair_use for spec in specs)
    assert any(spec.voice_seconds and spec.sms_count for spec in specs)
    assert any(spec.calendar_day for spec in specs)
    assert {1, 3, 7, 15} <= {spec.term.count for spec in specs if spec.term.unit == "day"}
    assert {1, 3, 6} <= {spec.term.count for spec in specs if spec.term.unit == "month"}


def test_everything_is_worded_in_both_languages(catalogue: DemoCatalogue) -> None:
    for slug, spec in catalogue.plans.items():
        for text in (spec.name, spec.summary, spec.hotspot, *(benefit.text for benefit in spec.benefits)):
            assert CHINESE.search(text.zh), slug
            assert not CHINESE.search(text.en), slug


def test_names_are_not_used_twice(catalogue: DemoCatalogue) -> None:
    specs = catalogue.plans.values()

    for names in ([spec.name.en for spec in specs], [spec.name.zh for spec in specs]):
        assert not [name for name, times in Counter(names).items() if times > 1]
    assert len({spec.supplier_code for spec in specs}) == len(catalogue.plans)


def test_countries_and_networks_are_real(catalogue: DemoCatalogue) -> None:
    for country, operator in catalogue.operators:
        assert is_country(country)
        assert country_name(country).en != country
        assert CHINESE.search(country_name(country).zh)
        assert re.fullmatch(r"(4G|5G|4G/5G)", operator.radio), operator
    assert len({(country, operator.plmn) for country, operator in catalogue.operators}) == len(
        catalogue.operators
    )


@pytest.mark.parametrize(
    ("country", "mcc"),
    [
        ("CN", {"460"}), ("HK", {"454"}), ("JP", {"440", "441"}), ("KR", {"450"}), ("TW", {"466"}),
        ("US", {"310", "311"}), ("GB", {"234", "235"}), ("FR", {"208"}), ("DE", {"262"}), ("SG", {"525"}),
        ("TH", {"520"}), ("AU", {"505"}), ("BR", {"724"}), ("ZA", {"655"}), ("AE", {"424"}), ("CA", {"302"}),
    ],
)  # fmt: skip
def test_networks_carry_the_code_of_their_country(
    catalogue: DemoCatalogue, country: str, mcc: set[str]
) -> None:
    codes = {operator.plmn[:3] for place, operator in catalogue.operators if place == country}

    assert codes
    assert codes <= mcc


def test_no_country_shares_a_country_code_with_another(catalogue: DemoCatalogue) -> None:
    owners: dict[str, set[str]] = {}
    for country, operator in catalogue.operators:
        owners.setdefault(operator.plmn[:3], set()).add(country)

    assert {code: places for code, places in owners.items() if len(places) > 1} == {}


def test_figures_in_the_wording_agree_with_the_coverage(catalogue: DemoCatalogue) -> None:
    sizes = {slug: len({country for country, _ in spec.networks}) for slug, spec in catalogue.plans.items()}

    assert sizes["europe-1d"] == 38
    assert sizes["asia-pacific-1m"] == 18
    assert sizes["latin-america-15d"] == 12
    assert sizes["africa-1m"] == sizes["middle-east-1y"] == 9
    assert sizes["balkans-1m"] == 10
    assert sizes["southeast-asia-15d"] == sizes["nordics-baltics-1m"] == 8
    assert sizes["gulf-7d"] == 6
    assert sizes["global-1y"] > 90


# --- loading --------------------------------------------------------------------------------------------


def test_loading_puts_it_on_sale_in_every_currency(db: None) -> None:
    loaded = load_demo_catalogue(now=NOW)

    assert loaded == DemoLoad(plans=Plan.objects.count(), published=Plan.objects.count())
    for currency in ("USD", "EUR", "CNY"):
        first = list_plans(currency=currency, now=NOW, limit=100)
        assert len(first.plans) == loaded.plans
        assert first.next_cursor is None


def test_loading_again_writes_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    load_demo_catalogue(now=NOW)
    before = (
        PlanVersion.objects.count(),
        Price.objects.count(),
        Coverage.objects.count(),
        Operator.objects.count(),
    )

    with django_assert_num_queries(5):  # two of them are the savepoint's
        again = load_demo_catalogue(now=NOW + timedelta(days=1))

    assert again.published == 0
    after = (
        PlanVersion.objects.count(),
        Price.objects.count(),
        Coverage.objects.count(),
        Operator.objects.count(),
    )
    assert after == before


def test_only_what_changed_gets_a_new_version(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_demo_catalogue(now=NOW)
    content = read_catalogue()
    changed = replace(content.plans["japan-7d"], data_bytes=6 * 10**9)
    monkeypatch.setattr(
        "everline.catalog.services.read_catalogue",
        lambda: replace(content, plans={**content.plans, "japan-7d": changed}),
    )

    again = load_demo_catalogue(now=NOW + timedelta(days=1))

    assert again.published == 1
    assert list(PlanVersion.objects.filter(version__gt=1).values_list("plan__slug", "data_bytes")) == [
        ("japan-7d", 6 * 10**9)
    ]


def test_a_withdrawn_demo_plan_stays_withdrawn(db: None) -> None:
    load_demo_catalogue(now=NOW)
    plan = withdraw_plan(plan=Plan.objects.get(slug="japan-7d"), now=NOW)

    again = load_demo_catalogue(now=NOW + timedelta(days=1))

    assert again.published == 0
    plan.refresh_from_db()
    assert plan.withdrawn_at == NOW


def test_a_page_of_the_whole_catalogue_costs_three_statements(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    load_demo_catalogue(now=NOW)

    with django_assert_num_queries(3):
        page = list_plans(currency="CNY", now=NOW, limit=100)

    assert all(plan.coverage for plan in page.plans)


# --- wrong files ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small copy of the data that a test can spoil."""
    for name in ("operators.toml", "zones.toml", "rules.toml"):
        shutil.copy(DATA / name, tmp_path / name)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "day.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path


PLAN = """
[[plan]]
slug = "japan-7d"
term = "7 day"
data = "5 GB"
coverage = ["JP", "@nordics"]
name_en = "Japan"
name_zh = "日本"
summary_en = "A week."
summary_zh = "一周。"
price = { USD = "9.50", EUR = "8.90", CNY = "55.00" }
"""


def test_a_small_catalogue_is_read(folder: Path) -> None:
    [spec] = read_catalogue(folder).plans.values()

    assert (spec.term.unit, spec.term.count) == ("day", 7)
    assert spec.data_bytes == 5_000_000_000
    assert {price.currency: price.amount for price in spec.prices} == {"USD": 950, "EUR": 890, "CNY": 5500}
    assert {country for country, _ in spec.networks} == {"JP", "SE", "NO", "DK", "FI", "IS"}
    assert spec.supplier_code == "EVL-JAPAN-7D"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('slug = "japan-7d"', "", "a plan without a slug: a slug is"),
        ('slug = "japan-7d"', 'slug = "Japan 7"', "Japan 7: a slug is small letters"),
        ('term = "7 day"', "", "japan-7d: 'term' is missing"),
        ('term = "7 day"', 'term = "7 weeks"', "weeks"),
        ('term = "7 day"', 'term = "0 day"', "at least one day"),
        ('term = "7 day"', "term = 7", "japan-7d:"),
        ('data = "5 GB"', 'data = "5 TB"', "'TB' is missing or unknown"),
        ('data = "5 GB"', 'data = "much"', "japan-7d:"),
        ('data = "5 GB"', 'data = "unlimited"', "unlimited needs a stated fair-use rule"),
        ('"JP"', '"XX"', "'XX' is missing or unknown"),
        ('"@nordics"', '"@mars"', "'mars' is missing or unknown"),
        ('name_zh = "日本"', "", "'name_zh' is missing"),
        ('summary_zh = "一周。"', 'summary_zh = ""', "the Chinese summary is missing"),
        ('"9.50"', '"9.505"', "9.505 has more digits than USD"),
        ('"9.50"', '"cheap"', "'cheap' is no price"),
        ('"9.50"', "9.5", "9.5 is no price"),
        ('"9.50"', '"0.00"', "not above zero"),
        ("USD =", "XXX =", "japan-7d: unknown_currency"),
        ("USD =", "GBP =", "'GBP' is missing or unknown"),
        ("price =", "prize =", "unknown keys prize"),
        ("price =", 'hotspot = "always"\nprice =', "'always' is missing or unknown"),
        ("price =", 'benefits = ["lounge"]\nprice =', "'lounge' is missing or unknown"),
        ("price =", 'renewal = "never"\nprice =', "renewal policy 'never'"),
        ("[[plan]]", "[[plan", "day.toml:"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place(folder: Path, old: str, new: str, reason: str) -> None:
    path = folder / "plans" / "day.toml"
    assert old in PLAN
    path.write_text(PLAN.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DemoDataError) as refusal:
        read_catalogue(folder)

    assert str(refusal.value).startswith("day.toml:")
    assert reason in str(refusal.value)


def test_a_slug_in_two_files_is_refused(folder: Path) -> None:
    (folder / "plans" / "month.toml").write_text(PLAN, encoding="utf-8")

    with pytest.raises(DemoDataError, match=r"month\.toml: japan-7d: the slug is used twice"):
        read_catalogue(folder)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('JP = [["44010", "docomo"]]', r"JP: \['44010', 'docomo'\] is not"),
        ('JP = [["4401", "docomo", "4G"]]', "JP: 4401 is no PLMN"),
        ('JP = [["44010", "", "4G"]]', "is not"),
    ],
)
def test_a_wrong_operator_is_refused_with_its_place(folder: Path, row: str, reason: str) -> None:
    (folder / "operators.toml").write_text(row, encoding="utf-8")

    with pytest.raises(DemoDataError, match=rf"operators\.toml: .*{reason}"):
        read_catalogue(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "rules.toml").unlink()

    with pytest.raises(DemoDataError, match=r"rules\.toml: the file is missing"):
        read_catalogue(folder)


def test_a_wrong_file_leaves_the_shop_as_it_was(
    db: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "plans" / "day.toml").write_text(PLAN.replace("9.50", "0.00"), encoding="utf-8")
    monkeypatch.setattr("everline.catalog.services.read_catalogue", lambda: reader.read_catalogue(folder))

    with pytest.raises(DemoDataError):
        load_demo_catalogue(now=NOW)

    assert not Plan.objects.exists()
    assert not Operator.objects.exists()


def test_a_new_demo_plan_joins_the_ones_that_are_there(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    content = read_catalogue()
    fewer = {slug: spec for slug, spec in content.plans.items() if slug != "japan-7d"}
    monkeypatch.setattr("everline.catalog.services.read_catalogue", lambda: replace(content, plans=fewer))
    load_demo_catalogue(now=NOW)
    monkeypatch.setattr("everline.catalog.services.read_catalogue", lambda: content)

    again = load_demo_catalogue(now=NOW + timedelta(days=1))

    assert again == DemoLoad(plans=len(content.plans), published=1)
    assert Plan.objects.count() == len(content.plans)
    assert Plan.objects.get(slug="japan-7d").created_at == NOW + timedelta(days=1)
