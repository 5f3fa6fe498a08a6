"""The offer: what it costs and until when the line will work, before anybody pays."""

import uuid
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from everline.core import clock
from everline.core.errors import DomainError
from everline.core.idempotency import InProgress
from everline.orders.access import get_quote_for_customer
from everline.orders.errors import QuoteUsed
from everline.orders.services.placing import place_order
from everline.orders.services.quoting import create_quote
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.usage.errors import InvalidQuantity
from everline.usage.schedule import MAX_QUANTITY

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.orders.models import Quote

_DIGITS = 3


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def create(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Freeze an offer for the plan chosen, then show it under its own address."""
    if request.method != "POST":
        return see_other("portal:plans")
    quote = create_quote(
        customer=customer,
        plan_id=request.POST.get("plan", ""),
        line_id=request.POST.get("line") or None,
        quantity=_quantity(request.POST.get("quantity", "1")),
        now=clock.now(),
    )
    return see_other("portal:quote", quote.id)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest, customer: "Customer", quote_id: str) -> HttpResponse:
    """Show the offer; posting places the order. Sent twice, or from two tabs, it is one order."""
    quote = get_quote_for_customer(customer_id=customer.id, quote_id=quote_id)
    made = getattr(quote, "order", None)
    if made is not None:
        return see_other("portal:order", made.id)
    if request.method != "POST":
        return show(request, customer, "quote", _page(quote, customer))
    try:
        outcome = place_order(
            customer=customer, quote_id=quote.id, key=request.POST.get("token"), now=clock.now()
        )
    except QuoteUsed as used:
        return see_other("portal:order", used.extra["order"])
    except InProgress:
        return see_other("portal:quote", quote.id)
    except DomainError as problem:
        return show_problem(request, customer, "quote", _page(quote, customer), problem)
    return see_other("portal:pay", outcome.object_id)


def _page(quote: "Quote", customer: "Customer") -> dict[str, object]:
    line_zone = quote.line.timezone if quote.line is not None else ""
    return {
        "quote": quote,
        "version": quote.plan_version,
        "line": quote.line,
        "quote_zone": line_zone or customer.timezone,
        "starts_now": quote.starts_at is not None and quote.starts_at <= quote.created_at,
        "over": clock.now() >= quote.expires_at,
        "quantities": range(1, MAX_QUANTITY + 1),
        "token": uuid.uuid4().hex,
    }


def _quantity(text: str) -> int:
    """What was chosen in the list; the service judges it.

    Raises:
        InvalidQuantity: not a number that anybody could have chosen.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidQuantity(max_quantity=MAX_QUANTITY)
    return int(text)
