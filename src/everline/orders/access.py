"""The only doors through which an entry floor reaches a quote or an order."""

from everline.core import ids
from everline.core.errors import NotFound
from everline.orders.models import Order, Quote


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
    """This customer's order with its plan version and line; one statement.

    Raises:
        NotFound: no such order, or another customer's.
    """
    ids.require("ord", order_id)
    order = (
        Order.objects.select_related("plan_version", "line")
        .filter(pk=order_id, customer_id=customer_id)
        .first()
    )
    if order is None:
        raise NotFound
    return order
