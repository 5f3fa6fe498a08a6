"""The customer came back from the payment page: a hint like any other, applied by the same job."""

from datetime import datetime

from everline.accounts.models import Customer
from everline.core import inbox
from everline.orders.access import get_order_for_customer
from everline.orders.models import Order
from everline.payments.access import get_attempt_for_payable
from everline.payments.states import OPEN
from everline.payments.types import PAYMENT_CHANGED


def note_return(*, customer: Customer, order_id: str, attempt_id: str, now: datetime) -> Order:
    """Leave a hint that the payment may have changed, once per second at most; returns the order.

    Raises:
        NotFound: no such attempt of this customer's order.
    """
    order = get_order_for_customer(customer_id=customer.id, order_id=order_id)
    attempt = get_attempt_for_payable(payable=order.id, attempt_id=attempt_id)
    if attempt.status in OPEN:
        inbox.store(
            source=f"payments:{attempt.provider}",
            event_id=f"return:{attempt.id}:{int(now.timestamp())}",
            kind=PAYMENT_CHANGED,
            object_ref=attempt.psp_ref or "",
            reference=attempt.id,
            job="orders.settle",
        )
    return order
