"""All plans on sale at once, without their words: to filter, order, compare and search among."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from everline.catalog.errors import CurrencyNotPriced
from everline.catalog.models import Price
from everline.catalog.selectors.plans import countries_by_version, offers_in, price_view
from everline.catalog.shelf import PlanBrief
from everline.core.money import exponent


def briefs_on_sale(*, currency: str, now: datetime) -> tuple[PlanBrief, ...]:
    """Every plan on sale with a price in `currency`, in no order that means anything; at most two statements.

    Raises:
        UnknownCurrency, CurrencyNotPriced: by their names.
    """
    exponent(currency)
    offers = list(offers_in(currency, now))
    if not offers and not Price.objects.filter(currency=currency).exists():
        raise CurrencyNotPriced
    covered = _coverage(tuple(sorted(offer.version_id for offer in offers)))
    return tuple(_brief(offer, covered[offer.version_id]) for offer in offers)


@lru_cache(maxsize=8)
def _coverage(version_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Coverage is frozen with its version and a version's key is never used again: it may be kept."""
    return countries_by_version(version_ids)


def _brief(offer: Price, countries: frozenset[str]) -> PlanBrief:
    version = offer.version
    return PlanBrief(
        plan_id=version.plan_id,
        version_id=version.pk,
        term=version.term,
        calendar_day=version.calendar_day,
        refill=version.refill,
        renewal_policy=version.renewal_policy,
        start_policy=version.start_policy,
        activation_deadline_days=version.activation_deadline_days,
        max_stacked_days=version.max_stacked_days,
        data_bytes=version.data_bytes,
        voice_seconds=version.voice_seconds,
        sms_count=version.sms_count,
        kind=version.kind,
        total=price_view(offer, 1).total,
        countries=countries,
    )
