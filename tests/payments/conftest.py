from collections.abc import Iterator
from typing import Any

import pytest

from everline.core import jobs
from everline.payments import registry
from tests.payments import fakes
from tests.payments.fakes import FakeProvider, truths


@pytest.fixture
def provider(settings: Any) -> Iterator[FakeProvider]:
    """A provider in memory in the place of all others."""
    settings.EVERLINE_PAYMENT_PROVIDERS = ["tests.payments.fakes.build"]
    fakes.Current.provider = FakeProvider()
    registry._load.cache_clear()
    yield fakes.Current.provider
    registry._load.cache_clear()


@pytest.fixture(autouse=True)
def deferred(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of jobs that were deferred; nothing runs them here."""
    names: list[str] = []

    def record(name: str, **arguments: str | int) -> None:
        names.append(name)

    monkeypatch.setattr(jobs, "defer", record)
    return names


@pytest.fixture
def books_hold() -> Iterator[None]:
    """The room's truths hold at the end of the test."""
    yield
    assert not any(truths().values()), truths()
