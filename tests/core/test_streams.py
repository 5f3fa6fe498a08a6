"""Streams of events: slots, chunks, waking, and what they hold while they wait."""

import json
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.db import connection

from everline.core import streams
from everline.core.news import Listener
from everline.core.streams import Event, News, Stream
from tests.core.listening import await_listener


@pytest.fixture
def listener() -> Iterator[Listener]:
    own = Listener("everline_test")
    yield own
    own.stop()
    assert not own.has_heard, "whoever stops has heard nothing"
    assert streams.slots.open == 0, "every stream gave its slot back"


def announce(topic: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('everline_test', %s)", [topic])


def nothing() -> Generator[bytes, None, None]:
    yield b""


class Story:
    """Events that a stream may read; `reads` counts how often it looked."""

    def __init__(self, *names: str, over: bool = False) -> None:
        self.events = [Event(number, name, name) for number, name in enumerate(names, 1)]
        self.over = over
        self.reads = 0

    def read(self, seen: int) -> News:
        self.reads += 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return News([event for event in self.events if event.id > seen], self.over)

    def add(self, name: str) -> None:
        self.events.append(Event(len(self.events) + 1, name, name))


def test_an_event_of_many_lines_stays_one_event() -> None:
    event = Event(7, "step", "one\ntwo")

    assert event.encoded() == b"id: 7\nevent: step\ndata: one\ndata: two\n\n"
    assert Event(8, "step", "").encoded() == b"id: 8\nevent: step\ndata: \n\n"


def test_data_cannot_make_up_events() -> None:
    forged = Event(1, "step", json.dumps({"text": "a\n\nevent: fake"}))
    raw = Event(1, "step", "a\r\nevent: fake\n\nid: 9")

    assert forged.encoded().count(b"\n\n") == 1
    assert b"\nevent: fake" not in raw.encoded()
    assert b"\nid: 9" not in raw.encoded()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("17", 17), (" 17 ", 17), ("", 0), ("-1", 0), ("1e3", 0), ("１", 0), ("9" * 19, 0), ("0x1", 0)],
)
def test_the_last_event_a_client_names(given: str, expected: int) -> None:
    assert streams.last_event_id(given) == expected


def test_a_story_that_is_over_is_told_and_ends(db: None, listener: Listener) -> None:
    story = Story("first", "second", over=True)

    text = b"".join(streams.follow(listener=listener, topic="1", read=story.read, seen=1)).decode()

    assert text == "retry: 2000\n\nid: 2\nevent: second\ndata: second\n\n"
    assert story.reads == 1


def test_a_waiting_stream_holds_no_connection(transactional_db: None, listener: Listener) -> None:
    story = Story("first")
    chunks = streams.follow(listener=listener, topic="1", read=story.read, seen=0)

    first, second = next(chunks), next(chunks)

    assert first.startswith(b"retry")
    assert b"first" in second
    assert connection.connection is None
    chunks.close()


def test_a_reader_without_news_is_kept_alive(
    db: None, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FAST_POLL", 0.01)
    monkeypatch.setattr(streams, "SLOW_POLL", 0.01)
    story = Story("first")
    chunks = streams.follow(listener=listener, topic="1", read=story.read, seen=0)

    found = [next(chunks) for _ in range(4)]
    story.add("second")
    later = next(chunk for chunk in chunks if chunk != found[-1])
    chunks.close()

    assert found[2] == found[3] == b": waiting\n\n"
    assert b"second" in later, "lost news are found by looking again"


def test_news_of_the_topic_wake_and_others_do_not(transactional_db: None, listener: Listener) -> None:
    with listener.listening("1") as mine, listener.listening("2") as other:
        await_listener()
        announce("1")
        heard = mine.wait(20)

        assert heard
        assert not other.is_set()


def test_a_listener_survives_its_database(
    transactional_db: None, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everline.core.news._PAUSE_AFTER_ERROR", 0.01)

    with listener.listening("1") as news:
        first = await_listener()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first])
        await_listener(but=first)
        announce("1")
        heard = news.wait(20)

    assert heard


def test_above_the_cap_nothing_is_opened(settings: Any) -> None:
    settings.EVERLINE_MAX_STREAMS = 1
    held = streams.open_stream(nothing())

    with pytest.raises(streams.TooManyStreams) as refused:
        streams.open_stream(nothing())
    held.close()
    freed = streams.open_stream(nothing())
    freed.close()

    assert refused.value.extra["retry_after"] > 0
    assert streams.slots.open == 0


def test_a_stream_nobody_reads_gives_its_slot_back_once() -> None:
    stream = streams.open_stream(nothing())

    stream.close()
    stream.close()

    assert streams.slots.open == 0


def test_a_stream_that_is_forgotten_gives_its_slot_back() -> None:
    stream = streams.open_stream(nothing())

    del stream

    assert streams.slots.open == 0


def test_a_stream_that_breaks_gives_its_slot_back() -> None:
    def breaking() -> Generator[bytes, None, None]:
        yield b"one"
        raise OSError("gone")

    stream: Stream = streams.open_stream(breaking())
    next(stream)

    with pytest.raises(OSError, match="gone"):
        next(stream)

    assert streams.slots.open == 0


def test_the_answer_is_held_back_by_nobody() -> None:
    response = streams.as_response(streams.open_stream(nothing()))

    assert response["Content-Type"] == "text/event-stream"
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-store", "no")
    response.close()
    assert streams.slots.open == 0
