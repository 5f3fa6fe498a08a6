"""Live tracking of an order: a stream holds a web thread, but no database connection while it waits."""

import json
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from django.db import connection
from django.utils import translation

from everline.api.news import listener
from everline.api.shapes.orders import step_shape
from everline.orders import selectors
from everline.orders.access import get_order_for_customer
from everline.orders.states import FINAL, OrderStatus
from everline.orders.timeline import Step

if TYPE_CHECKING:
    from everline.orders.models import TimelineEntry

#: A stream ends after this many seconds; the browser comes back by itself.
LIFETIME = 30.0
RETRY_MILLISECONDS = 2_000
#: Look again this often, in seconds, where no news arrives: while news are known to arrive, and until then.
SLOW_POLL = 5.0
FAST_POLL = 1.0
_MARK = b": waiting\n\n"


class Slots:
    """Counts the open streams of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.open = 0

    def take(self, limit: int) -> bool:
        """One more, where there are fewer than `limit`."""
        with self._lock:
            if self.open >= limit:
                return False
            self.open += 1
            return True

    def give_back(self) -> None:
        """One less."""
        with self._lock:
            self.open -= 1


slots = Slots()


class OrderStream:
    """The chunks of one stream. It was given a slot and gives it back once, even if nobody ever reads it."""

    def __init__(self, *, customer_id: str, order_id: str, seen: int, language: str) -> None:
        self._chunks = follow_order(customer_id=customer_id, order_id=order_id, seen=seen, language=language)
        self._lock = threading.Lock()
        self._closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the stream; again: no change."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        slots.give_back()
        with suppress(ValueError):  # another thread is in it: its next step ends it
            self._chunks.close()

    def __del__(self) -> None:
        self.close()  # a server that forgets to close lets go of us at least


def follow_order(
    *, customer_id: str, order_id: str, seen: int, language: str
) -> Generator[bytes, None, None]:
    """Every step after the one that was `seen`, as server-sent events, until a final state or `LIFETIME`."""
    ends = time.monotonic() + LIFETIME
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    with listener.listening(order_id) as news:
        while True:
            news.clear()  # before reading: what is committed while we read wakes us again
            status, steps = _read(customer_id, order_id)
            for step in steps:
                if step.id > seen:
                    seen = step.id
                    yield _event(step, language)
            left = ends - time.monotonic()
            if is_over(status, steps) or left <= 0:
                return
            if not news.wait(min(left, SLOW_POLL if listener.has_heard else FAST_POLL)):
                yield _MARK  # a reader who has gone is noticed by writing


def let_go() -> None:
    """Give the database connection back: whoever waits, or reads slowly, must not keep one."""
    if not connection.in_atomic_block:
        connection.close()


def read_steps(order_id: str) -> "Sequence[TimelineEntry]":
    """All steps of an order, oldest first."""
    return selectors.timeline_since(order_id=order_id, entry_id=0)


def is_over(status: str, steps: "Sequence[TimelineEntry]") -> bool:
    """Whether nothing will follow: a final state, and for a fulfilled order its confirmation."""
    if status == OrderStatus.FULFILLED:
        return any(step.event == Step.CONFIRMED for step in steps)
    return status in FINAL


def _read(customer_id: str, order_id: str) -> "tuple[str, Sequence[TimelineEntry]]":
    """The status first: the steps of a final state are committed with it, so the next read has them."""
    try:
        status = get_order_for_customer(customer_id=customer_id, order_id=order_id).status
        return status, read_steps(order_id)
    finally:
        let_go()


def _event(step: "TimelineEntry", language: str) -> bytes:
    with translation.override(language):
        data = json.dumps(step_shape(step), ensure_ascii=False, separators=(",", ":"))
    return f"id: {step.id}\nevent: {step.event}\ndata: {data}\n\n".encode()
