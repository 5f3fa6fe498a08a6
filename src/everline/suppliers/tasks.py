from datetime import datetime, timedelta

from everline.core import clock, jobs
from everline.suppliers import services


@jobs.job("suppliers.revoke")
@jobs.sweep("suppliers.revoke", every=timedelta(seconds=30))
def revoke(now: datetime | None = None) -> int:
    """Take back what was delivered for orders that were given up."""
    return services.send_due_revocations(now=now or clock.now())
