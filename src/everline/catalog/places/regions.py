"""Regions that plans are sold for. A plan serves a region where it covers most of its countries."""

from dataclasses import dataclass

from everline.catalog.types import Text


@dataclass(frozen=True, slots=True)
class Region:
    """A named set of countries (ISO 3166-1 alpha-2), and how many of them a plan for the region covers."""

    code: str
    name: Text
    countries: frozenset[str]
    needed: int


def _region(code: str, en: str, zh: str, countries: str, needed: int = 0) -> Region:
    members = frozenset(countries.split())
    # Three quarters, rounded up: a regional plan without one small country is still one for the region.
    return Region(code, Text(en, zh), members, needed or -(-3 * len(members) // 4))


_GREATER_CHINA = "CN HK MO TW"
_SOUTHEAST_ASIA = "SG MY TH VN ID PH KH LA"
_ASIA_PACIFIC = f"{_GREATER_CHINA} JP KR {_SOUTHEAST_ASIA} IN LK AU NZ"
_NORDICS = "SE NO DK FI IS"
_BALKANS = "RS ME AL MK BA HR SI BG RO GR"
_EUROPE = (
    f"GB IE FR BE NL LU DE AT CH LI ES PT IT MT CY TR {_NORDICS} EE LV LT PL CZ SK HU {_BALKANS}"
)  # fmt: skip
_LATIN_AMERICA = "MX BR AR CL CO PE EC UY CR PA DO GT"
_GULF = "AE SA QA KW BH OM"
_EAST_AFRICA = "KE TZ UG"
_AFRICA = f"EG MA TN ZA {_EAST_AFRICA} GH MU"

#: In the order in which people are shown them: the widest first, then by part of the world.
REGIONS: tuple[Region, ...] = (
    _region(
        "global", "Global", "全球",
        f"{_ASIA_PACIFIC} KZ UZ MN NP FJ {_EUROPE} US CA {_LATIN_AMERICA} {_GULF} JO {_AFRICA}", 50,
    ),
    _region("asia-pacific", "Asia-Pacific", "亚太", _ASIA_PACIFIC),
    _region("europe", "Europe", "欧洲", _EUROPE),
    _region("north-america", "North America", "北美", "US CA MX"),
    _region("greater-china", "Greater China", "大中华区", _GREATER_CHINA, 4),
    _region("southeast-asia", "Southeast Asia", "东南亚", _SOUTHEAST_ASIA),
    _region("south-asia", "South Asia", "南亚", "IN LK NP", 3),
    _region("central-asia", "Central Asia", "中亚", "KZ UZ MN", 3),
    _region("oceania", "Oceania", "大洋洲", "AU NZ FJ", 3),
    _region("nordics", "Nordics", "北欧", _NORDICS),
    _region("balkans", "Balkans", "巴尔干", _BALKANS),
    _region("latin-america", "Latin America", "拉丁美洲", _LATIN_AMERICA),
    _region("middle-east", "Middle East", "中东", f"{_GULF} JO EG TR"),
    _region("gulf", "Gulf states", "海湾国家", _GULF),
    _region("africa", "Africa", "非洲", _AFRICA),
    _region("east-africa", "East Africa", "东非", _EAST_AFRICA, 3),
)  # fmt: skip
