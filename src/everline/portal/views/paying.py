"""Paying for an order: choose a method, go to the provider's page, come back."""

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from everline.core import clock, ids
from everline.core.errors import DomainError
from everline.core.idempotency import InProgress, KeyReused
from everline.core.money import CURRENCIES, Money
from everline.orders.access import get_order_for_customer
from everline.orders.errors import PriceChanged
from everline.orders.purchase import check_line
from everline.orders.selectors import OrderView, order_views
from everline.orders.services import paying
from everline.orders.services.paying import PaymentRequest, start_payment
from everline.orders.services.returning import note_return
from everline.orders.states import OrderStatus
from everline.orders.timeline import failure_text
from everline.payments import registry
from everline.payments.access import get_attempt_for_payable
from everline.payments.errors import AttemptOpen, ProviderUnavailable
from everline.payments.states import OPEN, AttemptStatus
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.portal.offers import schedule_for
from everline.portal.policy import allow_payment_pages
from everline.portal.views.plans import zone_of
from everline.portal.wording import METHODS

if TYPE_CHECKING:
    from datetime import datetime

    from everline.accounts.models import Customer
    from everline.orders.models import Order
    from everline.payments.models import Attempt

_AMOUNT_DIGITS = 18


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def pay(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponse:
    """Choose how to pay; posting starts the payment and leads to the provider's page."""
    order = get_order_for_customer(customer_id=customer.id, order_id=order_id)
    if order.status != OrderStatus.AWAITING_PAYMENT:
        return see_other("portal:order", order.id)
    if request.method == "POST":
        return _start(request, customer, order)
    context = _page(order, customer)
    if any(attempt.status in OPEN for attempt in context["view"].attempts):
        return see_other("portal:order", order.id)
    return _with_payment_pages(show(request, customer, "shop/pay", context))


@require_safe
@signed_in
def returned(request: HttpRequest, customer: "Customer", order_id: str, attempt_id: str = "") -> HttpResponse:
    """Back from the provider: leave a hint that the payment may have changed, then show the tracking.

    The provider is told one address before the attempt exists, so it may name no attempt: the newest counts.
    """
    del request
    now = clock.now()
    if not attempt_id:
        order = get_order_for_customer(customer_id=customer.id, order_id=order_id)
        attempts = order_views([order], now)[0].attempts
        if not attempts:
            return see_other("portal:order", order.id)
        attempt_id = attempts[-1].id
    order = note_return(customer=customer, order_id=order_id, attempt_id=attempt_id, now=now)
    asked = urlencode({"returned": ids.require("att", attempt_id), "at": int(now.timestamp())})
    return see_other(f"{reverse('portal:order', args=[order.id])}?{asked}")


@require_POST
@signed_in
def cancel_attempt(
    request: HttpRequest, customer: "Customer", order_id: str, attempt_id: str
) -> HttpResponse:
    """End an open payment; the order's page shows what came of it."""
    del request
    paying.cancel_attempt(customer=customer, order_id=order_id, attempt_id=attempt_id, now=clock.now())
    return see_other("portal:order", order_id)


def _start(request: HttpRequest, customer: "Customer", order: "Order") -> HttpResponse:
    back = request.build_absolute_uri(reverse("portal:return", args=[order.id]))
    wanted = PaymentRequest(
        order_id=order.id,
        method=request.POST.get("method", ""),
        return_url=back,
        accept_total=_accepted(
            request.POST.get("accept_amount", ""), request.POST.get("accept_currency", "")
        ),
    )
    ours = frozenset({f"{request.scheme}://{request.get_host()}"})
    try:
        outcome = start_payment(
            customer=customer,
            request=wanted,
            key=request.POST.get("token"),
            now=clock.now(),
            return_origins=ours,
        )
    except (AttemptOpen, InProgress, KeyReused):
        return see_other("portal:order", order.id)
    except DomainError as problem:
        order = get_order_for_customer(customer_id=customer.id, order_id=order.id)
        context = {**_page(order, customer), "chosen": wanted.method, **_new_price(problem)}
        if isinstance(problem, ProviderUnavailable):
            # The attempt is made: the same key goes on with it.
            context["token"] = request.POST.get("token", "")
        return _with_payment_pages(show_problem(request, customer, "shop/pay", context, problem))
    return _go_on(get_attempt_for_payable(payable=order.id, attempt_id=outcome.object_id))


def _go_on(attempt: "Attempt") -> HttpResponse:
    """To the provider's page where there is something to do there, else to the tracking."""
    if attempt.status == AttemptStatus.REQUIRES_ACTION and attempt.redirect_url:
        response = HttpResponseRedirect(attempt.redirect_url)
        response.status_code = 303
        return response
    return see_other("portal:order", attempt.payable)


def _page(order: "Order", customer: "Customer") -> dict[str, Any]:
    [view] = order_views([order], clock.now())
    failed = last_failure(view)
    return {
        "view": view,
        "order": order,
        "methods": _methods(order.total),
        "chosen": view.attempts[-1].method if view.attempts else "",
        "failure": failure_text(failed.failure_code) if failed is not None else "",
        "section": "orders",
        "token": uuid.uuid4().hex,
        "held": clock.now() < order.priced_until,
        "expiry": _expiry(order, customer),
        "pay_zone": zone_of(customer, order.line),
    }


def _expiry(order: "Order", customer: "Customer") -> "datetime | None":
    """Until when the line works if this is paid now: what the offer said may be a day old.

    None where the first use decides, and where the line cannot take the order any more: paying says why.
    """
    now = clock.now()
    schedule = schedule_for(customer, order.line, now)
    try:
        return check_line(schedule, order.plan_version, order.quantity, now)[-1].ends_at
    except DomainError:
        return None


def last_failure(view: OrderView) -> "Attempt | None":
    """The newest attempt where it failed: its reason is what the customer needs to know now."""
    newest = view.attempts[-1] if view.attempts else None
    return newest if newest is not None and newest.status == AttemptStatus.FAILED else None


def _methods(total: Money) -> list[str]:
    """Methods that some provider takes for this amount, in our order."""
    adapters = registry.providers().values()
    return [method for method in METHODS if any(each.caps.takes(method, total) for each in adapters)]


def _new_price(problem: DomainError) -> dict[str, Money]:
    if not isinstance(problem, PriceChanged):
        return {}
    total = problem.extra["total"]
    return {"new_total": Money(total["amount"], total["currency"])}


def _accepted(amount: str, currency: str) -> Money | None:
    """The new total that the page showed and the customer agreed to."""
    sane = amount.isascii() and amount.isdigit() and len(amount) <= _AMOUNT_DIGITS and currency in CURRENCIES
    return Money(int(amount), currency) if sane else None


def _with_payment_pages(response: HttpResponse) -> HttpResponse:
    allow_payment_pages(response)
    return response
