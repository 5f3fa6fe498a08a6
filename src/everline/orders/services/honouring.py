"""Whether late money may still buy what it was meant for."""

from datetime import datetime

from everline.catalog import selectors as catalog
from everline.core.errors import DomainError
from everline.orders.models import Order
from everline.orders.services.quoting import plan_purchase


def still_honoured(order: Order, now: datetime) -> bool:
    """Whether the order's plan is on sale at the order's total and its line can take it."""
    try:
        version = catalog.current_version(order.plan_version.plan_id, now)
        price = catalog.price_for(version, order.currency, order.quantity)
        plan_purchase(
            customer=order.customer, line=order.line, version=version, quantity=order.quantity, now=now
        )
    except DomainError:
        return False
    return price.total == order.total
