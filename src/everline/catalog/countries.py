"""Countries by ISO 3166-1 alpha-2 code and their names in our two languages.

The codes are pycountry's (Debian iso-codes), the names CLDR's, but for a few that our customers write
otherwise.
"""

from functools import cache

import pycountry
from babel.core import Locale

from everline.catalog.types import Text

#: CLDR's own names of these are administrative ("中国香港特别行政区") or not what our customers write.
_OURS = {
    "CN": Text(en="Mainland China", zh="中国大陆"),
    "HK": Text(en="Hong Kong", zh="中国香港"),
    "MO": Text(en="Macao", zh="中国澳门"),
    "TW": Text(en="Taiwan", zh="中国台湾"),
    "AE": Text(en="United Arab Emirates", zh="阿联酋"),
    "TR": Text(en="Türkiye", zh="土耳其"),
}


def is_country(code: str) -> bool:
    """Whether this is an assigned two-letter code, in capitals."""
    return len(code) == 2 and pycountry.countries.get(alpha_2=code) is not None and code.isupper()  # noqa: PLR2004


@cache
def country_name(code: str) -> Text:
    """The name of a country in both languages; the code itself where nobody names it."""
    if code in _OURS:
        return _OURS[code]
    return Text(
        en=Locale.parse("en").territories.get(code, code),
        zh=Locale.parse("zh_Hans").territories.get(code, code),
    )
