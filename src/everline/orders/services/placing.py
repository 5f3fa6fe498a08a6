"""Placing and cancelling an order."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from everline.accounts.models import Customer
from everline.core import idempotency, ids
from everline.core.states import transition
from everline.core.transactions import retrying
from everline.orders.access import get_order_for_customer, get_quote_for_customer
from everline.orders.errors import OrderNotCancellable, PaymentUndecided, QuoteExpired, QuoteUsed
from everline.orders.models import Order, Quote
from everline.orders.numbers import new_number
from everline.orders.services.settlement import close_open_attempt
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import OrderStatus
from everline.orders.timeline import Step
from everline.orders.types import Outcome
from everline.payments import selectors as payments

ORDER_LIFE = timedelta(hours=24)
_CREATED = 201


@retrying
@transaction.atomic
def place_order(*, customer: Customer, quote_id: str, key: str | None, now: datetime) -> Outcome:
    """Make the one order of a quote. A repeat of the key finds the order it made.

    Raises:
        KeyRequired, KeyReused, InProgress: of the idempotency key.
        NotFound: no such quote for this customer.
        QuoteUsed: an order was made of it under another key.
        QuoteExpired: its thirty minutes are over.
    """
    fingerprint = idempotency.fingerprint("orders.place", {"quote": quote_id})
    order_id = ids.new_id("ord")
    held = idempotency.claim(
        owner=customer.id, key=key, fingerprint=fingerprint, now=now, object_id=order_id, status=_CREATED
    )
    if held.object_id != order_id:
        return Outcome(held.object_id, _CREATED, replayed=True)
    quote = get_quote_for_customer(customer_id=customer.id, quote_id=quote_id)
    made = getattr(quote, "order", None)
    if made is not None:
        raise QuoteUsed(order=made.id)
    if now >= quote.expires_at:
        raise QuoteExpired
    _create(order_id, customer, quote, now)
    write_timeline([Note(order_id, Step.PLACED)], now=now)
    return Outcome(order_id, _CREATED, replayed=False)


def cancel_order(*, customer: Customer, order_id: str, now: datetime) -> Order:
    """End an unpaid order; an open payment is ended at its provider first. Already cancelled: no change.

    Raises:
        NotFound: no such order for this customer.
        OrderNotCancellable: it is paid or has ended otherwise.
        PaymentUndecided: the provider does not say yet whether the open payment went through.
    """
    order = get_order_for_customer(customer_id=customer.id, order_id=order_id)
    if order.status == OrderStatus.AWAITING_PAYMENT and not close_open_attempt(order_id=order.id, now=now):
        raise PaymentUndecided
    return _cancel(order_id=order.id, now=now)


@retrying
@transaction.atomic
def _cancel(*, order_id: str, now: datetime) -> Order:
    order = (
        Order.objects.select_for_update(of=("self",)).select_related("plan_version", "line").get(pk=order_id)
    )
    if order.status == OrderStatus.CANCELLED:
        return order
    if order.status != OrderStatus.AWAITING_PAYMENT:
        raise OrderNotCancellable(status=order.status)
    if payments.open_attempt(order.id) is not None:  # begun in another tab since the last one was ended
        raise PaymentUndecided
    transition(order, to=OrderStatus.CANCELLED, reason="customer", actor=order.customer_id, now=now)
    write_timeline([Note(order.id, Step.CANCELLED)], now=now)
    return order


def _create(order_id: str, customer: Customer, quote: Quote, now: datetime) -> Order:
    while True:
        order = Order(
            id=order_id,
            number=new_number(customer.brand.order_prefix, now),
            customer=customer,
            line_id=quote.line_id,
            quote=quote,
            plan_version=quote.plan_version,
            quantity=quote.quantity,
            total_minor=quote.total_minor,
            tax_minor=quote.tax_minor,
            currency=quote.currency,
            created_at=now,
            priced_until=quote.expires_at,
            expires_at=now + ORDER_LIFE,
        )
        try:
            with transaction.atomic():
                order.save(force_insert=True)
        except IntegrityError as error:
            made = Order.objects.filter(quote=quote).values_list("id", flat=True).first()
            if made is not None:
                raise QuoteUsed(order=made) from error
            if "number" not in str(error):
                raise
        else:
            return order
