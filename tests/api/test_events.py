"""Tracking as it happens: a stream over a real socket, and its rules one by one."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http.response import HttpResponseBase

from everline.core import clock, streams
from everline.orders.live import listener
from everline.orders.models import Order
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.timeline import Step
from tests.api.test_orders import placed
from tests.api.world import Api, World, refusal
from tests.core.listening import await_listener

GOOD_END = [
    Step.PAYMENT_STARTED,
    Step.PAYMENT_CAPTURED,
    Step.FULFILMENT_STARTED,
    Step.PERIOD_OPENED,
    Step.FULFILLED,
]


@pytest.fixture(autouse=True)
def _silence_afterwards() -> Iterator[None]:
    yield
    listener.stop()
    assert streams.slots.open == 0, "every stream gave its slot back"


def tell(order: dict[str, Any], *steps: Step) -> None:
    write_timeline([Note(order["id"], step) for step in steps], now=clock.now())


def finish(order: dict[str, Any], status: str) -> None:
    row = Order.objects.select_related("customer").get(pk=order["id"])
    if status == "fulfilled":
        row.line, row.fulfilled_at = World().line(row.customer), clock.now()
    row.status = status
    row.save()


def read(response: HttpResponseBase) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


def shut(response: HttpResponseBase) -> None:
    """Close an answer as the server does when its reader has gone; the test keeps its own connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def events(text: str) -> list[dict[str, str]]:
    """The events of a stream: their fields, without comments and the retry hint."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append(fields)
    return found


def names(text: str) -> list[str]:
    return [each["event"] for each in events(text)]


def test_an_order_that_has_ended_tells_all_its_steps_and_ends(world: World) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)
    tell(order, Step.CANCELLED)
    finish(order, "cancelled")

    response = api.get(f"/orders/{order['id']}/events")

    assert response["Content-Type"] == "text/event-stream"
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-store", "no")
    text = read(response)
    assert text.startswith("retry: 2000\n\n")
    assert names(text) == ["order.placed", "order.cancelled"]
    first = events(text)[0]
    assert json.loads(first["data"]) == order["timeline"][0]
    numbers = [int(each["id"]) for each in events(text)]
    assert numbers == sorted(set(numbers))


def test_a_fulfilled_order_ends_with_its_confirmation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIFETIME", 0.0)
    api, _ = world.signed_in()
    order = placed(world, api)
    tell(order, *GOOD_END)
    finish(order, "fulfilled")
    path = f"/orders/{order['id']}/events"

    early = read(api.get(path))
    seen = events(early)[-1]["id"]
    waits = api.get(path, headers={"Last-Event-ID": seen})
    still_open = waits.status_code
    shut(waits)
    tell(order, Step.CONFIRMED)
    late = read(api.get(path, headers={"Last-Event-ID": seen}))

    assert names(early)[-1] == "order.fulfilled"
    assert still_open == 200, "the confirmation is still to come"
    assert names(late) == ["confirmation.sent"]


def test_whoever_saw_the_end_need_not_come_back(world: World) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)
    finish(order, "expired")
    path = f"/orders/{order['id']}/events"
    last = events(read(api.get(path)))[-1]["id"]

    answer = api.get(path, headers={"Last-Event-ID": last})

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("given", ["", "nonsense", "-1", "9" * 40, "１"])
def test_a_last_event_that_is_none_means_from_the_start(world: World, given: str) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)
    finish(order, "cancelled")

    text = read(api.get(f"/orders/{order['id']}/events", headers={"Last-Event-ID": given}))

    assert names(text) == ["order.placed"]


def test_a_stream_speaks_the_language_asked_for(world: World) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)
    finish(order, "cancelled")

    text = read(api.get(f"/orders/{order['id']}/events", headers={"Accept-Language": "en"}))

    assert json.loads(events(text)[0]["data"])["text"] == "Order placed"


def test_a_stream_does_not_last_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIFETIME", 0.0)
    api, _ = world.signed_in()
    order = placed(world, api)

    assert names(read(api.get(f"/orders/{order['id']}/events"))) == ["order.placed"]


def test_above_the_cap_clients_are_asked_to_poll(world: World, settings: Any) -> None:
    settings.EVERLINE_MAX_STREAMS = 1
    api, _ = world.signed_in()
    order = placed(world, api)
    finish(order, "cancelled")
    path = f"/orders/{order['id']}/events"

    held = api.get(path)
    refused = api.get(path)
    shut(held)
    free = api.get(path)

    assert refusal(refused) == (503, "too_many_streams")
    assert int(refused["Retry-After"]) > 0
    assert names(read(free)) == ["order.placed"]


def test_streams_of_others_do_not_exist(world: World, anyone: Api) -> None:
    owner, _ = world.signed_in()
    stranger, _ = world.signed_in()
    order = placed(world, owner)

    assert refusal(stranger.get(f"/orders/{order['id']}/events")) == (404, "not_found")
    assert refusal(anyone.get(f"/orders/{order['id']}/events")) == (401, "login_required")


@pytest.fixture
def stream(transactional_db: None, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An order, and a stream of it over a socket; only news move it on, for nobody polls."""
    monkeypatch.setattr(streams, "FAST_POLL", 60.0)
    monkeypatch.setattr(streams, "SLOW_POLL", 60.0)
    world = World()
    api, _ = world.signed_in()
    order = placed(world, api)
    headers = {"Authorization": f"Bearer {api.token}", "Accept-Language": "en"}
    path = f"{live_server.url}/api/v1/orders/{order['id']}/events"
    with (
        httpx.Client(timeout=20, trust_env=False) as client,
        client.stream("GET", path, headers=headers) as answer,
    ):
        yield order, answer


def next_name(lines: Iterator[str]) -> str:
    return next(line for line in lines if line.startswith("event: ")).removeprefix("event: ")


def test_steps_arrive_as_they_happen(stream: Any) -> None:
    order, answer = stream
    lines = answer.iter_lines()

    seen = [next_name(lines)]
    await_listener()
    for step in GOOD_END:
        tell(order, step)
        seen.append(next_name(lines))
    finish(order, "fulfilled")
    tell(order, Step.CONFIRMED)
    rest = list(lines)

    assert answer.headers["content-type"] == "text/event-stream"
    assert seen == ["order.placed", *GOOD_END]
    assert [line for line in rest if line.startswith("event: ")] == ["event: confirmation.sent"]
