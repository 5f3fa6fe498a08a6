from typing_extensions import TypedDict

from everline.api.answers import Cursor, Id, Money, money
from everline.catalog.types import BenefitView, CountryCoverage, FairUse, PlanView


class Term(TypedDict):
    """How long one period is."""

    unit: str
    count: int


class Allowances(TypedDict):
    """What a period holds; null is unlimited under the fair-use rule, 0 is none."""

    data_bytes: int | None
    voice_seconds: int | None
    sms_count: int | None


class FairUseRule(TypedDict):
    """Full speed up to `after_bytes` per day, month or period, then `throttle_kbps`."""

    after_bytes: int
    per: str
    throttle_kbps: int
    hotspot: str


class Benefit(TypedDict):
    """What comes with the plan; `percent` and `destination_group` are those of a call discount."""

    kind: str
    percent: int | None
    destination_group: str | None
    text: str


class Operator(TypedDict):
    """A local network: PLMN is MCC and MNC as printed."""

    plmn: str
    name: str
    radio: str


class Coverage(TypedDict):
    """The networks in one country (ISO 3166-1 alpha-2)."""

    country: str
    name: str
    operators: list[Operator]


class Recommendation(TypedDict):
    """Why this plan suits the line that was asked for."""

    reason: str


class Plan(TypedDict):
    """A plan as its current version offers it, priced for one period in one currency."""

    id: Id
    version: int
    name: str
    summary: str
    kind: str
    term: Term
    calendar_day: bool
    price: Money
    tax_included: bool
    allowances: Allowances
    fair_use: FairUseRule | None
    hotspot: str
    refill: str
    renewal_policy: str
    start_policy: str
    activation_deadline_days: int | None
    max_stacked_days: int
    overage: str
    benefits: list[Benefit]
    coverage: list[Coverage]
    recommendation: Recommendation | None


class PlanList(TypedDict):
    """A page of plans, by term, then price."""

    data: list[Plan]
    next_cursor: Cursor


def plan_shape(plan: PlanView, locale: str, reason: str | None = None) -> Plan:
    """A plan in one language."""
    return {
        "id": plan.id,
        "version": plan.version,
        "name": plan.name.in_locale(locale),
        "summary": plan.summary.in_locale(locale),
        "kind": plan.kind,
        "term": {"unit": plan.term.unit, "count": plan.term.count},
        "calendar_day": plan.calendar_day,
        "price": money(plan.price.listed),
        "tax_included": plan.price.tax_included,
        "allowances": {
            "data_bytes": plan.data_bytes,
            "voice_seconds": plan.voice_seconds,
            "sms_count": plan.sms_count,
        },
        "fair_use": None if plan.fair_use is None else _fair_use(plan.fair_use, locale),
        "hotspot": plan.hotspot.in_locale(locale),
        "refill": plan.refill,
        "renewal_policy": plan.renewal_policy,
        "start_policy": plan.start_policy,
        "activation_deadline_days": plan.activation_deadline_days,
        "max_stacked_days": plan.max_stacked_days,
        "overage": plan.overage,
        "benefits": [_benefit(each, locale) for each in plan.benefits],
        "coverage": [_coverage(each, locale) for each in plan.coverage],
        "recommendation": None if reason is None else {"reason": reason},
    }


def _fair_use(rule: FairUse, locale: str) -> FairUseRule:
    return {
        "after_bytes": rule.after_bytes,
        "per": rule.per,
        "throttle_kbps": rule.throttle_kbps,
        "hotspot": rule.hotspot.in_locale(locale),
    }


def _benefit(benefit: BenefitView, locale: str) -> Benefit:
    return {
        "kind": benefit.kind,
        "percent": benefit.percent,
        "destination_group": benefit.destination_group,
        "text": benefit.text.in_locale(locale),
    }


def _coverage(coverage: CountryCoverage, locale: str) -> Coverage:
    return {
        "country": coverage.country,
        "name": coverage.name.in_locale(locale),
        "operators": [
            {"plmn": each.plmn, "name": each.name, "radio": each.radio} for each in coverage.operators
        ],
    }
