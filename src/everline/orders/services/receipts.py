"""Receipts on their way out: asked for by a customer, or attached to a mail."""

from datetime import timedelta

from everline.accounts.models import Customer
from everline.core import clock, ids, ratelimit
from everline.notifications.types import Attachment
from everline.orders.receipts import load_receipt, render_receipt

#: Printing costs a fifth of a second of one processor.
PER_MINUTE = 20


def issue_receipt(*, customer: Customer, order_id: str, locale: str) -> Attachment:
    """This customer's receipt in a language, as a file.

    Raises:
        NotFound: no such order, or another customer's.
        ReceiptNotReady: nothing was paid for it yet.
        RateLimited: more than twenty in a minute.
    """
    now = clock.now()
    ids.require("ord", order_id)
    ratelimit.hit("receipt", customer.id, limit=PER_MINUTE, per=timedelta(minutes=1), now=now)
    receipt = load_receipt(order_id=order_id, customer_id=customer.id, now=now)
    return _file(receipt.order.number, render_receipt(receipt, locale))


def receipt_for_mail(order_id: str, locale: str) -> Attachment:
    """The receipt of an order as it is when its mail is delivered.

    Raises:
        NotFound: no such order.
        ReceiptNotReady: nothing was kept for it.
    """
    receipt = load_receipt(order_id=order_id, now=clock.now())
    return _file(receipt.order.number, render_receipt(receipt, locale))


def _file(number: str, content: bytes) -> Attachment:
    return Attachment(name=f"receipt-{number}.pdf", type="application/pdf", content=content)
