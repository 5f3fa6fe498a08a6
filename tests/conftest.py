"""The suite's ground: a real PostgreSQL, a data folder of its own, a clock that starts right."""

from collections.abc import Iterator

import pytest

from everline.core import clock


@pytest.fixture(autouse=True)
def _true_clock() -> Iterator[None]:
    """Every test starts and ends at the machine's time."""
    clock.reset()
    yield
    clock.reset()
