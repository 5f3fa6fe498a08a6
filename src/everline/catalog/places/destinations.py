"""Destinations people search for: under which names each is found, and what a few typed letters mean.

The keys of a destination are its names in both languages, its code, its pinyin in full and by initials, and
the aliases of `aliases.toml`. Pinyin stands in `pinyin.toml`, written once by `tools/write_pinyin.py`: its
dictionary would cost every process sixty megabytes.
"""

import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from everline.catalog.countries import country_name
from everline.catalog.places.regions import REGIONS
from everline.catalog.types import Text

_FOLDER = Path(__file__).parent
#: Longer searches find nothing that shorter ones do not.
LONGEST_TEXT = 60
#: Fewer letters of an alphabet are in too many names.
_SHORTEST_PART = 3
#: In shorter words one other letter is another word.
_SHORTEST_SLIP = 4
_FIRST_CJK = "\u2e80"
#: Flags are pairs of these letters.
_FLAG_LETTERS = {0x1F1E6 + number: chr(ord("a") + number) for number in range(26)}
#: Traditional characters in the names of places; everything else people type the same way.
_SIMPLER = str.maketrans(
    "國灣韓門羅爾蘭亞麗聯馬來內紐義歐盧島烏薩維愛臺貝賽約納緬華東濟奧達倫紗聖盡諾紋廈魯瑪茲別剛剋黴潑賴喬葉許"
    "剎棟頓兩灘廳長陽紹鄉營員強過環榮寧濱蘇廣無錫龍鳳鎮塢倉滿漢錄壩尋絲麥賓買關頭獅個發響沒岡溫獨單雙邊遠傑",
    "国湾韩门罗尔兰亚丽联马来内纽义欧卢岛乌萨维爱台贝赛约纳缅华东济奥达伦纱圣尽诺纹厦鲁玛兹别刚克霉泼赖乔叶许"
    "刹栋顿两滩厅长阳绍乡营员强过环荣宁滨苏广无锡龙凤镇坞仓满汉录坝寻丝麦宾买关头狮个发响没冈温独单双边远杰",
)


class Kind(StrEnum):
    """What a destination is."""

    COUNTRY = "country"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class Destination:
    """A country by its ISO 3166-1 alpha-2 code or a region by its own; `slug` stands in addresses.

    A plan serves it by covering `needed` of its `countries`. `names`, `initials` and `others` are what it is
    found by, folded: names in both languages and the code, the initials of its pinyin, all the rest.
    """

    kind: Kind
    code: str
    slug: str
    name: Text
    countries: frozenset[str]
    needed: int
    names: tuple[str, ...]
    initials: tuple[str, ...]
    others: tuple[str, ...]

    def served_by(self, countries: frozenset[str]) -> bool:
        """Whether a plan that covers these countries is one for this destination."""
        return len(self.countries & countries) >= self.needed


@cache
def country(code: str) -> Destination:
    """The country as a destination; the code is taken as it is."""
    name = country_name(code)
    return _destination(Kind.COUNTRY, code, _slug(name.en), name, frozenset({code}), 1)


@cache
def regions() -> tuple[Destination, ...]:
    """All regions as destinations, in their order."""
    return tuple(
        _destination(Kind.REGION, each.code, each.code, each.name, each.countries, each.needed)
        for each in REGIONS
    )


@lru_cache(maxsize=8)
def destinations_served(coverages: frozenset[frozenset[str]]) -> tuple[Destination, ...]:
    """What plans with these coverages serve: regions in their order, then countries by their codes."""
    codes = sorted(frozenset[str]().union(*coverages))
    served = (region for region in regions() if any(map(region.served_by, coverages)))
    return (*served, *map(country, codes))


def find_destination(among: Iterable[Destination], slug: str) -> Destination | None:
    """The one that an address names: by its slug, or by its code in any case."""
    wanted = slug.casefold()
    return next((each for each in among if wanted in (each.slug, each.code.casefold())), None)


def search_destinations(
    among: Iterable[Destination], text: str, locale: str, limit: int = 8
) -> list[Destination]:
    """What somebody means who has typed this much, best first; nothing typed means nothing.

    The same name comes before its beginning, that before a part of it, the page's language before the other,
    initials of pinyin last. Case, spaces, hyphens, diacritics and traditional characters make no difference;
    a flag is its country. Where nothing fits, one slip of the finger is forgiven.
    """
    wanted = fold(text[:LONGEST_TEXT])
    if not wanted:
        return []
    known = list(among)
    ranked = ((_rank(each, wanted, locale), number, each) for number, each in enumerate(known))
    found = [(rank, number, each) for rank, number, each in ranked if rank is not None]
    if found:
        return [each for _, _, each in sorted(found, key=lambda match: match[:2])[:limit]]
    return [each for each in known if _slipped(each, wanted)][:limit]


def fold(text: str) -> str:
    """Letters and digits only, small, simplified and without their marks."""
    plain = unicodedata.normalize("NFKD", text.translate(_SIMPLER).translate(_FLAG_LETTERS)).casefold()
    return "".join(character for character in plain if character.isalnum())


def _rank(place: Destination, wanted: str, locale: str) -> tuple[int, int] | None:
    """How well it fits, smaller is better: (way of fitting, length of what was met); None: not at all."""
    own = (fold(place.name.in_locale(locale)),)
    by_letter = (place.names, place.others)
    if wanted in own or wanted in place.names or wanted in place.others:
        return 0, 0
    for way, keys in enumerate((own, *by_letter), start=1):
        if met := [len(key) for key in keys if key.startswith(wanted)]:
            return way, min(met)
    if wanted in place.initials:
        return 4, 0
    if len(wanted) >= _SHORTEST_PART or wanted >= _FIRST_CJK:
        inside = place.names if wanted < _FIRST_CJK else (*place.names, *place.others)
        if met := [len(key) for key in inside if wanted in key]:
            return 5, min(met)
    if met := [len(key) for key in place.initials if len(wanted) > 1 and key.startswith(wanted)]:
        return 6, min(met)
    return None


def _slipped(place: Destination, wanted: str) -> bool:
    """Whether one of its names is meant but for one letter: left out, too many, another, or two swapped."""
    if len(wanted) < _SHORTEST_SLIP or wanted >= _FIRST_CJK:
        return False
    return any(
        len(key) >= _SHORTEST_SLIP and _one_apart(key, wanted)
        for key in (*place.names, *place.others)
        if key < _FIRST_CJK
    )


def _one_apart(one: str, other: str) -> bool:
    """Two different words; all that comes before and after the first difference is the same."""
    short, long = sorted((one, other), key=len)
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) > len(short):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or short[at + 1 :] == long[at + 1 :]


def _destination(
    kind: Kind, code: str, slug: str, name: Text, countries: frozenset[str], needed: int
) -> Destination:
    syllables = str(_table("pinyin").get(code, "")).split()
    aliases: list[str] = _table("aliases").get(code, [])
    names = [name.en, name.zh] if kind is Kind.REGION else [name.en, name.zh, code]
    return Destination(
        kind,
        code,
        slug,
        name,
        countries,
        needed,
        names=_folded(names),
        initials=_folded(["".join(each[0] for each in syllables)]),
        others=_folded(["".join(syllables), *aliases]),
    )


def _folded(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in map(fold, names) if key))


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    words = "".join(character if character.isalnum() else " " for character in plain).split()
    return "-".join(words)


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
