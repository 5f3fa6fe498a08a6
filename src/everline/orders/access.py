"""The only doors through which an entry floor reaches a quote or an order."""

from datetime import datetime

from everline.core import ids
from everline.core.errors import NotFound
from everline.core.transactions import one_snapshot
from everline.orders.models import Order, Quote
from everline.orders.selectors import OrderView, order_views


def get_quote_for_customer(*, customer_id: str, quote_id: str) -> Quote:
    """This customer's quote with its plan version, and its order where there is one; one statement.

    Raises:
        NotFound: no such quote, or another customer's.
    """
    ids.require("quo", quote_id)
    quote = (
        Quote.objects.select_related("plan_version", "order")
        .filter(pk=quote_id, customer_id=customer_id)
        .first()
    )
    if quote is None:
        raise NotFound
    return quote


def get_order_for_customer(*, customer_id: str, order_id: str) -> Order:
    """This customer's order with its plan version, line and brand; one statement.

    Raises:
        NotFound: no such order, or another customer's.
    """
    ids.require("ord", order_id)
    order = (
        Order.objects.select_related("plan_version", "line", "customer__brand")
        .filter(pk=order_id, customer_id=customer_id)
        .first()
    )
    if order is None:
        raise NotFound
    return order


def view_order_for_customer(*, customer_id: str, order_id: str, now: datetime) -> OrderView:
    """This customer's order with all that belongs to it, as of one instant; five statements.

    Raises:
        NotFound: no such order, or another customer's.
    """
    with one_snapshot():
        order = get_order_for_customer(customer_id=customer_id, order_id=order_id)
        [view] = order_views([order], now)
    return view
