"""Country codes and their names in both languages."""

import pytest

from everline.catalog.countries import country_name, is_country


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("JP", "Japan", "日本"),
        ("DE", "Germany", "德国"),
        ("CN", "Mainland China", "中国大陆"),
        ("HK", "Hong Kong", "中国香港"),
        ("MO", "Macao", "中国澳门"),
        ("TW", "Taiwan", "中国台湾"),
        ("TR", "Türkiye", "土耳其"),
    ],
)
def test_a_country_has_a_name_in_each_language(code: str, english: str, chinese: str) -> None:
    name = country_name(code)

    assert name.in_locale("en") == english
    assert name.in_locale("zh-hans") == chinese


@pytest.mark.parametrize("code", ["JP", "US", "MU"])
def test_assigned_codes_are_countries(code: str) -> None:
    assert is_country(code)


@pytest.mark.parametrize("code", ["", "J", "jp", "JPN", "XX", "392", "日本", "@g"])
def test_anything_else_is_not(code: str) -> None:
    assert not is_country(code)


def test_a_code_without_a_name_stands_for_itself() -> None:
    assert country_name("QX").en == "QX"
