from collections.abc import Iterator
from typing import Any

import pytest

from everline.accounts.models import Customer
from everline.payments import registry
from tests.api.world import Api, World, rows_of_business
from tests.payments import fakes
from tests.payments.fakes import FakeProvider


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def anyone(db: None) -> Api:
    """A caller without a token."""
    return Api()


@pytest.fixture
def signed_in(world: World) -> tuple[Api, Customer]:
    return world.signed_in()


@pytest.fixture
def provider(settings: Any) -> Iterator[FakeProvider]:
    """A payment provider in memory in the place of all others."""
    settings.EVERLINE_PAYMENT_PROVIDERS = ["tests.payments.fakes.build"]
    fakes.Current.provider = FakeProvider()
    registry._load.cache_clear()
    yield fakes.Current.provider
    registry._load.cache_clear()


@pytest.fixture
def nothing_written(signed_in: tuple[Api, Customer]) -> Iterator[None]:
    """The business's tables hold at the end of the test what they held with one customer signed in."""
    before = rows_of_business()
    yield
    assert rows_of_business() == before
