"""Server-sent events (HTML, 9.2): a stream holds a web thread, but no database connection while it waits."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.db import connection
from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind
from everline.core.news import Listener

#: A stream ends after this many seconds; the browser comes back by itself.
LIFETIME = 30.0
RETRY_MILLISECONDS = 2_000
#: Look again this often, in seconds, where no news arrives: while news are known to arrive, and until then.
SLOW_POLL = 5.0
FAST_POLL = 1.0
_MARK = b": waiting\n\n"
_RETRY_SECONDS = 5
_MAX_DIGITS = 18


class TooManyStreams(DomainError):
    """The cap on open event streams is reached: poll, or come back in `extra["retry_after"]` seconds."""

    code = "too_many_streams"
    kind = Kind.UNAVAILABLE
    message = _("Too many live views are open right now. Please look again in %(retry_after)s seconds.")


class Slots:
    """Counts the open streams of this process, whoever serves them."""

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


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `id` counts up, `name` is one word, `data` is text of any number of lines."""

    id: int
    name: str
    data: str

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        data = "".join(f"data: {line}\n" for line in self.data.splitlines() or [""])
        return f"id: {self.id}\nevent: {self.name}\n{data}\n".encode()


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told now, oldest first, and whether nothing will follow."""

    events: Sequence[Event]
    over: bool


#: Answers what is to be told after the event with this id.
Reader = Callable[[int], News]


class Stream:
    """The chunks of one stream. It was given a slot and gives it back once, even if nobody ever reads it."""

    def __init__(self, chunks: Generator[bytes, None, None]) -> None:
        self._chunks = chunks
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


def open_stream(chunks: Generator[bytes, None, None]) -> Stream:
    """A stream of these chunks, in one of the process's slots.

    Raises:
        TooManyStreams: no slot is free (`EVERLINE_MAX_STREAMS`).
    """
    if not slots.take(settings.EVERLINE_MAX_STREAMS):
        raise TooManyStreams(retry_after=_RETRY_SECONDS)
    let_go()
    return Stream(chunks)


def follow(*, listener: Listener, topic: str, read: Reader, seen: int) -> Generator[bytes, None, None]:
    """Every event after the one `seen`, as it happens, until there is no more or `LIFETIME` is over."""
    ends = time.monotonic() + LIFETIME
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    with listener.listening(topic) as waiting:
        while True:
            waiting.clear()  # before reading: what is committed while we read wakes us again
            try:
                news = read(seen)
            finally:
                let_go()
            for event in news.events:
                seen = event.id
                yield event.encoded()
            left = ends - time.monotonic()
            if news.over or left <= 0:
                return
            if not waiting.wait(min(left, SLOW_POLL if listener.has_heard else FAST_POLL)):
                yield _MARK  # a reader who has gone is noticed by writing


def let_go() -> None:
    """Give the database connection back: whoever waits, or reads slowly, must not keep one."""
    if not connection.in_atomic_block:
        connection.close()


def last_event_id(given: str) -> int:
    """The id that a client says it saw last; 0, from the start, where it names none that could be one."""
    given = given.strip()
    is_number = given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS
    return int(given) if is_number else 0


def as_response(stream: Stream) -> StreamingHttpResponse:
    """The answer that carries a stream; neither caches nor proxies may hold it back."""
    response = StreamingHttpResponse(stream, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response
