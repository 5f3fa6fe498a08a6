"""Plans as a customer can choose them: filtered, and each with the expiry it would give."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.http import QueryDict

from everline.accounts import selectors as accounts
from everline.accounts.types import DEFAULT_TIMEZONE
from everline.catalog import selectors as catalog
from everline.catalog.countries import is_country
from everline.catalog.errors import CurrencyNotPriced
from everline.catalog.terms import TermUnit
from everline.catalog.types import PlanPage, PlanView
from everline.orders.purchase import planned_if_taken, takes_nothing
from everline.usage import selectors as usage
from everline.usage.schedule import Schedule

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.lines.models import Line

GB = 10**9
#: Volumes to choose from, in gigabytes.
VOLUMES = (1, 3, 5, 10, 20, 50)
PAGE = 24


@dataclass(frozen=True, slots=True)
class Filters:
    """What a visitor looks for; what makes no sense is as if it had not been asked."""

    term: str = ""
    country: str = ""
    volume: int = 0
    cursor: str = ""

    @classmethod
    def of(cls, query: QueryDict, *, term: str = "") -> "Filters":
        """From the page's address; `term` is what counts where the address names none."""
        wanted, country = query.get("term", term), query.get("country", "").upper()
        volume = query.get("volume", "")
        return cls(
            term=wanted if wanted in set(TermUnit) else "",
            country=country if is_country(country) else "",
            volume=int(volume) if volume in {str(each) for each in VOLUMES} else 0,
            cursor=query.get("cursor", ""),
        )

    def query(self, **changes: str) -> str:
        """These filters as part of an address, some of them changed; the first page unless said otherwise."""
        query = QueryDict(mutable=True)
        values = {"term": self.term, "country": self.country, "volume": str(self.volume or ""), **changes}
        query.update({name: value for name, value in values.items() if value})
        return query.urlencode()


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan and until when the line would work with it; None where its start is open."""

    plan: PlanView
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Offers:
    """A part of the list; `next_cursor` is empty on the last one."""

    offers: Sequence[Offer]
    next_cursor: str


def find_plans(
    customer: "Customer | None", filters: Filters, now: datetime, *, limit: int = PAGE
) -> PlanPage:
    """A page of plans in the customer's currency, or the brand's where the catalogue has none in it."""
    brand = customer.brand if customer is not None else accounts.default_brand()
    ask = functools.partial(
        catalog.list_plans,
        now=now,
        term=filters.term or None,
        country=filters.country or None,
        min_data=filters.volume * GB or None,
        cursor=filters.cursor or None,
        limit=limit,
    )
    try:
        return ask(currency=customer.currency if customer is not None else brand.default_currency)
    except CurrencyNotPriced:
        return ask(currency=brand.default_currency)


def offers_for(customer: "Customer", line: "Line | None", filters: Filters, now: datetime) -> Offers:
    """Plans that the line (or a new one) can take now, with the new expiry; a fixed number of statements."""
    page = find_plans(customer, filters, now)
    schedule = _schedule(customer, line, now)
    if takes_nothing(schedule):
        return Offers((), "")
    planned = [(plan, planned_if_taken(schedule, plan, now)) for plan in page.plans]
    found = [Offer(plan, periods[-1].ends_at) for plan, periods in planned if periods is not None]
    return Offers(found, page.next_cursor or "")


def _schedule(customer: "Customer", line: "Line | None", now: datetime) -> Schedule:
    if line is None:
        return Schedule(line_id=None, zone=ZoneInfo(customer.timezone or DEFAULT_TIMEZONE))
    return usage.schedules([line.id], now)[line.id]
