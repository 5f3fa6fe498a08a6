"""Choosing a plan: to look around, for a line, or for a new line."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from everline.catalog import selectors as catalog
from everline.catalog.terms import TermUnit
from everline.core import clock
from everline.lines.access import get_line_for_customer
from everline.portal import choices
from everline.portal.answers import show
from everline.portal.gate import public, signed_in
from everline.portal.offers import VOLUMES, Filters, find_plans, offers_for
from everline.portal.templatetags.portal import active_locale
from everline.portal.views.account import line_card

if TYPE_CHECKING:
    from datetime import datetime

    from everline.accounts.models import Customer
    from everline.lines.models import Line


@require_safe
@public
def browse(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """All plans, for visitors; a customer's list is the one for a new line."""
    now, filters = clock.now(), Filters.of(request.GET)
    page = find_plans(customer, filters, now)
    context = {"section": "plans", "plans": page.plans, **_filter_form(filters, page.next_cursor, now)}
    return show(request, customer, "plans", context)


@require_safe
@signed_in
def renew(request: HttpRequest, customer: "Customer", line_id: str) -> HttpResponse:
    """Plans for a line, each with the line's new expiry."""
    line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    return _choose(request, customer, line)


@require_safe
@signed_in
def new_line(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Plans for a line that does not exist yet."""
    return _choose(request, customer, None)


def _choose(request: HttpRequest, customer: "Customer", line: "Line | None") -> HttpResponse:
    now, filters = clock.now(), Filters.of(request.GET)
    found = offers_for(customer, line, filters, now)
    context = {
        "line": line,
        "card": None if line is None else line_card(line, customer, (), (), now),
        "choose_zone": (line.timezone if line is not None else "") or customer.timezone,
        "section": "account",
        "offers": found.offers,
        **_filter_form(filters, found.next_cursor, now),
    }
    return show(request, customer, "choose", context)


def _filter_form(filters: Filters, next_cursor: str | None, now: "datetime") -> dict[str, Any]:
    return {
        "filters": filters,
        "next_cursor": next_cursor,
        "more_query": filters.query(cursor=next_cursor or ""),
        "units": list(TermUnit),
        "volumes": VOLUMES,
        "countries": choices.countries(catalog.countries_on_sale(now), active_locale()),
    }
