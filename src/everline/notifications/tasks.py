from datetime import datetime, timedelta

from everline.core import jobs
from everline.notifications import delivery


@jobs.job("notifications.deliver")
@jobs.sweep("notifications.deliver_due", every=timedelta(seconds=5))
def deliver(now: datetime | None = None) -> int:
    """Deliver the messages that are due."""
    return delivery.deliver_due(now)
