"""Countries by ISO 3166-1 alpha-2 code and their names in our two languages.

The codes are pycountry's (Debian iso-codes), the names those of `core.countries`.
"""

from functools import cache

import pycountry

from everline.catalog.types import Text
from everline.core.countries import name_of_country


def is_country(code: str) -> bool:
    """Whether this is an assigned two-letter code, in capitals."""
    return len(code) == 2 and pycountry.countries.get(alpha_2=code) is not None and code.isupper()  # noqa: PLR2004


@cache
def country_name(code: str) -> Text:
    """The name of a country in both languages; the code itself where nobody names it."""
    return Text(en=name_of_country(code, "en"), zh=name_of_country(code, "zh-hans"))
