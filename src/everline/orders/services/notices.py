"""Messages about orders: built here of primitives, delivered by the notifications room, noted when sent.

By e-mail where the customer has an address, else by SMS. Each is written in the transaction that makes it
true; what an order overtakes before it was delivered is not sent (`orders.selectors.outdated_notices`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import translation

from everline.core import clock, ids, links
from everline.core.money import Money
from everline.notifications.events import MessageGivenUp, MessageSent
from everline.notifications.services import enqueue
from everline.notifications.types import AttachmentRef, Channel, Kind, Message
from everline.orders.models import Order
from everline.orders.receipts import line_name
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.timeline import Step, failure_text
from everline.payments.models import Attempt, Refund


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation tells beside the order itself; an end is None while a start is open."""

    order: Order
    zone: str
    new_line: bool
    old_ends_at: datetime | None
    new_ends_at: datetime | None
    opens_by: datetime | None


def send_confirmations(items: Sequence[Confirmation], *, now: datetime) -> None:
    """One truthful mail per fulfilled order: what was bought, what it cost, until when the line works now."""
    messages = []
    for item in items:
        order, line = item.order, item.order.line
        messages += _message(
            order,
            Kind.ORDER_CONFIRMATION,
            f"order_confirmation:{order.id}",
            attachments=(AttachmentRef("receipt", order.id),),
            receipt_attached=True,
            order_url=_page("order", order, order=order.id),
            install_url=_page("line", order, line=line.id) if line is not None and item.new_line else None,
            zone=item.zone,
            old_ends_at=_iso(item.old_ends_at),
            new_ends_at=_iso(item.new_ends_at),
            opens_by=_iso(item.opens_by),
            line_label=line_name(line) if line is not None else "",
            quantity=order.quantity,
        )
    enqueue(*messages, now=now)


def send_payment_failed(items: Sequence[tuple[Order, Attempt]], *, now: datetime) -> None:
    """One mail per refused attempt: why, and the link to try again."""
    messages = []
    for order, attempt in items:
        with translation.override(order.customer.locale):
            reason = failure_text(attempt.failure_code)
        retry = _page("pay", order, order=order.id)
        messages += _message(
            order, Kind.PAYMENT_FAILED, f"payment_failed:{attempt.id}", reason=reason, retry_url=retry
        )
    enqueue(*messages, now=now)


def send_expired(orders: Sequence[Order], *, now: datetime) -> None:
    """The order ended unpaid; nothing was charged."""
    messages = []
    for order in orders:
        messages += _message(
            order, Kind.ORDER_EXPIRED, f"order_expired:{order.id}", plans_url=_page("account", order)
        )
    enqueue(*messages, now=now)


def send_refunded(items: Sequence[tuple[Order, Refund, str]], *, now: datetime) -> None:
    """Money went back: how much and why (the text is in the customer's language)."""
    messages = []
    for order, refund, reason in items:
        messages += _message(
            order,
            Kind.ORDER_REFUNDED,
            f"order_refunded:{refund.id}",
            amount=refund.amount,
            reason=reason,
            order_url=_page("order", order, order=order.id),
        )
    enqueue(*messages, now=now)


def note_messages_sent(events: list[MessageSent]) -> None:
    """The transport took a confirmation: the order's tracking says so."""
    notes = [
        Note(event.reference, Step.CONFIRMED)
        for event in events
        if event.dedupe_key == f"{Kind.ORDER_CONFIRMATION}:{event.reference}"  # not a copy that staff sent
        and ids.is_id("ord", event.reference)
    ]
    write_timeline(notes, now=clock.now())


def note_messages_given_up(events: list[MessageGivenUp]) -> None:
    """A message nobody could deliver stands with its reason in the notifications room; the order is right."""
    del events


def _message(
    order: Order,
    kind: Kind,
    dedupe_key: str,
    *,
    amount: Money | None = None,
    attachments: tuple[AttachmentRef, ...] = (),
    **context: object,
) -> list[Message]:
    customer = order.customer
    channel, to = (Channel.EMAIL, customer.email) if customer.email else (Channel.SMS, customer.phone)
    if not to:
        return []
    price = amount or order.total
    return [
        Message(
            kind=kind,
            channel=channel,
            to=to,
            locale=customer.locale,
            brand=customer.brand.for_messages(),
            context={
                "order_number": order.number,
                "plan_name": order.plan_version.name.in_locale(customer.locale),
                "amount": price.amount,
                "currency": price.currency,
                **context,
            },
            dedupe_key=dedupe_key,
            reference=order.id,
            attachments=attachments if channel == Channel.EMAIL else (),
        )
    ]


def _page(name: str, order: Order, /, **parts: str) -> str:
    """A page of the shop under the address of the order's brand."""
    return links.url(name, origin=order.customer.brand.origin, **parts)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
