from datetime import UTC, datetime, timedelta

import pytest

from everline.usage.states import DEAD, PERIOD_MACHINE, PeriodState, effective_period_state

START = datetime(2027, 5, 1, tzinfo=UTC)
END = START + timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("stored", ["queued", "active", "ended"])
@pytest.mark.parametrize(
    ("now", "state"),
    [(START - SECOND, "queued"), (START, "active"), (END - SECOND, "active"), (END, "ended")],
)
def test_dates_decide_whatever_a_sweep_has_written(stored: str, now: datetime, state: str) -> None:
    assert effective_period_state(stored, START, END, None, now) == state


@pytest.mark.parametrize("stored", ["revoked", "lapsed"])
@pytest.mark.parametrize("now", [START - SECOND, START, END])
def test_what_is_gone_stays_gone(stored: str, now: datetime) -> None:
    assert effective_period_state(stored, START, END, None, now) == stored


def test_a_suspended_period_is_suspended_until_it_is_over() -> None:
    assert effective_period_state("suspended", START, END, None, START) == "suspended"
    assert effective_period_state("suspended", START, END, None, END) == "ended"
    assert effective_period_state("suspended", None, None, START, END) == "suspended"


def test_an_open_start_lapses_at_its_deadline() -> None:
    assert effective_period_state("queued", None, None, END, END - SECOND) == "queued"
    assert effective_period_state("queued", None, None, END, END) == "lapsed"
    assert effective_period_state("queued", None, None, None, END) == "queued"


def test_the_table_is_whole_and_endings_are_final() -> None:
    assert set(PERIOD_MACHINE.table) == set(PeriodState)
    for state in {*DEAD, PeriodState.ENDED}:
        assert PERIOD_MACHINE.table[state] == frozenset()
    assert PERIOD_MACHINE.field == "state"
