"""Processes die, the product stops and starts: orders and money stay."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.product import eventually, kill, start
from tests.acceptance.web import GOOD_RENEWAL, TIMEOUT, Json, Person, new_key

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mortal")


@pytest.fixture(scope="module")
def mortal(folder: Path) -> Iterator[World]:
    """An installation of its own, whose processes are killed."""
    product = start(folder)
    with httpx.Client(timeout=TIMEOUT) as http:
        yield World.around(product, http)
    product.stop()


@pytest.fixture(scope="module")
def subscriber(mortal: World) -> Person:
    found = mortal.register()
    assert mortal.buy(found)["status"] == "fulfilled"
    return found


def victims(world: World, word: str) -> set[int]:
    if word == "postgres":
        return {world.product.postmaster()}
    found = world.product.with_word(word)
    assert found, world.product.descendants()
    return found


def answers(world: World) -> bool:
    try:
        urls = (world.product.url, world.sandbox.url)
        return all(httpx.get(f"{url}/healthz", timeout=5).is_success for url in urls) and (
            world.anyone.call("GET", "/plans?limit=1").is_success
            and world.sandbox.call("POST", "/drain").is_success
        )
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("word", ["serve", "worker", "sandbox", "postgres"])
def test_a_renewal_survives_a_kill(mortal: World, subscriber: Person, word: str) -> None:
    """Killed right after the customer paid: whatever was under way is finished, once."""
    [line] = subscriber.get("/lines")["data"]
    quote = subscriber.quote(line["id"], subscriber.plan("day", line=line["id"])["id"])
    order = subscriber.post("/orders", {"quote": quote["id"]}, key=new_key())
    attempt = subscriber.attempt(order)

    mortal.browser.pay(attempt)
    kill(victims(mortal, word))

    assert eventually(lambda: answers(mortal)), mortal.product.log
    assert eventually(lambda: _fulfilled(mortal, subscriber, order)), subscriber.read(order)
    assert subscriber.events(order)[-1] == GOOD_RENEWAL[-1]
    assert [step for step in subscriber.events(order) if step in GOOD_RENEWAL] == GOOD_RENEWAL
    assert subscriber.get(f"/lines/{line['id']}")["valid_until"] == quote["ends_at"]
    assert [each["captured"] for each in mortal.sandbox.charges(order)] == [order["total"]["amount"]]
    mails = [m for m in mortal.sandbox.messages(subscriber.email) if order["number"] in m["text"]]
    assert len(mails) == 1
    assert mortal.product.process.poll() is None


def _fulfilled(world: World, person: Person, order: Json) -> bool:
    drained = world.sandbox.call("POST", "/drain")
    read = person.call("GET", f"/orders/{order['id']}")
    return (
        drained.is_success and read.is_success and read.json()["timeline"][-1]["event"] == "confirmation.sent"
    )


def test_the_checks_find_nothing_broken(mortal: World) -> None:
    check = mortal.product.command("check")

    assert check.returncode == 0, check.stdout + check.stderr


def test_it_stops_on_sigterm_and_the_next_start_has_everything(
    mortal: World, subscriber: Person, folder: Path
) -> None:
    before, lines = subscriber.all("/orders"), subscriber.get("/lines")
    open_order = subscriber.order()
    attempt = subscriber.attempt(open_order)

    assert mortal.product.stop() == 0
    assert eventually(lambda: not mortal.product.leftovers(), 20), mortal.product.leftovers()

    second = start(folder)
    try:
        with httpx.Client(timeout=TIMEOUT) as http:
            world = World.around(second, http)
            back = world.sign_in(subscriber.email)
            assert _without_origin(back.all("/orders")[:-1]) == _without_origin(before)
            assert [line["id"] for line in back.get("/lines")["data"]] == [
                line["id"] for line in lines["data"]
            ]
            assert world.sandbox.url == mortal.sandbox.url
            world.browser.pay(attempt)
            world.sandbox.drain()
            assert back.read(open_order)["status"] == "fulfilled"
    finally:
        kill({second.process.pid})
        second.stop()
    _recovers_from_a_killed_supervisor(subscriber, open_order, folder)


def _without_origin(orders: list[Json]) -> list[Json]:
    """The orders as they are wherever the shop listens: its port is another after a restart."""
    return [{**order, "receipt_url": urlsplit(order["receipt_url"] or "").path} for order in orders]


def _recovers_from_a_killed_supervisor(subscriber: Person, order: Json, folder: Path) -> None:
    third = start(folder)
    try:
        with httpx.Client(timeout=TIMEOUT) as http:
            world = World.around(third, http)
            assert world.sign_in(subscriber.email).read(order)["status"] == "fulfilled"
    finally:
        assert third.stop() == 0
    assert eventually(lambda: not third.leftovers(), 20), third.leftovers()
