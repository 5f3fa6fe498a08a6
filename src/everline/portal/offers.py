"""Plans as a customer can choose them: filtered, ordered, and each with the expiry it would give."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.http import QueryDict

from everline.accounts.types import DEFAULT_TIMEZONE
from everline.catalog import selectors as catalog
from everline.catalog import shelf
from everline.catalog.countries import is_country
from everline.catalog.errors import CurrencyNotPriced
from everline.catalog.places.destinations import Destination, destinations_served
from everline.catalog.shelf import PlanBrief
from everline.catalog.terms import TermUnit
from everline.catalog.types import PlanView
from everline.core import ids
from everline.core.money import Money
from everline.orders.advice import takeable
from everline.orders.purchase import planned_if_taken
from everline.usage import selectors as usage
from everline.usage.schedule import Schedule

if TYPE_CHECKING:
    from everline.accounts.models import Brand, Customer
    from everline.lines.models import Line

#: Volumes to choose from, in gigabytes.
VOLUMES: Final = (1, 3, 5, 10, 20, 50)
PAGE: Final = 12
#: Plans that fit side by side.
MOST_COMPARED: Final = 4
_PAGE_DIGITS = 3
#: Orders that an address names; the first one counts where it names none.
_SORTS = frozenset(shelf.Order) - {shelf.Order.TERM}


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody looks for; what makes no sense is as if it had not been asked. Pages count from 1."""

    term: str = ""
    country: str = ""
    volume: int = 0
    sort: str = ""
    page: int = 1
    compare: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: QueryDict, *, term: str = "") -> "Filters":
        """From the page's address; `term` is what counts where the address names none."""
        wanted, country = query.get("term", term), query.get("country", "").upper()
        volume, sort, page = query.get("volume", ""), query.get("sort", ""), query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) <= _PAGE_DIGITS else 1
        chosen = dict.fromkeys(each for each in query.getlist("compare") if ids.is_id("pln", each))
        return cls(
            term=wanted if wanted in set(TermUnit) else "",
            country=country if is_country(country) else "",
            volume=int(volume) if volume in {str(each) for each in VOLUMES} else 0,
            sort=sort if sort in set(shelf.Order) else "",
            page=max(1, number),
            compare=tuple(chosen)[:MOST_COMPARED],
        )

    @property
    def active(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.term or self.country or self.volume)

    def query(self, **changes: str) -> str:
        """These filters as part of an address, some of them changed; the first page unless said otherwise.

        The order that counts without being asked for is not named: one list has one address.
        """
        values = {
            "term": self.term,
            "country": self.country,
            "volume": str(self.volume or ""),
            "sort": self.sort,
            **changes,
        }
        if values["sort"] not in _SORTS:
            del values["sort"]
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in values.items() if value})
        query.setlist("compare", list(self.compare))
        return query.urlencode()

    def narrow(self, plans: Sequence[PlanBrief]) -> list[PlanBrief]:
        """The plans that fit, in the order asked for."""
        fitting = shelf.fitting(plans, term=self.term, min_data=self.volume * shelf.GB, country=self.country)
        return shelf.ordered(fitting, self.sort)


@dataclass(frozen=True, slots=True)
class Stock:
    """Every plan on sale, priced in one currency, and the places they serve."""

    currency: str
    plans: tuple[PlanBrief, ...]

    @property
    def places(self) -> tuple[Destination, ...]:
        """Regions in their order, then countries by code."""
        return destinations_served(frozenset(plan.countries for plan in self.plans))

    @property
    def countries(self) -> frozenset[str]:
        """The codes in which some plan works."""
        return frozenset[str]().union(*(plan.countries for plan in self.plans))

    def of_place(self, place: Destination) -> list[PlanBrief]:
        """The plans that serve a place."""
        return [plan for plan in self.plans if place.served_by(plan.countries)]


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan, its price by measure, and until when the line would work with it (None while that is open)."""

    plan: PlanView
    per_day: Money
    per_gigabyte: Money | None
    ends_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """One page of a list of `total` plans; `also` is a plan asked for beside it."""

    offers: Sequence[Offer]
    total: int = 0
    page: int = 1
    pages: int = 1
    also: Offer | None = None


def stock_for(brand: "Brand", customer: "Customer | None", now: datetime) -> Stock:
    """All plans in the customer's currency, or the brand's where the catalogue has none in it."""
    currency = customer.currency if customer is not None else brand.default_currency
    try:
        return Stock(currency, catalog.briefs_on_sale(currency=currency, now=now))
    except CurrencyNotPriced:
        return _in_currency(brand.default_currency, now)


def _in_currency(currency: str, now: datetime) -> Stock:
    """An empty one where nothing is for sale at all."""
    try:
        return Stock(currency, catalog.briefs_on_sale(currency=currency, now=now))
    except CurrencyNotPriced:
        return Stock(currency, ())


def page_of(
    stock: Stock,
    plans: Sequence[PlanBrief],
    filters: Filters,
    *,
    schedule: Schedule | None = None,
    now: datetime,
    limit: int = PAGE,
    also: str = "",
) -> Offers:
    """A page of these plans as filtered; with a line's schedule, what the line can take; three statements.

    `also` is the id of one more plan, wherever the filters leave it.
    """
    beside = [plan for plan in plans if plan.plan_id == also]
    if schedule is not None:
        plans = takeable(plans, schedule, now)
    wanted = filters.narrow(plans)
    pages = max(1, -(-len(wanted) // limit))
    page = min(filters.page, pages)
    shown = wanted[(page - 1) * limit : page * limit]
    more = [plan for plan in beside if plan not in shown]
    offers = offers_of(stock, [*shown, *more], schedule, now)
    known = {offer.plan.id: offer for offer in offers}
    return Offers(offers[: len(shown)], len(wanted), page, pages, known.get(also))


def offers_of(
    stock: Stock, plans: Sequence[PlanBrief], schedule: Schedule | None, now: datetime
) -> list[Offer]:
    """These plans in full, in their order; three statements, none for none."""
    if not plans:
        return []
    views = catalog.plan_views(version_ids=[plan.version_id for plan in plans], currency=stock.currency)
    return [offer_of(view, schedule, now) for view in views]


def offer_of(view: PlanView, schedule: Schedule | None, now: datetime) -> Offer:
    """One plan with its figures; no statement."""
    total = view.price.total
    gigabyte = shelf.per_gigabyte(view, total)
    planned = None if schedule is None else planned_if_taken(schedule, view, now)
    return Offer(
        plan=view,
        per_day=shelf.rounded(shelf.per_day(view, total), total.currency),
        per_gigabyte=None if gigabyte is None else shelf.rounded(gigabyte, total.currency),
        ends_at=planned[-1].ends_at if planned else None,
    )


def with_reason(offers: Sequence[Offer], plan_id: str, reason: str) -> list[Offer]:
    """The same, the recommended one marked."""
    return [replace(each, reason=reason) if each.plan.id == plan_id else each for each in offers]


def schedule_for(customer: "Customer", line: "Line | None", now: datetime) -> Schedule:
    """The queue that the next order goes to; a new line's is empty. At most one statement."""
    if line is None:
        return Schedule(line_id=None, zone=ZoneInfo(customer.timezone or DEFAULT_TIMEZONE))
    return usage.schedules([line.id], now)[line.id]
