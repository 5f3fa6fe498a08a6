"""Figures and moments as people read them, in both languages."""

from datetime import UTC, datetime

import pytest
from django.utils import translation

from everline.catalog.terms import Term
from everline.portal import choices, formats, wording
from everline.portal.offers import Filters
from everline.portal.policy import content_policy

MOMENT = datetime(2027, 3, 9, 22, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_500, "1.5 kB"),
        (10**6, "1 MB"),
        (999_999_999, "999.99 MB"),
        (10**9, "1 GB"),
        (1_999_999_999, "1.99 GB"),
        (20 * 10**9, "20 GB"),
        (1_234 * 10**9, "1.23 TB"),
        (1_000_000 * 10**12, "1,000,000 TB"),
    ],
)
@pytest.mark.parametrize("locale", ["en", "zh-hans"])
def test_data_is_decimal_and_never_rounded_up(count: int, says: str, locale: str) -> None:
    assert formats.data_size(count, locale) == says


@pytest.mark.parametrize(
    ("locale", "says"), [("en", "Mar 10, 2027, 06:05"), ("zh-hans", "2027年3月10日 06:05")]
)
def test_moments_are_told_in_the_zone(locale: str, says: str) -> None:
    assert formats.moment(MOMENT, "Asia/Shanghai", locale) == says
    assert formats.moment(MOMENT, "Asia/Shanghai", locale, with_zone=True) == f"{says} (GMT+08:00)"


@pytest.mark.parametrize(("locale", "says"), [("en", "Mar 9, 2027"), ("zh-hans", "2027年3月9日")])
def test_dates(locale: str, says: str) -> None:
    assert formats.day(MOMENT, "UTC", locale) == says


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(0, 5, 0), (5, 5, 100), (1, 3, 33), (7, 5, 100), (-1, 5, 0), (1, 0, 0)]
)
def test_shares_stay_between_nothing_and_all(part: int, whole: int, expected: int) -> None:
    assert formats.share(part, whole) == expected


@pytest.mark.parametrize(
    ("service", "amount", "english", "chinese"),
    [
        ("voice", 6000, "100 minutes", "100 分钟"),
        ("voice", 60, "1 minute", "1 分钟"),
        ("voice", 59, "59 seconds", "59 秒"),
        ("voice", 1, "1 second", "1 秒"),
        ("voice", 0, "0 minutes", "0 分钟"),
        ("sms", 1, "1 message", "1 条"),
        ("sms", 50, "50 messages", "50 条"),
        ("data", 10**9, "1 GB", "1 GB"),
    ],
)
def test_allowances_in_words(service: str, amount: int, english: str, chinese: str) -> None:
    with translation.override("en"):
        assert wording.quantity(service, amount, "en") == english
    with translation.override("zh-hans"):
        assert wording.quantity(service, amount, "zh-hans") == chinese


@pytest.mark.parametrize(
    ("unit", "count", "english", "chinese"),
    [
        ("day", 1, "1 day", "1 天"),
        ("day", 30, "30 days", "30 天"),
        ("month", 1, "1 month", "1 个月"),
        ("month", 6, "6 months", "6 个月"),
        ("year", 1, "1 year", "1 年"),
        ("year", 2, "2 years", "2 年"),
    ],
)
def test_terms_in_words(unit: str, count: int, english: str, chinese: str) -> None:
    with translation.override("en"):
        assert wording.term(Term(unit, count)) == english
    with translation.override("zh-hans"):
        assert wording.term(Term(unit, count)) == chinese


@pytest.mark.parametrize(("kbps", "says"), [(512, "512 kbit/s"), (1000, "1 Mbit/s"), (1500, "1500 kbit/s")])
def test_speeds(kbps: int, says: str) -> None:
    assert wording.speed(kbps) == says


def test_time_zones_are_named_by_their_city() -> None:
    chinese, english = dict(choices.time_zones("zh-hans")), dict(choices.time_zones("en"))

    assert chinese["Asia/Shanghai"] == "上海 · Asia/Shanghai"
    assert english["Europe/Berlin"] == "Berlin · Europe/Berlin"
    assert chinese["Asia/Kolkata"] == "加尔各答 · Asia/Kolkata"
    assert english["America/Argentina/Buenos_Aires"].startswith("Buenos Aires · ")
    assert chinese.keys() == english.keys()
    assert next(iter(english)) == "UTC"
    assert "Factory" not in english


def test_a_zone_that_the_list_lacks_stays_choosable() -> None:
    assert choices.zones_with("Etc/GMT+3", "en")[0] == ("Etc/GMT+3", "Etc/GMT+3")
    assert choices.zones_with("Asia/Tokyo", "en") == choices.time_zones("en")


def test_countries_come_in_the_order_of_their_names() -> None:
    codes = frozenset({"CN", "JP", "DE", "AL"})

    assert [name for _, name in choices.countries(codes, "en")] == [
        "Albania",
        "Germany",
        "Japan",
        "Mainland China",
    ]
    assert [name for _, name in choices.countries(codes, "zh-hans")] == [
        "阿尔巴尼亚",
        "德国",
        "日本",
        "中国大陆",
    ]


def test_a_name_that_begins_with_a_rare_character_stands_where_its_sound_belongs() -> None:
    names = [name for _, name in choices.countries(frozenset({"FI", "FJ", "MA", "NP", "NR"}), "zh-hans")]

    assert names == ["斐济", "芬兰", "摩洛哥", "瑙鲁", "尼泊尔"]


def test_few_messages_are_counted_in_their_own_unit() -> None:
    with translation.override("zh-hans"):
        assert wording.quantity_short("sms", 13, "zh-hans") == "13 条"
    with translation.override("en"):
        assert wording.quantity_short("sms", 13, "en") == "13"


def test_currencies_are_named() -> None:
    assert choices.currencies(frozenset({"USD", "CNY"}), "zh-hans") == [
        ("CNY", "人民币 (CNY)"),
        ("USD", "美元 (USD)"),
    ]


def test_filters_keep_what_they_are_and_start_at_the_first_page() -> None:
    filters = Filters("day", "JP", 5, page=3)

    assert filters.query() == "term=day&country=JP&volume=5"
    assert filters.query(term="year") == "term=year&country=JP&volume=5"
    assert filters.query(page="4") == "term=day&country=JP&volume=5&page=4"
    assert filters.query(country="日本/=") == "term=day&country=%E6%97%A5%E6%9C%AC%2F%3D&volume=5"


@pytest.mark.parametrize(("sort", "named"), [("gb", "&sort=gb"), ("term", ""), ("abc", ""), ("", "")])
def test_an_address_names_only_an_order_that_changes_the_list(sort: str, named: str) -> None:
    assert Filters("day", sort=sort).query() == f"term=day{named}"
    assert Filters("day").query(sort=sort) == f"term=day{named}"
    assert Filters("day", sort="price").query(sort=sort) == f"term=day{named}"


def test_the_policy_names_each_target_once() -> None:
    policy = content_policy(["https://b.example", "https://a.example", "https://b.example"])

    assert policy.endswith("form-action 'self' https://a.example https://b.example")
    assert content_policy().endswith("form-action 'self'")
