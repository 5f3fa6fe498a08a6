"""Names of countries."""

import pytest

from everline.core.countries import name_of_country


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("JP", "Japan", "日本"),
        ("TW", "Taiwan", "中国台湾"),
        ("ZZ", "Unknown Region", "未知地区"),
        ("QX", "QX", "QX"),
    ],
)
def test_a_country_is_called_as_its_reader_calls_it(code: str, english: str, chinese: str) -> None:
    assert name_of_country(code, "en") == english
    assert name_of_country(code, "zh-hans") == chinese
