from datetime import UTC, datetime, timedelta

import pytest

from everline.lines.states import (
    PROFILE_MACHINE,
    SERVICE_MACHINE,
    ProfileState,
    ServiceState,
    effective_service_state,
    kept_until,
)

END = datetime(2027, 5, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (END - SECOND, "active"),
        (END, "grace"),
        (END + timedelta(days=30) - SECOND, "grace"),
        (END + timedelta(days=30), "terminated"),
    ],
)
@pytest.mark.parametrize("stored", ["pending", "active", "grace"])
def test_the_state_is_right_at_the_instant_whatever_is_stored(now: datetime, state: str, stored: str) -> None:
    assert effective_service_state(stored, END, 30, now) == state


@pytest.mark.parametrize("stored", ["suspended", "terminated"])
@pytest.mark.parametrize("now", [END - SECOND, END, END + timedelta(days=99)])
def test_decisions_stand(stored: str, now: datetime) -> None:
    assert effective_service_state(stored, END, 30, now) == stored


def test_a_line_never_paid_for_is_pending() -> None:
    assert effective_service_state("pending", None, 30, END) == "pending"


def test_no_grace_ends_at_once() -> None:
    assert effective_service_state("active", END, 0, END) == "terminated"


def test_a_period_waiting_for_first_use_keeps_the_number() -> None:
    held = END + timedelta(days=80)

    assert effective_service_state("active", END, 30, END + timedelta(days=60), held) == "grace"
    assert effective_service_state("active", END, 30, held, held) == "terminated"
    assert effective_service_state("active", END, 30, END + timedelta(days=29), END) == "grace"


def test_every_state_has_a_row_and_termination_is_for_good() -> None:
    assert set(SERVICE_MACHINE.table) == set(ServiceState)
    assert set(PROFILE_MACHINE.table) == set(ProfileState)
    assert SERVICE_MACHINE.table[ServiceState.TERMINATED] == frozenset()
    for machine in (SERVICE_MACHINE, PROFILE_MACHINE):
        assert all(state not in targets for state, targets in machine.table.items())


def test_a_profile_on_the_chip_is_never_only_released_again() -> None:
    for state in (ProfileState.INSTALLED, ProfileState.ENABLED, ProfileState.DISABLED):
        assert not {ProfileState.ALLOCATED, ProfileState.RELEASED} & PROFILE_MACHINE.table[state]


def test_how_long_a_number_is_kept() -> None:
    assert kept_until(END, 30) == END + timedelta(days=30)
    assert kept_until(END, 30, END + timedelta(days=80)) == END + timedelta(days=80)
    assert kept_until(END, 30, END) == END + timedelta(days=30)
