"""Orders: the list, and the tracking of one."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from everline.core import clock, ids
from everline.orders import selectors
from everline.orders.access import view_order_for_customer
from everline.orders.services import placing
from everline.orders.states import OrderStatus
from everline.orders.timeline import Step, failure_text, text_of
from everline.payments.states import OPEN, AttemptStatus
from everline.portal.answers import see_other, show
from everline.portal.gate import signed_in
from everline.portal.views.paying import last_failure

if TYPE_CHECKING:
    from django.http import QueryDict

    from everline.accounts.models import Customer
    from everline.orders.models import Order
    from everline.orders.selectors import OrderView

_PAGE = 20
#: How long the page of a fulfilled order looks for the confirmation's step.
_CONFIRMED_WITHIN = timedelta(minutes=1)
#: How long after the return from the provider nothing is offered but to wait.
_RETURN_IS_FRESH = timedelta(seconds=30)
_EPOCH_DIGITS = 12
#: The order moves by itself in these; its page looks again.
_MOVING = frozenset({OrderStatus.PAID, OrderStatus.FULFILLING})
_DECIDING = frozenset({AttemptStatus.CREATED, AttemptStatus.PROCESSING, AttemptStatus.UNKNOWN})


@require_safe
@signed_in
def history(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """The customer's orders, newest first."""
    before = request.GET.get("before", "")
    found = selectors.recent_orders(
        customer_id=customer.id, before=before if ids.is_id("ord", before) else None, limit=_PAGE + 1
    )
    more = found[_PAGE - 1].id if len(found) > _PAGE else ""
    return show(request, customer, "orders", {"section": "orders", "orders": found[:_PAGE], "more": more})


@require_safe
@signed_in
def tracking(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponse:
    """Every step of an order with its time, and what can be done now."""
    view = view_order_for_customer(customer_id=customer.id, order_id=order_id, now=clock.now())
    return show(request, customer, "order", _page(view, customer, request.GET))


@require_POST
@signed_in
def cancel(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponse:
    """End an unpaid order."""
    del request
    placing.cancel_order(customer=customer, order_id=order_id, now=clock.now())
    return see_other("portal:order", order_id)


def _page(view: "OrderView", customer: "Customer", asked: "QueryDict") -> dict[str, object]:
    order = view.order
    opened = next((attempt for attempt in view.attempts if attempt.status in OPEN), None)
    failed = last_failure(view)
    unpaid = order.status == OrderStatus.AWAITING_PAYMENT
    back = opened is not None and opened.id == asked.get("returned", "")
    fresh = back and _is_fresh(asked.get("at", ""))
    return {
        "section": "orders",
        "view": view,
        "order": order,
        "order_zone": order_zone(order, customer),
        "steps": [(entry.at, text_of(entry.event), entry.event) for entry in view.timeline],
        "open": opened,
        "returning": fresh,
        "checking": opened is not None and (fresh or opened.status in _DECIDING),
        "failure": failure_text(failed.failure_code) if failed is not None and unpaid else "",
        "payable": unpaid and opened is None and clock.now() < order.expires_at,
        "held": clock.now() < order.priced_until,
        "live": _moves(view) or back or (opened is not None and opened.status in _DECIDING),
    }


def _is_fresh(seconds: str) -> bool:
    """Whether the customer came back just now, by the time in the address; a strange one is long ago."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= _EPOCH_DIGITS):
        return False
    since = clock.now().timestamp() - int(seconds)
    return 0 <= since < _RETURN_IS_FRESH.total_seconds()


def order_zone(order: "Order", customer: "Customer") -> str:
    """The zone in which an order's dates are told: its line's, until then its customer's."""
    line_zone = order.line.timezone if order.line is not None else ""
    return line_zone or customer.timezone


def _moves(view: "OrderView") -> bool:
    """Whether something will happen without the customer."""
    if view.order.status in _MOVING:
        return True
    if view.order.fulfilled_at is None or clock.now() - view.order.fulfilled_at > _CONFIRMED_WITHIN:
        return False
    return all(entry.event != Step.CONFIRMED for entry in view.timeline)
