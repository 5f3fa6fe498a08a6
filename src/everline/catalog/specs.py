"""What a plan version is made of, before it is a row: the input of publishing, checked and fingerprinted."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from everline.catalog.countries import is_country
from everline.catalog.errors import InvalidPlan
from everline.catalog.terms import Refill, Term, TermUnit, months_of
from everline.catalog.types import BenefitKind, FairUsePer, Overage, RenewalPolicy, StartPolicy, Text
from everline.core.money import BASIS_POINTS, CURRENCIES, MAX_AMOUNT

DEFAULT_MAX_STACKED_DAYS = 731
LONGEST_TERM_DAYS = 731
_MOST_DAYS_PER_MONTH = 31
_LONGEST_NAME = 80
_LONGEST_TEXT = 300
_FULL = 100


@dataclass(frozen=True, slots=True)
class PriceSpec:
    """Minor units of one currency; `tax_bp` is the rate, within the amount where `tax_included`."""

    currency: str
    amount: int
    tax_included: bool = True
    tax_bp: int = 0


@dataclass(frozen=True, slots=True)
class FairUseSpec:
    """Full speed up to `after_bytes` per day, month or period, then `throttle_kbps`."""

    after_bytes: int
    per: str
    throttle_kbps: int


@dataclass(frozen=True, slots=True)
class BenefitSpec:
    """`percent` and `destination_group` belong to call discounts only."""

    kind: str
    text: Text
    percent: int | None = None
    destination_group: str | None = None


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """Everything a customer buys with a version. `networks` are (country, plmn) of known operators."""

    name: Text
    summary: Text
    hotspot: Text
    term: Term
    data_bytes: int | None
    voice_seconds: int | None
    sms_count: int | None
    supplier_code: str
    prices: tuple[PriceSpec, ...]
    networks: tuple[tuple[str, str], ...]
    benefits: tuple[BenefitSpec, ...] = ()
    fair_use: FairUseSpec | None = None
    calendar_day: bool = False
    refill: str = Refill.NONE
    renewal_policy: str = RenewalPolicy.EXTEND
    start_policy: str = StartPolicy.ON_PURCHASE
    activation_deadline_days: int | None = None
    max_stacked_days: int = DEFAULT_MAX_STACKED_DAYS
    overage: str = Overage.BLOCK

    def digest(self) -> str:
        """The same for the same content, whatever the order of prices and networks."""
        content = asdict(self) | {
            "prices": sorted(map(asdict, self.prices), key=lambda price: price["currency"]),
            "networks": sorted(self.networks),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_spec(spec: VersionSpec) -> None:
    """Refuse content that contradicts itself.

    Raises:
        InvalidPlan: with every problem found, not only the first.
    """
    if problems := list(_problems(spec)):
        raise InvalidPlan(problems="; ".join(problems))


def _problems(spec: VersionSpec) -> Iterator[str]:
    yield from _wording(spec)
    yield from _timing(spec)
    yield from _allowances(spec)
    yield from _prices(spec)
    for benefit in spec.benefits:
        yield from _benefit(benefit)
    if not spec.networks:
        yield "no coverage"
    if len(set(spec.networks)) != len(spec.networks):
        yield "a network is named twice"
    yield from (
        f"{country} is no country"
        for country in sorted({c for c, _ in spec.networks})
        if not is_country(country)
    )


def _wording(spec: VersionSpec) -> Iterator[str]:
    for label, text, longest in (
        ("name", spec.name, _LONGEST_NAME),
        ("summary", spec.summary, _LONGEST_TEXT),
        ("hotspot rule", spec.hotspot, _LONGEST_TEXT),
    ):
        for language, words in (("English", text.en), ("Chinese", text.zh)):
            if not words.strip():
                yield f"the {language} {label} is missing"
            elif len(words) > longest:
                yield f"the {language} {label} is longer than {longest} characters"


def _timing(spec: VersionSpec) -> Iterator[str]:
    yield from _choice("refill", spec.refill, Refill)
    yield from _choice("renewal policy", spec.renewal_policy, RenewalPolicy)
    yield from _choice("start policy", spec.start_policy, StartPolicy)
    yield from _choice("overage", spec.overage, Overage)
    days = months_of(spec.term) * _MOST_DAYS_PER_MONTH or spec.term.count
    if days > LONGEST_TERM_DAYS + _MOST_DAYS_PER_MONTH:
        yield f"a term of {spec.term.count} {spec.term.unit} is longer than two years"
    if spec.calendar_day and spec.term.unit != TermUnit.DAY:
        yield "only a day term ends at midnight"
    if spec.max_stacked_days < 1:
        yield "the stack limit is less than a day"
    on_first_use = spec.start_policy == StartPolicy.ON_FIRST_USE
    if on_first_use != (spec.activation_deadline_days is not None):
        yield "an activation deadline belongs to plans that start on first use, and to all of them"
    if on_first_use and spec.renewal_policy == RenewalPolicy.START_NOW:
        yield "a plan that starts now cannot wait for its first use"
    if spec.activation_deadline_days is not None and spec.activation_deadline_days < 1:
        yield "the activation deadline is less than a day"


def _allowances(spec: VersionSpec) -> Iterator[str]:
    amounts = {"data": spec.data_bytes, "voice": spec.voice_seconds, "SMS": spec.sms_count}
    yield from (f"negative {name}" for name, amount in amounts.items() if amount is not None and amount < 0)
    yield from (
        f"too much {name}" for name, amount in amounts.items() if amount is not None and amount > MAX_AMOUNT
    )
    if not any(amount is None or amount > 0 for amount in amounts.values()):
        yield "nothing is included"
    if None in amounts.values() and spec.fair_use is None:
        yield "unlimited needs a stated fair-use rule"
    if (spec.overage == Overage.THROTTLE) != (spec.fair_use is not None):
        yield "throttling and a fair-use rule go together"
    if spec.fair_use is not None:
        yield from _choice("fair use per", spec.fair_use.per, FairUsePer)
        if spec.fair_use.after_bytes < 1 or spec.fair_use.throttle_kbps < 1:
            yield "a fair-use rule states a volume and a speed"


def _prices(spec: VersionSpec) -> Iterator[str]:
    if not spec.prices:
        yield "no price"
    currencies = [price.currency for price in spec.prices]
    if len(set(currencies)) != len(currencies):
        yield "a currency is priced twice"
    for price in spec.prices:
        if price.currency not in CURRENCIES:
            yield f"{price.currency} is no currency"
        if not 0 < price.amount <= MAX_AMOUNT:
            yield f"the price in {price.currency} is not above zero"
        if not 0 <= price.tax_bp < BASIS_POINTS:
            yield f"the tax rate in {price.currency} is out of range"


def _benefit(benefit: BenefitSpec) -> Iterator[str]:
    yield from _choice("benefit", benefit.kind, BenefitKind)
    if not benefit.text.en.strip() or not benefit.text.zh.strip():
        yield f"the text of {benefit.kind} is missing in a language"
    if benefit.kind == BenefitKind.CALL_DISCOUNT:
        if benefit.percent is None or not 0 < benefit.percent <= _FULL:
            yield "a call discount is 1 to 100 per cent"
        if not benefit.destination_group:
            yield "a call discount names its destinations"
    elif benefit.percent is not None or benefit.destination_group is not None:
        yield f"{benefit.kind} has no percentage and no destinations"


def _choice(label: str, value: str, choices: type[StrEnum]) -> Iterator[str]:
    if value not in set(choices):
        yield f"{label} {value!r} is none of {', '.join(choices)}"
