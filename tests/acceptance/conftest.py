"""Everline from outside: one installation for the session, and customers who register as anybody does."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import httpx
import pytest

from tests.acceptance.product import Product, start
from tests.acceptance.web import PASSWORD, TIMEOUT, Api, Browser, Json, Person, Sandbox


@dataclass(frozen=True)
class World:
    """An installation, the world around it, and what happens between them."""

    product: Product
    http: httpx.Client
    sandbox: Sandbox
    browser: Browser

    @classmethod
    def around(cls, product: Product, http: httpx.Client) -> Self:
        """The world around an installation that runs."""
        return cls(product, http, Sandbox(product.sandbox_url, http, product.sandbox_token), Browser())

    @property
    def anyone(self) -> Api:
        """Somebody without a token."""
        return Api(self.product.url, self.http)

    def sign_in(self, login: str, password: str = PASSWORD) -> Person:
        """A customer who is known already."""
        return Person(self.product.url, self.http, login, password)

    def register(self, **profile: object) -> Person:
        """A new customer, signed in; English and dollars unless said otherwise."""
        email = f"{uuid.uuid4().hex[:12]}@customer.example"
        usual = {"email": email, "password": PASSWORD, "locale": "en", "timezone": "UTC", "currency": "USD"}
        self.anyone.post("/customers", {**usual, **profile})
        return self.sign_in(email)

    def buy(self, person: Person, line: str | None = None, unit: str = "month") -> Json:
        """One paid order, everything due done."""
        order = person.order(line, unit)
        self.browser.pay(person.attempt(order))
        self.sandbox.drain()
        return person.read(order)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One installation for all tests that leave its processes alone."""
    product = start(tmp_path_factory.mktemp("installation"))
    with httpx.Client(timeout=TIMEOUT) as http:
        yield World.around(product, http)
    product.stop()


@pytest.fixture(scope="session", autouse=True)
def demo_lines(world: World) -> list[tuple[Json, Json]]:
    """Each line of the printed demo sign-in with a year's quote, before any test moved the clock."""
    demo = world.sign_in("demo@example.com", "everline-demo")
    lines = demo.get("/lines")["data"]
    return [(line, demo.quote(line["id"], demo.plan("year", line=line["id"])["id"])) for line in lines]


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """The sandbox; faults end with the test, and the clock goes back to where it was."""
    yield world.sandbox
    world.sandbox.rest()


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser


@pytest.fixture
def anyone(world: World) -> Api:
    """Somebody without a token."""
    return world.anyone


@pytest.fixture(scope="session")
def guest(world: World) -> Person:
    """A customer whom many tests share: what one leaves behind is no matter to the others."""
    return world.register()


@pytest.fixture
def person(world: World) -> Person:
    """A new customer without a line."""
    return world.register()


@pytest.fixture
def holder(world: World, person: Person) -> Person:
    """A new customer with one line, a month paid."""
    assert world.buy(person)["status"] == "fulfilled"
    return person


@pytest.fixture
def line(holder: Person) -> Json:
    """That customer's line."""
    [found] = holder.get("/lines")["data"]
    return dict(found)
