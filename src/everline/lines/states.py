"""The two states of a line: what the customer is owed (service) and what the chip holds (profile)."""

from datetime import datetime, timedelta
from enum import StrEnum

from everline.core.states import Machine


class ServiceState(StrEnum):
    """Whether the line works: a consequence of what was paid, until when, and of what staff decided."""

    PENDING = "pending"
    ACTIVE = "active"
    GRACE = "grace"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class ProfileState(StrEnum):
    """Where the eSIM profile stands between the SM-DP+ and the device (SGP.22, 3.1.6)."""

    ALLOCATED = "allocated"
    RELEASED = "released"
    DOWNLOADED = "downloaded"
    INSTALLED = "installed"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"
    ERROR = "error"


#: A terminated line never comes back: its number may already be somebody else's.
SERVICE_MACHINE = Machine(
    field="service_state",
    table={
        ServiceState.PENDING: frozenset(
            {ServiceState.ACTIVE, ServiceState.GRACE, ServiceState.SUSPENDED, ServiceState.TERMINATED}
        ),
        ServiceState.ACTIVE: frozenset({ServiceState.GRACE, ServiceState.SUSPENDED}),
        ServiceState.GRACE: frozenset({ServiceState.ACTIVE, ServiceState.SUSPENDED, ServiceState.TERMINATED}),
        ServiceState.SUSPENDED: frozenset(
            {ServiceState.PENDING, ServiceState.ACTIVE, ServiceState.GRACE, ServiceState.TERMINATED}
        ),
        ServiceState.TERMINATED: frozenset(),
    },
)

_ON_THE_CHIP = frozenset(
    {
        ProfileState.INSTALLED,
        ProfileState.ENABLED,
        ProfileState.DISABLED,
        ProfileState.DELETED,
        ProfileState.ERROR,
    }
)

#: Reports get lost, so a profile may skip states forwards. It goes back only where a device really can: a
#: download is started again, a deleted profile is reused, an error is overcome.
PROFILE_MACHINE = Machine(
    field="profile_state",
    table={
        ProfileState.ALLOCATED: _ON_THE_CHIP | {ProfileState.RELEASED, ProfileState.DOWNLOADED},
        ProfileState.RELEASED: _ON_THE_CHIP | {ProfileState.DOWNLOADED},
        ProfileState.DOWNLOADED: _ON_THE_CHIP | {ProfileState.RELEASED},
        ProfileState.INSTALLED: _ON_THE_CHIP - {ProfileState.INSTALLED},
        ProfileState.ENABLED: _ON_THE_CHIP - {ProfileState.INSTALLED, ProfileState.ENABLED},
        ProfileState.DISABLED: _ON_THE_CHIP - {ProfileState.INSTALLED, ProfileState.DISABLED},
        ProfileState.DELETED: frozenset(
            {
                ProfileState.RELEASED,
                ProfileState.DOWNLOADED,
                ProfileState.INSTALLED,
                ProfileState.ENABLED,
                ProfileState.ERROR,
            }
        ),
        ProfileState.ERROR: (_ON_THE_CHIP | {ProfileState.RELEASED, ProfileState.DOWNLOADED})
        - {ProfileState.ERROR},
    },
)


def effective_service_state(
    stored: str,
    valid_until: datetime | None,
    grace_days: int,
    now: datetime,
    held_until: datetime | None = None,
) -> ServiceState:
    """What the line's state is at this instant, whatever a sweep has already written.

    `valid_until` is the end of the last dated base period; `held_until` is how long a paid period that still
    waits for its first use keeps the number beyond the grace time. Suspension and termination are decisions
    and stand as stored.
    """
    state = ServiceState(stored)
    if state in (ServiceState.SUSPENDED, ServiceState.TERMINATED):
        return state
    if valid_until is None:
        return ServiceState.PENDING
    if now < valid_until:
        return ServiceState.ACTIVE
    kept = kept_until(valid_until, grace_days, held_until)
    return ServiceState.GRACE if now < kept else ServiceState.TERMINATED


def kept_until(valid_until: datetime, grace_days: int, held_until: datetime | None = None) -> datetime:
    """When the grace time ends, or the wait for a paid first use where that is later."""
    kept = valid_until + timedelta(days=grace_days)
    return kept if held_until is None else max(kept, held_until)
