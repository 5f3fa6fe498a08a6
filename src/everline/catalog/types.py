"""What the catalogue hands out: plain frozen values, no rows.

Units: data in bytes (1 GB = 10^9), voice in seconds, messages as a count, throttles in kbit/s, tax rates in
basis points (1 % = 100). ``None`` as an allowance means unlimited under the stated fair-use rule.
"""

from dataclasses import dataclass
from enum import StrEnum

from everline.catalog.terms import Term
from everline.core.money import Money


class RenewalPolicy(StrEnum):
    """When the period of an order starts."""

    EXTEND = "extend"
    QUEUE_DEPLETED = "queue_depleted"
    START_NOW = "start_now"


class StartPolicy(StrEnum):
    """Whether a period is dated when it is bought or when it is first used."""

    ON_PURCHASE = "on_purchase"
    ON_FIRST_USE = "on_first_use"


class Overage(StrEnum):
    """What happens when an allowance is used up."""

    BLOCK = "block"
    THROTTLE = "throttle"
    WALLET = "wallet"


class FairUsePer(StrEnum):
    """The stretch over which fair use is counted."""

    DAY = "day"
    MONTH = "month"
    PERIOD = "period"


class BenefitKind(StrEnum):
    """What a plan gives beside its allowances."""

    CALL_DISCOUNT = "call_discount"
    WIFI_HOTSPOTS = "wifi_hotspots"


class PeriodKind(StrEnum):
    """Whether the period of a plan carries the line's validity or runs beside it."""

    BASE = "base"
    ADDON = "addon"


@dataclass(frozen=True, slots=True)
class Text:
    """One wording in both languages."""

    en: str
    zh: str

    def in_locale(self, locale: str) -> str:
        """The wording for `zh-hans` (and any other Chinese), else the English one."""
        return self.zh if locale.lower().startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class FairUse:
    """Full speed up to `after_bytes` per day, month or period, then `throttle_kbps`."""

    after_bytes: int
    per: str
    throttle_kbps: int
    hotspot: Text


@dataclass(frozen=True, slots=True)
class BenefitView:
    """`percent` and `destination_group` are those of a call discount, else None."""

    kind: str
    percent: int | None
    destination_group: str | None
    text: Text


@dataclass(frozen=True, slots=True)
class OperatorView:
    """A local network: PLMN is MCC + MNC as printed (23410), radio like "4G/5G"."""

    plmn: str
    name: str
    radio: str


@dataclass(frozen=True, slots=True)
class CountryCoverage:
    """The networks a plan uses in one country."""

    country: str
    name: Text
    operators: tuple[OperatorView, ...]


@dataclass(frozen=True, slots=True)
class PriceView:
    """What `quantity` of a version costs: `total` is to be paid, `tax` is the part of it that is tax.

    `listed` is the price on the card, for one; it holds the tax where `tax_included`.
    """

    listed: Money
    total: Money
    tax: Money
    tax_included: bool
    tax_bp: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Why this plan suits the line it was asked for."""

    reason: Text


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as its current version offers it, priced in one currency."""

    id: str
    slug: str
    version: int
    version_id: int
    name: Text
    summary: Text
    hotspot: Text
    term: Term
    calendar_day: bool
    price: PriceView
    data_bytes: int | None
    voice_seconds: int | None
    sms_count: int | None
    fair_use: FairUse | None
    refill: str
    renewal_policy: str
    start_policy: str
    activation_deadline_days: int | None
    max_stacked_days: int
    overage: str
    kind: PeriodKind
    benefits: tuple[BenefitView, ...]
    coverage: tuple[CountryCoverage, ...]
    recommendation: Recommendation | None = None

    @property
    def term_unit(self) -> str:
        """`day`, `month` or `year`; named as on a version, so that schedules take either."""
        return self.term.unit

    @property
    def term_count(self) -> int:
        """How many of the unit."""
        return self.term.count


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A part of the list; `next_cursor` is None on the last one."""

    plans: tuple[PlanView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DemoLoad:
    """How many plans the demo catalogue holds and how many of them got a new version."""

    plans: int
    published: int
