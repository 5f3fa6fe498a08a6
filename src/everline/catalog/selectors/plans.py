"""Plans as lists and pages show them. A list is ordered by term unit (day, month, year), count, price, id."""

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When

from everline.catalog.countries import country_name, is_country
from everline.catalog.errors import (
    CurrencyNotPriced,
    InvalidCursor,
    PlanWithdrawn,
    UnknownCountry,
    UnknownTerm,
)
from everline.catalog.models import Benefit, Coverage, PlanVersion, Price
from everline.catalog.terms import TermUnit
from everline.catalog.types import (
    BenefitView,
    CountryCoverage,
    FairUse,
    OperatorView,
    PlanPage,
    PlanView,
    PriceView,
    Text,
)
from everline.core import ids
from everline.core.errors import NotFound
from everline.core.money import Money, exponent

_RANK = Case(
    *(When(version__term_unit=unit, then=rank) for rank, unit in enumerate(TermUnit)),
    output_field=IntegerField(),
)
_MAX_LIMIT = 100


def list_plans(
    *,
    currency: str,
    now: datetime,
    term: str | None = None,
    country: str | None = None,
    min_data: int | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> PlanPage:
    """A page of the plans on sale that have a price in `currency`; at most four statements.

    `min_data` is in bytes and unlimited plans meet any; `limit` is held between 1 and 100.

    Raises:
        UnknownCurrency, CurrencyNotPriced, UnknownTerm, UnknownCountry, InvalidCursor: by their names.
    """
    exponent(currency)
    limit = max(1, min(limit, _MAX_LIMIT))
    offers = offers_in(currency, now).annotate(rank=_RANK).filter(_wanted(term, country, min_data))
    if cursor is not None:
        offers = offers.filter(_after(cursor))
    found = list(offers.order_by("rank", "version__term_count", "amount", "version__plan_id")[: limit + 1])
    if not found and not Price.objects.filter(currency=currency).exists():
        raise CurrencyNotPriced
    page = found[:limit]
    more = len(found) > limit
    return PlanPage(tuple(_views(page)), _cursor(page[-1]) if more else None)


def get_plan_view(*, plan_id: str, currency: str, now: datetime) -> PlanView:
    """One plan on sale, priced in `currency`; three statements.

    Raises:
        NotFound, PlanWithdrawn, UnknownCurrency, CurrencyNotPriced: by their names.
    """
    [view] = _views([_offer(plan_id, currency, now)])
    return view


def plan_views(*, version_ids: Sequence[int], currency: str) -> list[PlanView]:
    """These versions priced in `currency`, in order, those without a price left out: three statements."""
    offers = Price.objects.filter(version__in=version_ids, currency=currency).select_related("version__plan")
    found = {offer.version_id: offer for offer in offers}
    return _views([found[key] for key in version_ids if key in found])


def current_version(plan_id: str, now: datetime) -> PlanVersion:
    """The version on sale of a plan, its plan loaded with it; one statement.

    Raises:
        NotFound: no such plan, or nothing published under it.
        PlanWithdrawn: the plan is no longer sold.
    """
    plan_id = ids.require("pln", plan_id)
    version = PlanVersion.objects.select_related("plan").filter(current_of=plan_id).first()
    if version is None:
        raise NotFound
    if version.plan.withdrawn_at is not None and version.plan.withdrawn_at <= now:
        raise PlanWithdrawn
    return version


def current_offer(
    plan_id: str, currency: str, now: datetime, quantity: int = 1
) -> tuple[PlanVersion, PriceView]:
    """The version on sale of a plan and what `quantity` of it costs; one statement where both are there.

    Raises:
        NotFound, PlanWithdrawn, UnknownCurrency, CurrencyNotPriced: by their names.
    """
    offer = _offer(plan_id, currency, now)
    return offer.version, price_view(offer, quantity)


def versions_by_ids(version_ids: Collection[int]) -> dict[int, PlanVersion]:
    """These versions, on sale or not, each with its plan; one statement. Unknown keys are left out."""
    return PlanVersion.objects.select_related("plan").in_bulk(set(version_ids))


def price_for(version: PlanVersion, currency: str, quantity: int = 1) -> PriceView:
    """What `quantity` of a version costs; one statement.

    Raises:
        UnknownCurrency, CurrencyNotPriced: by their names.
    """
    exponent(currency)
    price = Price.objects.filter(version=version, currency=currency).first()
    if price is None:
        raise CurrencyNotPriced
    return price_view(price, quantity)


def currencies_on_sale() -> frozenset[str]:
    """The currencies in which the catalogue has prices; one statement."""
    current = Price.objects.filter(version__current_of__isnull=False)
    return frozenset(current.values_list("currency", flat=True).distinct())


def coverage_by_version(version_ids: Collection[int]) -> dict[int, tuple[CountryCoverage, ...]]:
    """The networks of each of these versions, a country at a time by its code; one statement for all."""
    return _coverage(list(version_ids))


def countries_by_version(version_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """The country codes that each of these versions covers; one statement for all of them."""
    rows = (
        Coverage.objects.filter(version_id__in=set(version_ids))
        .values_list("version_id", "operator__country")
        .distinct()
    )
    countries: dict[int, set[str]] = {key: set() for key in version_ids}
    for key, country in rows:
        countries[key].add(country)
    return {key: frozenset(found) for key, found in countries.items()}


def offers_in(currency: str, now: datetime) -> QuerySet[Price]:
    """Prices of the current versions of plans on sale: one row a plan."""
    on_sale = Q(version__plan__withdrawn_at=None) | Q(version__plan__withdrawn_at__gt=now)
    return Price.objects.filter(on_sale, currency=currency, version__current_of__isnull=False).select_related(
        "version__plan"
    )


def _offer(plan_id: str, currency: str, now: datetime) -> Price:
    exponent(currency)
    plan_id = ids.require("pln", plan_id)
    offer = offers_in(currency, now).filter(version__plan_id=plan_id).first()
    if offer is None:
        current_version(plan_id, now)
        raise CurrencyNotPriced
    return offer


def _wanted(term: str | None, country: str | None, min_data: int | None) -> Q:
    wanted = Q()
    if term is not None:
        if term not in set(TermUnit):
            raise UnknownTerm
        wanted &= Q(version__term_unit=term)
    if country is not None:
        if not is_country(country.upper()):
            raise UnknownCountry
        covers = Coverage.objects.filter(version=OuterRef("version_id"), operator__country=country.upper())
        wanted &= Q(Exists(covers))
    if min_data is not None:
        wanted &= Q(version__data_bytes__gte=min_data) | Q(version__data_bytes=None)
    return wanted


def _cursor(last: Any) -> str:
    key = [last.rank, last.version.term_count, last.amount, last.version.plan_id]
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def _after(cursor: str) -> Q:
    """What comes after the row that a cursor names; it needs no longer exist."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        rank, count, amount, plan_id = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError, binascii.Error):
        raise InvalidCursor from None
    numbers = (rank, count, amount)
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers) or not ids.is_id(
        "pln", plan_id
    ):
        raise InvalidCursor
    same_term = Q(rank=rank, version__term_count=count)
    return (
        Q(rank__gt=rank)
        | Q(rank=rank, version__term_count__gt=count)
        | same_term & Q(amount__gt=amount)
        | same_term & Q(amount=amount, version__plan_id__gt=plan_id)
    )


def _views(offers: Sequence[Price]) -> list[PlanView]:
    keys = [offer.version_id for offer in offers]
    benefits = _benefits(keys)
    coverage = _coverage(keys)
    return [_view(offer, benefits[offer.version_id], coverage[offer.version_id]) for offer in offers]


def _view(offer: Price, benefits: tuple[BenefitView, ...], coverage: tuple[CountryCoverage, ...]) -> PlanView:
    version = offer.version
    return PlanView(
        id=version.plan_id,
        slug=version.plan.slug,
        version=version.version,
        version_id=version.pk,
        name=version.name,
        summary=version.summary,
        hotspot=version.hotspot,
        term=version.term,
        calendar_day=version.calendar_day,
        price=price_view(offer, 1),
        data_bytes=version.data_bytes,
        voice_seconds=version.voice_seconds,
        sms_count=version.sms_count,
        fair_use=None if version.fair_use is None else FairUse(**version.fair_use, hotspot=version.hotspot),
        refill=version.refill,
        renewal_policy=version.renewal_policy,
        start_policy=version.start_policy,
        activation_deadline_days=version.activation_deadline_days,
        max_stacked_days=version.max_stacked_days,
        overage=version.overage,
        kind=version.kind,
        benefits=benefits,
        coverage=coverage,
    )


def price_view(price: Price, quantity: int) -> PriceView:
    """What `quantity` costs at this price, and which part of it is tax; no statement."""
    listed = Money(price.amount, price.currency)
    together = listed * quantity
    if price.tax_included:
        total, tax = together, together.included_share(price.tax_bp)
    else:
        tax = together.percent(price.tax_bp)
        total = together + tax
    return PriceView(listed, total, tax, price.tax_included, price.tax_bp)


def _benefits(version_ids: Sequence[int]) -> dict[int, tuple[BenefitView, ...]]:
    found: dict[int, list[BenefitView]] = defaultdict(list)
    for row in Benefit.objects.filter(version_id__in=version_ids).order_by("version_id", "position"):
        text = Text(row.text_en, row.text_zh)
        found[row.version_id].append(BenefitView(row.kind, row.percent, row.destination_group, text))
    return {key: tuple(found[key]) for key in version_ids}


def _coverage(version_ids: Sequence[int]) -> dict[int, tuple[CountryCoverage, ...]]:
    rows = (
        Coverage.objects.filter(version_id__in=version_ids)
        .order_by("version_id", "operator__country", "operator__plmn")
        .values_list("version_id", "operator__country", "operator__plmn", "operator__name", "operator__radio")
    )
    found: dict[int, dict[str, list[OperatorView]]] = defaultdict(lambda: defaultdict(list))
    for key, country, plmn, name, radio in rows:
        found[key][country].append(OperatorView(plmn, name, radio))
    return {
        key: tuple(
            CountryCoverage(country, country_name(country), tuple(operators))
            for country, operators in found[key].items()
        )
        for key in version_ids
    }
