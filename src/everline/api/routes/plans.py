from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from everline.accounts.errors import LoginRequired
from everline.accounts.selectors import default_brand
from everline.api.answers import page, reply
from everline.api.auth import caller_if_any
from everline.api.documents import refusals
from everline.api.inputs import Filter, QueryInt
from everline.api.shapes.plans import Plan, PlanList, plan_shape
from everline.catalog import selectors as catalog
from everline.catalog.errors import CurrencyNotPriced, PlanWithdrawn
from everline.catalog.shelf import PlanBrief
from everline.catalog.types import PeriodKind, PlanPage, PlanView
from everline.core import clock
from everline.core.errors import NotFound
from everline.lines.access import get_line_for_customer
from everline.orders.advice import advice_for_line, reason
from everline.orders.purchase import planned_if_taken, takes_nothing
from everline.usage import selectors as usage
from everline.usage.schedule import Schedule

if TYPE_CHECKING:
    from everline.accounts.models import Customer

router = Router()

#: No token is needed; with one the customer's currency is the default.
_OPTIONAL_TOKEN: dict[str, Any] = {"security": [{}, {"CustomerToken": []}]}
_BIGINT_MAX = 2**63 - 1
_Currency = Annotated[
    str | None,
    Field(
        description="ISO 4217; the customer's or the brand's where left out.",
        json_schema_extra={"pattern": "^[A-Z]{3}$"},
        examples=["EUR"],
    ),
]


class PlanFilter(Filter):
    """Which plans."""

    term: Annotated[Literal["day", "month", "year"] | None, Field(description="The unit of the term.")] = None
    country: Annotated[
        str | None,
        Field(
            description="Covered country, ISO 3166-1 alpha-2.",
            json_schema_extra={"pattern": "^[A-Za-z]{2}$"},
            examples=["JP"],
        ),
    ] = None
    min_data: Annotated[
        QueryInt | None, Field(ge=0, le=_BIGINT_MAX, description="Bytes; unlimited plans meet any.")
    ] = None
    line: Annotated[
        str | None, Field(description="Leave out what this line cannot take now. Needs a token.")
    ] = None
    currency: _Currency = None
    limit: Annotated[QueryInt, Field(ge=1, le=100)] = 20
    cursor: str | None = None


class PlanChoice(Filter):
    """How to show one plan."""

    currency: _Currency = None


@router.get(
    "/plans",
    response={200: PlanList},
    operation_id="listPlans",
    openapi_extra=refusals(404, 422, extra=_OPTIONAL_TOKEN),
)
def list_plans(request: HttpRequest, wanted: Query[PlanFilter]) -> HttpResponse:
    """Plans on sale, by term and price."""
    customer = caller_if_any(request)
    now = clock.now()
    line = None
    if wanted.line is not None:
        if customer is None:
            raise LoginRequired
        line = _LineView.load(customer, wanted, now)
    found = _search(wanted, customer, line, now)
    locale = get_language() or ""
    reasons = {} if line is None else line.reasons
    return page([plan_shape(each, locale, reasons.get(each.id)) for each in found.plans], found.next_cursor)


@router.get(
    "/plans/{plan_id}",
    response={200: Plan},
    operation_id="readPlan",
    openapi_extra=refusals(404, 422, extra=_OPTIONAL_TOKEN),
)
def read_plan(request: HttpRequest, plan_id: str, wanted: Query[PlanChoice]) -> HttpResponse:
    """One plan on sale."""
    customer = caller_if_any(request)
    now = clock.now()
    for currency in (last := _currencies(wanted.currency, customer)):
        try:
            view = catalog.get_plan_view(plan_id=plan_id, currency=currency, now=now)
        except PlanWithdrawn:
            raise NotFound from None
        except CurrencyNotPriced:
            if currency == last[-1]:
                raise
        else:
            break
    return reply(plan_shape(view, get_language() or ""))


@dataclass(frozen=True, slots=True)
class _LineView:
    """What a list of plans for a line depends on: what it can take, and which plan it has."""

    schedule: Schedule
    reasons: dict[str, str]

    @classmethod
    def load(cls, customer: "Customer", wanted: PlanFilter, now: datetime) -> "_LineView":
        """At most seven statements. Raises NotFound for another customer's line."""
        line = get_line_for_customer(customer_id=customer.id, line_id=wanted.line or "")
        schedule = usage.schedules([line.id], now)[line.id]
        advised = advice_for_line(line, schedule, _on_sale(wanted, customer, now), now)
        if advised is not None:
            return cls(schedule, {advised.plan_id: reason(advised)})
        current = [
            period.plan_id
            for period in usage.periods([line.id], now)[line.id]
            if period.kind == PeriodKind.BASE and period.starts_at is not None
        ]
        return cls(schedule, dict.fromkeys(current[-1:], _("This is the plan that this line has now.")))


def _currencies(asked: str | None, customer: "Customer | None") -> Sequence[str]:
    """The currency asked for; else the customer's, and the brand's where the catalogue has no price in it."""
    if asked is not None:
        return (asked,)
    if customer is None:
        return (default_brand().default_currency,)
    return tuple(dict.fromkeys((customer.currency, customer.brand.default_currency)))


def _on_sale(wanted: PlanFilter, customer: "Customer", now: datetime) -> Sequence[PlanBrief]:
    """All plans in the currency that the list comes in."""
    *preferred, last = _currencies(wanted.currency, customer)
    for currency in preferred:
        try:
            return catalog.briefs_on_sale(currency=currency, now=now)
        except CurrencyNotPriced:
            continue
    return catalog.briefs_on_sale(currency=last, now=now)


def _search(
    wanted: PlanFilter, customer: "Customer | None", line: _LineView | None, now: datetime
) -> PlanPage:
    *preferred, last = _currencies(wanted.currency, customer)
    for currency in preferred:
        try:
            return _suitable(wanted, currency, line, now)
        except CurrencyNotPriced:
            continue
    return _suitable(wanted, last, line, now)


def _suitable(wanted: PlanFilter, currency: str, line: _LineView | None, now: datetime) -> PlanPage:
    """A full page where there is enough, though what the line cannot take falls out of each read."""
    kept: list[PlanView] = []
    cursor = wanted.cursor
    while True:
        read = catalog.list_plans(
            currency=currency,
            now=now,
            term=wanted.term,
            country=wanted.country,
            min_data=wanted.min_data,
            limit=wanted.limit - len(kept),
            cursor=cursor,
        )
        if line is None:
            return read
        if takes_nothing(line.schedule):
            return PlanPage((), None)
        kept += [plan for plan in read.plans if planned_if_taken(line.schedule, plan, now)]
        cursor = read.next_cursor
        if cursor is None or len(kept) == wanted.limit:
            return PlanPage(tuple(kept), cursor)
