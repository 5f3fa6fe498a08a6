"""The door through which the rooms above reach a line's schedule for somebody."""

from datetime import datetime

from everline.core import ids
from everline.core.errors import NotFound
from everline.usage.schedule import Schedule
from everline.usage.selectors import schedules


def get_schedule_for_customer(*, customer_id: str, line_id: str, now: datetime) -> Schedule:
    """What the next order of this customer's line depends on; one statement.

    Raises:
        NotFound: no such line, or another customer's.
    """
    found = schedules([ids.require("ln", line_id)], now, customer_id=customer_id)
    if line_id not in found:
        raise NotFound
    return found[line_id]
