"""Orders: the list, the tracking of one, and its news as they happen."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.decorators.http import require_POST, require_safe

from everline.core import clock, ids, streams
from everline.orders import live, selectors
from everline.orders.access import view_order_for_customer
from everline.orders.services import placing
from everline.orders.timeline import Step, text_of
from everline.portal.answers import see_other, show
from everline.portal.gate import signed_in
from everline.portal.tracking import track
from everline.portal.wording import STEP_TONES

if TYPE_CHECKING:
    from django.http import QueryDict

    from everline.accounts.models import Customer
    from everline.orders.models import Order, TimelineEntry
    from everline.orders.selectors import OrderView

_PAGE = 20
_EPOCH_DIGITS = 12
#: The header by which a page asks for its moving part alone.
PART = "X-Part"


@require_safe
@signed_in
def history(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """The customer's orders, newest first."""
    before = request.GET.get("before", "")
    found = selectors.recent_orders(
        customer_id=customer.id, before=before if ids.is_id("ord", before) else None, limit=_PAGE + 1
    )
    more = found[_PAGE - 1].id if len(found) > _PAGE else ""
    context = {"section": "orders", "orders": found[:_PAGE], "more": more, "first": not before}
    return show(request, customer, "orders/history", context)


@require_safe
@signed_in
def tracking(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponse:
    """Every step of an order with its time, and what can be done now; asked by a script, that part alone."""
    view = view_order_for_customer(customer_id=customer.id, order_id=order_id, now=clock.now())
    template = "orders/part" if request.headers.get(PART) == "tracking" else "orders/tracking"
    response = show(request, customer, template, _page(view, customer, request.GET))
    response["Vary"] = ", ".join(filter(None, [response.get("Vary"), PART]))
    return response


@require_safe
@signed_in
def events(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponseBase:
    """The order's steps after the one already seen, as server-sent events; at first `?after=` names it.

    The data of an event is its sentence. 204 tells the browser not to come back, 503 to look now and then.
    """
    language = customer.locale
    seen = streams.last_event_id(request.headers.get("Last-Event-ID", "") or request.GET.get("after", ""))

    def tell(step: "TimelineEntry") -> str:
        with translation.override(language):
            return text_of(step.event)

    stream = live.follow_order(customer_id=customer.id, order_id=order_id, seen=seen, tell=tell)
    return HttpResponse(status=204) if stream is None else streams.as_response(stream)


@require_POST
@signed_in
def cancel(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponse:
    """End an unpaid order."""
    del request
    placing.cancel_order(customer=customer, order_id=order_id, now=clock.now())
    return see_other("portal:order", order_id)


def _page(view: "OrderView", customer: "Customer", asked: "QueryDict") -> dict[str, object]:
    order = view.order
    zone = order_zone(order, customer)
    tracked = track(
        view,
        zone=customer.timezone,
        now=clock.now(),
        returned=asked.get("returned", ""),
        at=_moment(asked.get("at", "")),
    )
    return {
        "section": "orders",
        "view": view,
        "order": order,
        "order_zone": zone,
        "tracked": tracked,
        "steps": [
            (entry.at, text_of(entry.event), entry.event, STEP_TONES.get(entry.event, ""))
            for entry in view.timeline
        ],
        "names": " ".join(Step),
        "seen": view.timeline[-1].id if view.timeline else 0,
    }


def _moment(seconds: str) -> "datetime | None":
    """The time that the return from the payment page wrote into the address; a strange one is none."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= _EPOCH_DIGITS):
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def order_zone(order: "Order", customer: "Customer") -> str:
    """The zone in which an order's dates are told: its line's, until then its customer's."""
    line_zone = order.line.timezone if order.line is not None else ""
    return line_zone or customer.timezone
