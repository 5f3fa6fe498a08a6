"""What people mean who type a few letters of a place."""

import pytest

from everline.catalog.countries import country_name
from everline.catalog.demo.reader import read_catalogue
from everline.catalog.places import destinations
from everline.catalog.places.destinations import Destination, Kind, search_destinations
from everline.catalog.places.regions import REGIONS
from tools import write_pinyin

DEMO = destinations.destinations_served(
    frozenset(frozenset(country for country, _ in spec.networks) for spec in read_catalogue().plans.values())
)


def found(text: str, locale: str = "en", limit: int = 8) -> list[str]:
    return [place.code for place in search_destinations(DEMO, text, locale, limit)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Japan", "JP"),
        ("japan", "JP"),
        ("  JaPaN ", "JP"),
        ("jp", "JP"),
        ("日本", "JP"),
        ("日", "JP"),
        ("riben", "JP"),
        ("ri ben", "JP"),
        ("rb", "JP"),
        ("Tokyo", "JP"),
        ("东京", "JP"),
        ("東京", "JP"),
        ("泰国", "TH"),
        ("泰國", "TH"),
        ("taiguo", "TH"),
        ("tg", "TH"),
        ("英国", "GB"),
        ("UK", "GB"),
        ("GB", "GB"),
        ("Britain", "GB"),
        ("great britain", "GB"),
        ("美国", "US"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("America", "US"),
        ("united   states", "US"),
        ("港", "HK"),
        ("HK", "HK"),
        ("香港", "HK"),
        ("hong-kong", "HK"),
        ("xianggang", "HK"),
        ("中国", "CN"),
        ("China", "CN"),
        ("台灣", "TW"),
        ("臺灣", "TW"),
        ("韓國", "KR"),
        ("korea", "KR"),
        ("turkiye", "TR"),
        ("Türkiye", "TR"),
        ("TURKEY", "TR"),
        ("紐西蘭", "NZ"),
        ("新西兰", "NZ"),
        ("欧洲", "europe"),
        ("歐洲", "europe"),
        ("ouzhou", "europe"),
        ("Europe", "europe"),
        ("亚太", "asia-pacific"),
        ("亞太", "asia-pacific"),
        ("全球", "global"),
        ("world", "global"),
        ("非洲", "africa"),
    ],
)
def test_a_place_is_found_first_by_any_of_its_names(text: str, code: str) -> None:
    assert found(text)[0] == code
    assert found(text, "zh-hans")[0] == code


@pytest.mark.parametrize(
    "text", ["", "   ", "-", "…", "<script>alert(1)</script>", "%00", "xyzzy", "🙂", "' OR 1=1"]
)
def test_nonsense_finds_nothing(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("japn", "JP"),
        ("jaapan", "JP"),
        ("jpaan", "JP"),
        ("Germny", "DE"),
        ("thailnd", "TH"),
        ("Deutchland", "DE"),
        ("yinguo", "GB"),
        ("singapure", "SG"),
        ("\U0001f1ef\U0001f1f5", "JP"),
    ],
)
def test_one_slip_of_the_finger_is_forgiven_and_a_flag_is_its_country(text: str, code: str) -> None:
    assert found(text)[0] == code


@pytest.mark.parametrize("text", ["jpn1", "jaaapaan", "gremyn", "日夲", "chxx", "oma1n2"])
def test_two_slips_and_short_words_mean_nothing(text: str) -> None:
    assert found(text) == []


def test_whoever_is_spelled_right_does_not_bring_a_neighbour() -> None:
    neighbours = [destinations.country("IQ"), destinations.country("IR")]

    assert [place.code for place in search_destinations(neighbours, "iran", "en")] == ["IR"]
    assert [place.code for place in search_destinations(neighbours, "irab", "en")] == ["IQ", "IR"]


def test_a_beginning_comes_before_a_part() -> None:
    listed = found("ea", limit=20) + found("ast", limit=20)

    assert listed[0] == "east-africa"
    assert listed.index("east-africa") < listed.index("southeast-asia")


def test_the_pages_language_decides_between_equals() -> None:
    assert found("a", "en", 3) == ["africa", "AT", "AE"] or set(found("a", "en", 40)) >= {
        "AT",
        "AE",
        "africa",
    }
    assert found("美", "zh-hans")[0] == "US"
    assert {"north-america"} <= set(found("美", "zh-hans"))


def test_two_letters_do_not_match_inside_words() -> None:
    assert "CY" not in found("pr"), "Cyprus"
    assert "CY" in found("pru"), "three letters do"


def test_the_limit_holds_and_long_texts_are_cut() -> None:
    assert len(found("a", limit=3)) == 3
    assert found("japan" + " " * 100 + "nonsense")[0] == "JP"
    assert found("泰" * 10_000) == []


def test_only_what_is_served_is_found() -> None:
    served = destinations.destinations_served(frozenset({frozenset({"JP", "KR"})}))

    assert [place.code for place in served] == ["JP", "KR"]
    assert search_destinations(served, "thailand", "en") == []


def test_a_region_is_served_by_most_of_its_countries() -> None:
    europe = next(place for place in destinations.regions() if place.code == "europe")
    most = frozenset(sorted(europe.countries)[: europe.needed])

    assert europe.served_by(europe.countries)
    assert europe.served_by(most)
    assert not europe.served_by(most - {min(most)})
    assert not europe.served_by(frozenset({"JP"}))


def test_every_region_of_ours_is_in_the_demo_catalogue() -> None:
    assert [place.code for place in DEMO if place.kind is Kind.REGION] == [each.code for each in REGIONS]
    assert len([place for place in DEMO if place.kind is Kind.COUNTRY]) > 80


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("japan", "JP"),
        ("jp", "JP"),
        ("JP", "JP"),
        ("united-kingdom", "GB"),
        ("turkiye", "TR"),
        ("europe", "europe"),
    ],
)
def test_addresses_name_a_place(slug: str, code: str) -> None:
    place = destinations.find_destination(DEMO, slug)

    assert place is not None
    assert place.code == code


@pytest.mark.parametrize("slug", ["", "nowhere", "japan-1d", "../japan", "KP"])
def test_other_addresses_name_nothing(slug: str) -> None:
    assert destinations.find_destination(DEMO, slug) is None


def test_slugs_are_plain_and_unique() -> None:
    slugs = [place.slug for place in DEMO]

    assert len(set(slugs)) == len(slugs)
    assert all(slug.isascii() and slug == slug.casefold() and " " not in slug for slug in slugs)
    assert destinations.country("CI").slug == "cote-divoire"
    assert destinations.country("BA").slug == "bosnia-herzegovina"


def test_the_pinyin_on_file_is_that_of_todays_names() -> None:
    assert write_pinyin.TARGET.read_text(encoding="utf-8") == write_pinyin.text(), "run tools/write_pinyin.py"


def test_every_country_has_pinyin_of_its_chinese_name() -> None:
    without = [place.code for place in DEMO if not place.initials]

    assert without == []
    assert write_pinyin.pinyin_of("HK", country_name("HK").zh) == "xiang gang"
    assert write_pinyin.pinyin_of("CN", country_name("CN").zh) == "zhong guo da lu"


def test_aliases_belong_to_places_that_exist() -> None:
    known = {region.code for region in REGIONS} | {place.code for place in DEMO}

    assert set(destinations._table("aliases")) <= known


def test_a_destination_is_made_once() -> None:
    first: Destination = destinations.country("JP")

    assert destinations.country("JP") is first
