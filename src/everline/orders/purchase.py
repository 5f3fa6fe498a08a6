"""Whether a line takes a plan, and where it would lie: one rule behind lists, quotes and payments. Pure."""

from datetime import datetime

from everline.core.errors import DomainError
from everline.lines.states import ServiceState
from everline.orders.errors import LineSuspended
from everline.usage.schedule import PlannedPeriod, PlanTerms, PlanVersionLike, Schedule, check_purchase


def check_line(
    schedule: Schedule, plan: PlanVersionLike, quantity: int, now: datetime
) -> list[PlannedPeriod]:
    """Where the periods would come to lie, were they fulfilled this instant.

    Raises:
        InvalidQuantity, LineTerminated, LineSuspended, StackLimit: the line cannot take this.
    """
    if schedule.service_state == ServiceState.SUSPENDED:
        raise LineSuspended
    return check_purchase(schedule, PlanTerms.from_version(plan), quantity, now)


def planned_if_taken(schedule: Schedule, plan: PlanVersionLike, now: datetime) -> list[PlannedPeriod] | None:
    """The same for one of a plan; None where the line cannot take it now."""
    try:
        return check_line(schedule, plan, 1, now)
    except DomainError:
        return None


def takes_nothing(schedule: Schedule) -> bool:
    """Whether no plan at all can be bought for this line."""
    return schedule.service_state in {ServiceState.SUSPENDED, ServiceState.TERMINATED}
