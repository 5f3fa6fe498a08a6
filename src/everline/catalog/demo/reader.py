"""Reads and checks the data files of the demo catalogue; touches no database."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from everline.catalog.errors import InvalidPlan
from everline.catalog.specs import BenefitSpec, FairUseSpec, PriceSpec, VersionSpec, check_spec
from everline.catalog.terms import Refill, Term
from everline.catalog.types import OperatorView, Overage, RenewalPolicy, StartPolicy, Text
from everline.core.errors import DomainError
from everline.core.money import exponent

DATA = Path(__file__).parent
UNLIMITED = "unlimited"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_UNITS = {"GB": 10**9, "MB": 10**6, "min": 60}
_KNOWN = frozenset(
    [
        "slug", "term", "data", "voice", "sms", "coverage", "name_en", "name_zh", "summary_en", "summary_zh",
        "price", "benefits", "fair_use", "hotspot", "refill", "calendar_day", "renewal", "start",
        "activation_days",
    ]
)  # fmt: skip


class DemoDataError(ValueError):
    """A data file says something that cannot be; the text names the file, the entry and the reason."""


@dataclass(frozen=True, slots=True)
class DemoCatalogue:
    """Checked content: (country, operator) pairs, and a version to publish for each slug."""

    operators: tuple[tuple[str, OperatorView], ...]
    plans: Mapping[str, VersionSpec]


def read_catalogue(folder: Path = DATA) -> DemoCatalogue:
    """The catalogue in these files.

    Raises:
        DemoDataError: a file is no TOML, or an entry is wrong; the first problem found, with its place.
    """
    operators = _operators(folder / "operators.toml")
    zones = _load(folder / "zones.toml")
    rules = _load(folder / "rules.toml")
    plans: dict[str, VersionSpec] = {}
    for path in sorted((folder / "plans").glob("*.toml")):
        for entry in _load(path).get("plan", []):
            slug = entry.get("slug")
            place = f"{path.name}: {slug or 'a plan without a slug'}"
            if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
                raise DemoDataError(f"{place}: a slug is small letters and digits, joined by hyphens")
            if slug in plans:
                raise DemoDataError(f"{place}: the slug is used twice")
            plans[slug] = _plan(place, entry, operators, zones, rules)
    networks = ((country, operator) for country, known in operators.items() for operator in known)
    return DemoCatalogue(tuple(networks), plans)


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DemoDataError(f"{path.name}: the file is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DemoDataError(f"{path.name}: {error}") from None


def _operators(path: Path) -> dict[str, list[OperatorView]]:
    found: dict[str, list[OperatorView]] = {}
    for country, rows in _load(path).items():
        found[country] = []
        for row in rows:
            if len(row) != 3 or not all(isinstance(part, str) and part for part in row):  # noqa: PLR2004
                raise DemoDataError(f"{path.name}: {country}: {row} is not [plmn, name, radio]")
            if not re.fullmatch(r"[0-9]{5,6}", row[0]):
                raise DemoDataError(f"{path.name}: {country}: {row[0]} is no PLMN")
            found[country].append(OperatorView(*row))
    return found


def _plan(
    place: str,
    entry: Mapping[str, Any],
    operators: Mapping[str, Sequence[OperatorView]],
    zones: Mapping[str, Sequence[str]],
    rules: Mapping[str, Any],
) -> VersionSpec:
    if unknown := sorted(entry.keys() - _KNOWN):
        raise DemoDataError(f"{place}: unknown keys {', '.join(unknown)}")
    try:
        spec = _spec(entry, operators, zones, rules)
        check_spec(spec)
    except KeyError as error:
        raise DemoDataError(f"{place}: {error.args[0]!r} is missing or unknown") from None
    except InvalidPlan as error:
        raise DemoDataError(f"{place}: {error.extra['problems']}") from None
    except (DomainError, ValueError, TypeError, AttributeError) as error:
        raise DemoDataError(f"{place}: {error}") from None
    return spec


def _spec(
    entry: Mapping[str, Any],
    operators: Mapping[str, Sequence[OperatorView]],
    zones: Mapping[str, Sequence[str]],
    rules: Mapping[str, Any],
) -> VersionSpec:
    count, unit = entry["term"].split()
    rule = entry.get("fair_use")
    hotspot = rules["hotspot"][entry.get("hotspot", "shared")]
    countries = dict.fromkeys(_expand(entry["coverage"], zones))
    return VersionSpec(
        name=Text(entry["name_en"], entry["name_zh"]),
        summary=Text(entry["summary_en"], entry["summary_zh"]),
        hotspot=Text(hotspot["en"], hotspot["zh"]),
        term=Term(unit, int(count)),
        data_bytes=None if entry["data"] == UNLIMITED else _quantity(entry["data"]),
        voice_seconds=_quantity(entry.get("voice", "0 min")),
        sms_count=int(entry.get("sms", 0)),
        supplier_code=f"EVL-{entry['slug']}".upper(),
        prices=tuple(_price(currency, text, rules["tax"]) for currency, text in entry["price"].items()),
        networks=tuple((country, operator.plmn) for country in countries for operator in operators[country]),
        benefits=tuple(_benefit(rules["benefit"][key]) for key in entry.get("benefits", ())),
        fair_use=None if rule is None else FairUseSpec(_quantity(rule["after"]), rule["per"], rule["kbps"]),
        calendar_day=entry.get("calendar_day", False),
        refill=entry.get("refill", Refill.NONE.value),
        renewal_policy=entry.get("renewal", RenewalPolicy.EXTEND.value),
        start_policy=entry.get("start", StartPolicy.ON_PURCHASE.value),
        activation_deadline_days=entry.get("activation_days"),
        overage=(Overage.BLOCK if rule is None else Overage.THROTTLE).value,
    )


def _expand(names: Sequence[str], zones: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Country codes; `@zone` stands for a set of countries or zones."""
    for name in names:
        if name.startswith("@"):
            yield from _expand(zones[name[1:]], zones)
        else:
            yield name


def _quantity(text: str) -> int:
    """Bytes (by powers of ten) of "5 GB" or "500 MB", seconds of "30 min"."""
    number, unit = text.split()
    return int(number) * _UNITS[unit]


def _price(currency: str, text: object, tax: Mapping[str, int]) -> PriceSpec:
    """A list price as text with its digits, "19.90", in minor units; a number would have been a float."""
    try:
        minor = Decimal(text).scaleb(exponent(currency)) if isinstance(text, str) else None
    except InvalidOperation:
        minor = None
    if minor is None:
        raise ValueError(f"{text!r} is no price")
    if minor != minor.to_integral_value():
        raise ValueError(f"{text} has more digits than {currency}")
    return PriceSpec(currency, int(minor), tax_included=True, tax_bp=tax[currency])


def _benefit(rule: Mapping[str, Any]) -> BenefitSpec:
    text = Text(rule["en"], rule["zh"])
    return BenefitSpec(rule["kind"], text, rule.get("percent"), rule.get("destination_group"))
