"""Whether late money may still buy what it was meant for."""

from datetime import datetime

from everline.catalog import selectors as catalog
from everline.core.errors import DomainError
from everline.orders.models import Order
from everline.orders.services.quoting import check_order


def still_honoured(order: Order, now: datetime) -> bool:
    """Whether the order's plan is on sale at the order's total and its line can take it."""
    try:
        _version, price = catalog.current_offer(
            order.plan_version.plan_id, order.currency, now, order.quantity
        )
        check_order(order, now)
    except DomainError:
        return False
    return price.total == order.total
