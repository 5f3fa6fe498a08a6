"""Live tracking of an order: what its stream says, for every floor that serves one."""

from typing import TYPE_CHECKING

from everline.core import ids, streams
from everline.core.news import Listener
from everline.core.streams import Event, News, Stream
from everline.orders import selectors
from everline.orders.access import get_order_for_customer
from everline.orders.states import FINAL, OrderStatus
from everline.orders.timeline import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from everline.orders.models import TimelineEntry

#: Rings in the transaction that writes a step; the payload is the order's number in its column.
CHANNEL = "everline_timeline"

listener = Listener(CHANNEL)


def follow_order(
    *, customer_id: str, order_id: str, seen: int, tell: "Callable[[TimelineEntry], str]"
) -> Stream | None:
    """Every step of this customer's order after the one `seen`, as it happens; `tell` writes an event's data.

    None where the order is over and `seen` was its last step: nothing will ever follow.

    Raises:
        NotFound: no such order, or another customer's.
        TooManyStreams: above the cap.
    """
    order = get_order_for_customer(customer_id=customer_id, order_id=order_id)
    if seen:
        steps = _steps(order.id)
        if is_over(order.status, steps) and seen >= max(step.id for step in steps):
            return None
    return streams.open_stream(order_chunks(customer_id=customer_id, order_id=order.id, seen=seen, tell=tell))


def order_chunks(
    *, customer_id: str, order_id: str, seen: int, tell: "Callable[[TimelineEntry], str]"
) -> "Generator[bytes, None, None]":
    """The chunks of such a stream, without a slot."""

    def read(known: int) -> News:
        # The status first: the steps of a final state are committed with it, so the next read has them.
        status = get_order_for_customer(customer_id=customer_id, order_id=order_id).status
        steps = _steps(order_id)
        fresh = [Event(step.id, step.event, tell(step)) for step in steps if step.id > known]
        return News(fresh, is_over(status, steps))

    return streams.follow(listener=listener, topic=topic_of(order_id), read=read, seen=seen)


def topic_of(order_id: str) -> str:
    """What the news of this order are called on the channel."""
    return str(ids.to_int("ord", order_id))


def is_over(status: str, steps: "Sequence[TimelineEntry]") -> bool:
    """Whether nothing will follow: a final state, and for a fulfilled order its confirmation."""
    if status == OrderStatus.FULFILLED:
        return any(step.event == Step.CONFIRMED for step in steps)
    return status in FINAL


def _steps(order_id: str) -> "Sequence[TimelineEntry]":
    return selectors.timeline_since(order_id=order_id, entry_id=0)
