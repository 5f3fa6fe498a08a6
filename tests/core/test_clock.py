import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from everline.core import clock

SECOND = timedelta(seconds=1)


def test_without_a_jump_the_business_clock_is_the_machines() -> None:
    assert abs(clock.now() - clock.real_now()) < SECOND
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("jump", [timedelta(days=400), -timedelta(hours=30), timedelta(milliseconds=5)])
def test_a_jump_moves_the_clock_both_ways(jump: timedelta) -> None:
    clock.set_offset(jump)

    assert clock.offset() == jump
    assert abs(clock.now() - clock.real_now() - jump) < SECOND


def test_another_process_is_heard_at_once(settings: Any) -> None:
    clock.set_offset(timedelta(hours=1))

    # Another process writes the file the way set_offset does: a new file in its place.
    path = Path(settings.EVERLINE_DATA_DIR) / "clock-offset"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(7200.0))
    fresh.replace(path)

    assert clock.offset() == timedelta(hours=2)


def test_a_live_clock_cannot_be_moved(settings: Any) -> None:
    clock.set_offset(timedelta(hours=1))

    settings.EVERLINE_MODE = "live"

    assert clock.offset() == timedelta(0)
    with pytest.raises(clock.ClockFrozen):
        clock.set_offset(timedelta(hours=2))


def test_a_jump_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="two hundred years"):
        clock.set_offset(timedelta(days=366 * 300))
    assert clock.offset() == timedelta(0)
