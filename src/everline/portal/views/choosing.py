"""Choosing a plan for a line or for a new one, and comparing a few side by side."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from everline.core import clock
from everline.lines.access import get_line_for_customer
from everline.orders.advice import advice_for_line, reason
from everline.orders.purchase import takes_nothing
from everline.orders.recommending import Advice
from everline.portal.answers import show
from everline.portal.branding import brand_of
from everline.portal.gate import public, signed_in
from everline.portal.offers import (
    Filters,
    Offer,
    Offers,
    Stock,
    offers_of,
    page_of,
    schedule_for,
    stock_for,
    with_reason,
)
from everline.portal.saved import remember_filters
from everline.portal.views.plans import filter_form, show_list, zone_of

if TYPE_CHECKING:
    from datetime import datetime

    from everline.accounts.models import Customer
    from everline.lines.models import Line
    from everline.usage.schedule import Schedule

_FEWEST_COMPARED = 2


@require_safe
@signed_in
def renew(request: HttpRequest, customer: "Customer", line_id: str) -> HttpResponse:
    """Plans for a line, each with the line's new expiry, and the one that its usage speaks for."""
    line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    return _choose(request, customer, line)


@require_safe
@signed_in
def new_line(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Plans for a line that does not exist yet."""
    return _choose(request, customer, None)


@require_safe
@public
def compare(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Two to four plans side by side, for anybody."""
    schedule = None if customer is None else schedule_for(customer, None, clock.now())
    return _compare(request, customer, None, schedule)


@require_safe
@signed_in
def compare_for_new_line(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """The same, with the day until which a new line would work."""
    return _compare(request, customer, None, schedule_for(customer, None, clock.now()))


@require_safe
@signed_in
def compare_for_line(request: HttpRequest, customer: "Customer", line_id: str) -> HttpResponse:
    """The same, with the line's new expiry."""
    line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    return _compare(request, customer, line, schedule_for(customer, line, clock.now()))


def _choose(request: HttpRequest, customer: "Customer", line: "Line | None") -> HttpResponse:
    now, filters = clock.now(), Filters.of(request.GET)
    stock = stock_for(brand_of(request, customer), customer, now)
    schedule = schedule_for(customer, line, now)
    advice = None if line is None else advice_for_line(line, schedule, stock.plans, now)
    found, suggested = page_with(stock, advice, filters, schedule, now)
    context = {
        "section": "shop",
        "choose": True,
        "line": line,
        "schedule": schedule,
        "closed": takes_nothing(schedule),
        "choose_zone": zone_of(customer, line),
        "found": found,
        "suggested": suggested,
        **filter_form(stock, filters, request.path),
        "compare_url": _compare_url(line),
    }
    response = show_list(request, customer, "shop/choose", context)
    remember_filters(response, filters)
    return response


def page_with(
    stock: Stock, advice: Advice | None, filters: Filters, schedule: "Schedule", now: "datetime"
) -> tuple[Offers, Offer | None]:
    """A page of what the line can take, and the plan that its usage speaks for; three statements for both."""
    advised = "" if advice is None else advice.plan_id
    found = page_of(stock, stock.plans, filters, schedule=schedule, now=now, also=advised)
    if advice is None:
        return found, None
    why = reason(advice)
    marked = replace(found, offers=with_reason(found.offers, advised, why))
    return marked, None if found.also is None else replace(found.also, reason=why)


def _compare_url(line: "Line | None") -> str:
    return reverse("portal:compare-new") if line is None else reverse("portal:compare-renew", args=[line.id])


def _compare(
    request: HttpRequest, customer: "Customer | None", line: "Line | None", schedule: "Schedule | None"
) -> HttpResponse:
    now, filters = clock.now(), Filters.of(request.GET)
    stock = stock_for(brand_of(request, customer), customer, now)
    known = {plan.plan_id: plan for plan in stock.plans}
    chosen = [known[plan_id] for plan_id in filters.compare if plan_id in known]
    offers = offers_of(stock, chosen, schedule, now) if len(chosen) >= _FEWEST_COMPARED else []
    context: dict[str, Any] = {
        "section": "plans" if customer is None else "shop",
        "choose": customer is not None,
        "line": line,
        "choose_zone": zone_of(customer, line),
        "offers": offers,
        "too_few": not offers,
        "back_url": f"{_list_url(request, customer, line)}?{filters.query()}",
    }
    return show(request, customer, "shop/compare", context)


def _list_url(request: HttpRequest, customer: "Customer | None", line: "Line | None") -> str:
    """The list that belongs to this comparison."""
    if line is not None:
        return reverse("portal:renew", args=[line.id])
    if customer is None or request.path == reverse("portal:compare"):
        return reverse("portal:plans")
    return reverse("portal:new-line")
