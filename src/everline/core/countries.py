"""Names of countries by ISO 3166-1 alpha-2 code, in our two languages.

The names are CLDR's, but for a few that people write otherwise.
"""

from collections.abc import Mapping
from functools import cache

from babel.core import Locale

#: CLDR's own names of these are administrative ("中国香港特别行政区") or not what our customers write.
_OURS: Mapping[str, Mapping[str, str]] = {
    "CN": {"en": "Mainland China", "zh-hans": "中国大陆"},
    "HK": {"en": "Hong Kong", "zh-hans": "中国香港"},
    "MO": {"en": "Macao", "zh-hans": "中国澳门"},
    "TW": {"en": "Taiwan", "zh-hans": "中国台湾"},
    "AE": {"en": "United Arab Emirates", "zh-hans": "阿联酋"},
    "TR": {"en": "Türkiye", "zh-hans": "土耳其"},
}
_CLDR = {"en": "en", "zh-hans": "zh_Hans"}


@cache
def name_of_country(code: str, locale: str) -> str:
    """The name in one of our languages ("en", "zh-hans"); the code itself where nobody names it."""
    if code in _OURS:
        return _OURS[code][locale]
    return str(Locale.parse(_CLDR[locale]).territories.get(code, code))
