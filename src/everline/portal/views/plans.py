"""Looking around: all plans, those of a place, one plan with everything it says."""

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from everline.catalog import selectors as catalog
from everline.catalog.places.destinations import Destination, Kind, find_destination
from everline.catalog.shelf import Order
from everline.catalog.terms import TermUnit
from everline.core import clock, ids
from everline.lines.access import get_line_for_customer
from everline.portal import choices, destinations
from everline.portal.answers import show
from everline.portal.branding import brand_of
from everline.portal.gate import public
from everline.portal.offers import (
    VOLUMES,
    Filters,
    Stock,
    offer_of,
    page_of,
    schedule_for,
    stock_for,
)
from everline.portal.templatetags.portal import active_locale

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.catalog.types import CountryCoverage, PlanView

_RELATED = 6


@require_safe
@public
def browse(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """All plans; with htmx only the list."""
    now, filters = clock.now(), Filters.of(request.GET)
    stock = stock_for(brand_of(request, customer), customer, now)
    locale = active_locale()
    context = {
        "section": "plans",
        "found": page_of(stock, stock.plans, filters, now=now),
        "regions": destinations.regions(stock, locale),
        **filter_form(stock, filters, reverse("portal:plans")),
    }
    return show_list(request, customer, "shop/plans", context)


@require_safe
@public
def detail(request: HttpRequest, customer: "Customer | None", place: str) -> HttpResponse:
    """A plan by its id, or the plans of a country or region by its name."""
    if ids.is_id("pln", place):
        return _plan(request, customer, place)
    stock = stock_for(brand_of(request, customer), customer, clock.now())
    destination = find_destination(stock.places, place)
    if destination is None:
        raise Http404
    if destination.slug != place:
        return HttpResponsePermanentRedirect(reverse("portal:place", args=[destination.slug]))
    return _place(request, customer, stock, destination)


def filter_form(stock: Stock, filters: Filters, address: str) -> dict[str, Any]:
    """What the form that narrows a list needs, and the addresses of the list's other pages."""
    return {
        "filters": filters,
        "address": address,
        "units": list(TermUnit),
        "volumes": VOLUMES,
        "sorts": list(Order),
        "countries": choices.countries(stock.countries, active_locale()),
        "more_query": filters.query(page=str(filters.page + 1)),
        "less_query": filters.query(page=str(filters.page - 1)),
    }


def show_list(
    request: HttpRequest, customer: "Customer | None", template: str, context: dict[str, Any]
) -> HttpResponse:
    """A page with a list, or the list alone where a script asks for it."""
    alone = (
        request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers
    )
    response = show(request, customer, "shop/results" if alone else template, context)
    response["Vary"] = ", ".join(filter(None, [response.get("Vary", ""), "HX-Request"]))
    return response


def _place(
    request: HttpRequest, customer: "Customer | None", stock: Stock, destination: Destination
) -> HttpResponse:
    now, locale = clock.now(), active_locale()
    filters = Filters.of(request.GET)
    if destination.kind is Kind.COUNTRY:
        filters = Filters(filters.term, "", filters.volume, filters.sort, filters.page, filters.compare)
    plans = stock.of_place(destination)
    found = page_of(stock, plans, filters, now=now)
    context = {
        "section": "plans",
        "place": destinations.place(stock, destination, locale),
        "found": found,
        "networks": _networks([offer.plan for offer in found.offers], destination),
        "related": destinations.places(stock, _related(stock, destination), locale),
        **filter_form(stock, filters, request.path),
        "countries": choices.countries(destination.countries & stock.countries, locale)
        if destination.kind is Kind.REGION
        else (),
    }
    return show_list(request, customer, "shop/place", context)


def _networks(plans: "list[PlanView]", destination: Destination) -> "list[CountryCoverage]":
    """The networks that these plans use in each country of the place, by the country's name."""
    locale = active_locale()
    known = {
        each.country: each
        for plan in plans
        for each in plan.coverage
        if each.country in destination.countries
    }
    return sorted(known.values(), key=lambda each: choices.in_order(each.name.in_locale(locale)))


def _related(stock: Stock, destination: Destination) -> list[Destination]:
    """For a country the regions it is in, for a region its best-known countries."""
    if destination.kind is Kind.COUNTRY:
        return [
            each for each in stock.places if each.kind is Kind.REGION and destination.code in each.countries
        ][:_RELATED]
    known = {each.code: each for each in stock.places}
    inside = [known[code] for code in destinations.POPULAR if code in known and code in destination.countries]
    return inside[:_RELATED]


def _plan(request: HttpRequest, customer: "Customer | None", plan_id: str) -> HttpResponse:
    """Everything about one plan; with `line` of a customer's own the expiry it would give."""
    now = clock.now()
    line_id = request.GET.get("line", "")
    line = None
    if customer is not None and line_id:
        line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    stock = stock_for(brand_of(request, customer), customer, now)
    view = catalog.get_plan_view(plan_id=plan_id, currency=stock.currency, now=now)
    schedule = None if customer is None else schedule_for(customer, line, now)
    locale = active_locale()
    context = {
        "section": "plans",
        "offer": offer_of(view, schedule, now),
        "plan": view,
        "line": line,
        "choose_zone": zone_of(customer, line),
        "networks": sorted(view.coverage, key=lambda each: choices.in_order(each.name.in_locale(locale))),
    }
    return show(request, customer, "shop/plan", context)


def zone_of(customer: "Customer | None", line: Any) -> str:
    """In which zone dates of this line are read: its own, else the customer's."""
    if line is not None and line.timezone:
        return str(line.timezone)
    return customer.timezone if customer is not None else "UTC"
