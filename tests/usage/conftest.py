from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.usage.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def at() -> Callable[..., datetime]:
    """A time in UTC by its parts."""

    def moment(*parts: int) -> datetime:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]

    return moment
