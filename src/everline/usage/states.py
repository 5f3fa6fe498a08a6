"""States of a period, and how its start is decided."""

from datetime import datetime
from enum import StrEnum

from everline.core.states import Machine


class PeriodState(StrEnum):
    """Where a period stands."""

    QUEUED = "queued"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"
    REVOKED = "revoked"
    LAPSED = "lapsed"


class StartRule(StrEnum):
    """What decides when a period starts: its order, the end of the one before, depletion, or first use."""

    NOW = "now"
    PREVIOUS = "previous"
    DEPLETION = "depletion"
    FIRST_USE = "first_use"


PERIOD_MACHINE = Machine(
    field="state",
    table={
        PeriodState.QUEUED: frozenset(
            {PeriodState.ACTIVE, PeriodState.SUSPENDED, PeriodState.REVOKED, PeriodState.LAPSED}
        ),
        PeriodState.ACTIVE: frozenset({PeriodState.SUSPENDED, PeriodState.ENDED, PeriodState.REVOKED}),
        PeriodState.SUSPENDED: frozenset(
            {PeriodState.QUEUED, PeriodState.ACTIVE, PeriodState.ENDED, PeriodState.REVOKED}
        ),
        PeriodState.ENDED: frozenset(),
        PeriodState.REVOKED: frozenset(),
        PeriodState.LAPSED: frozenset(),
    },
)

#: These follow from the dates alone; the stored one may lag behind.
BY_DATE = frozenset({PeriodState.QUEUED, PeriodState.ACTIVE, PeriodState.ENDED})
#: A period in one of these gives nothing any more, whatever its dates say.
DEAD = frozenset({PeriodState.REVOKED, PeriodState.LAPSED})


def effective_period_state(
    stored: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    opens_by: datetime | None,
    now: datetime,
) -> PeriodState:
    """What a period is at this instant, whatever a sweep has already written."""
    state = PeriodState(stored)
    if state in DEAD:
        return state
    if starts_at is None or ends_at is None:
        unused = state is PeriodState.QUEUED and opens_by is not None and opens_by <= now
        return PeriodState.LAPSED if unused else state
    if ends_at <= now:
        return PeriodState.ENDED
    if state is PeriodState.SUSPENDED:
        return state
    return PeriodState.QUEUED if now < starts_at else PeriodState.ACTIVE
