from collections.abc import Iterator
from typing import Any

import pytest

from everline.core import jobs
from everline.suppliers import registry
from tests.suppliers import fakes
from tests.suppliers.fakes import FakeSupplier


@pytest.fixture
def supplier(settings: Any) -> Iterator[FakeSupplier]:
    """A supplier in memory in the place of all others."""
    settings.EVERLINE_SUPPLIERS = ["tests.suppliers.fakes.build"]
    fakes.Current.supplier = FakeSupplier()
    registry._load.cache_clear()
    yield fakes.Current.supplier
    registry._load.cache_clear()


@pytest.fixture(autouse=True)
def deferred(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of jobs that were deferred; nothing runs them here."""
    names: list[str] = []

    def record(name: str, **arguments: str | int) -> None:
        names.append(name)

    monkeypatch.setattr(jobs, "defer", record)
    return names
