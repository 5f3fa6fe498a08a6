"""Writes catalog/places/pinyin.toml: the Chinese names of all countries and our regions in pinyin.

Run it after a name or a region has changed; a test says when.
"""

from pathlib import Path

import pycountry
from pypinyin import lazy_pinyin

from everline.catalog.countries import country_name
from everline.catalog.places.regions import REGIONS

TARGET = Path(__file__).resolve().parent.parent / "src/everline/catalog/places/pinyin.toml"
HEAD = "# Written by tools/write_pinyin.py: a test compares it with the names of today.\n\n"
#: Our names say "China" before some regions; people type the rest.
_PREFIX = "中国"
_KEPT = frozenset({"CN"})


def pinyin_of(code: str, name: str) -> str:
    """The syllables of a Chinese name, parted by spaces."""
    short = name if code in _KEPT else name.removeprefix(_PREFIX)
    return " ".join(part for part in lazy_pinyin(short) if part.isascii() and part.isalpha())


def table() -> dict[str, str]:
    """Pinyin by the code of a country or region."""
    names = {each.alpha_2: country_name(each.alpha_2).zh for each in pycountry.countries}
    names |= {region.code: region.name.zh for region in REGIONS}
    return {code: pinyin_of(code, name) for code, name in sorted(names.items())}


def text() -> str:
    """The file as it should be."""
    return HEAD + "".join(f'{code} = "{syllables}"\n' for code, syllables in table().items())


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
