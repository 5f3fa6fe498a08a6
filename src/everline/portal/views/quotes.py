"""The offer: what it costs and until when the line will work, before anybody pays."""

import uuid
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from everline.catalog import selectors as catalog
from everline.core import clock, ids
from everline.core.errors import DomainError
from everline.core.idempotency import InProgress
from everline.lines.access import get_line_for_customer
from everline.orders.access import get_quote_for_customer
from everline.orders.errors import QuoteUsed
from everline.orders.services.placing import place_order
from everline.orders.services.quoting import create_quote
from everline.portal import choices
from everline.portal.answers import see_other, show, show_problem
from everline.portal.branding import brand_of
from everline.portal.errors import NotConfirmed
from everline.portal.gate import public, signed_in
from everline.portal.offers import offer_of, schedule_for, stock_for
from everline.portal.saved import (
    checkout_path,
    forget_choice,
    last_filters,
    remember_choice,
)
from everline.portal.spans import span_of
from everline.portal.templatetags.portal import active_locale
from everline.portal.views.plans import zone_of
from everline.usage.errors import InvalidQuantity
from everline.usage.schedule import MAX_QUANTITY

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.orders.models import Quote

_DIGITS = 3


@require_http_methods(["GET", "HEAD", "POST"])
@public
def create(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Freeze an offer for the plan chosen, then show it under its own address.

    Whoever is not signed in (any more) signs in first and goes on with the same plan.
    """
    if request.method != "POST":
        return see_other("portal:plans")
    plan_id, line_id = request.POST.get("plan", ""), request.POST.get("line", "")
    if customer is None:
        if not ids.is_id("pln", plan_id):
            return see_other("portal:plans")
        return see_other(checkout_path(plan_id, line_id if ids.is_id("ln", line_id) else ""))
    quote = create_quote(
        customer=customer,
        plan_id=plan_id,
        line_id=line_id or None,
        quantity=_quantity(request.POST.get("quantity", "1")),
        now=clock.now(),
    )
    response = see_other("portal:quote", quote.id)
    forget_choice(response)
    return response


@require_safe
@public
def checkout(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Where a plan chosen before signing in is waiting; a visitor is asked to sign in or register here."""
    now = clock.now()
    plan_id, line_id = request.GET.get("plan", ""), request.GET.get("line", "")
    if not ids.is_id("pln", plan_id) or (line_id and not ids.is_id("ln", line_id)):
        return see_other("portal:plans")
    line = None
    if customer is not None and line_id:
        line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    stock = stock_for(brand_of(request, customer), customer, now)
    view = catalog.get_plan_view(plan_id=plan_id, currency=stock.currency, now=now)
    schedule = None if customer is None else schedule_for(customer, line, now)
    context = {
        "section": "shop" if customer is not None else "plans",
        "offer": offer_of(view, schedule, now),
        "plan": view,
        "line": line,
        "choose_zone": zone_of(customer, line),
        "next_path": checkout_path(plan_id, line_id),
    }
    response = show(request, customer, "shop/checkout", context)
    if customer is None:
        remember_choice(response, plan_id, line_id)
    else:
        forget_choice(response)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest, customer: "Customer", quote_id: str) -> HttpResponse:
    """Show the offer; posting places the order. Sent twice, or from two tabs, it is one order."""
    quote = get_quote_for_customer(customer_id=customer.id, quote_id=quote_id)
    made = getattr(quote, "order", None)
    if made is not None:
        return see_other("portal:order", made.id)
    if request.method != "POST":
        return show(request, customer, "shop/quote", _page(request, quote, customer))
    try:
        if quote.line is None and not request.POST.get("confirmed"):
            raise NotConfirmed
        outcome = place_order(
            customer=customer, quote_id=quote.id, key=request.POST.get("token"), now=clock.now()
        )
    except QuoteUsed as used:
        return see_other("portal:order", used.extra["order"])
    except InProgress:
        return see_other("portal:quote", quote.id)
    except DomainError as problem:
        return show_problem(request, customer, "shop/quote", _page(request, quote, customer), problem)
    return see_other("portal:pay", outcome.object_id)


def _page(request: HttpRequest, quote: "Quote", customer: "Customer") -> dict[str, object]:
    now = clock.now()
    version, line = quote.plan_version, quote.line
    back = reverse("portal:new-line") if line is None else reverse("portal:renew", args=[line.id])
    covered = catalog.countries_by_version([version.pk])[version.pk] if line is None else frozenset[str]()
    return {
        "section": "shop",
        "quote": quote,
        "version": version,
        "line": line,
        "quote_zone": zone_of(customer, line),
        "starts_now": quote.starts_at is not None and quote.starts_at <= quote.created_at,
        "span": span_of(
            quote.created_at, quote.current_ends_at, quote.starts_at, quote.ends_at, version.kind
        ),
        "places": choices.countries(covered, active_locale()),
        "over": now >= quote.expires_at,
        "quantities": range(1, MAX_QUANTITY + 1),
        "token": uuid.uuid4().hex,
        "back_url": f"{back}?{last_filters(request).query()}".rstrip("?"),
    }


def _quantity(text: str) -> int:
    """What was chosen in the list; the service judges it.

    Raises:
        InvalidQuantity: not a number that anybody could have chosen.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidQuantity(max_quantity=MAX_QUANTITY)
    return int(text)
