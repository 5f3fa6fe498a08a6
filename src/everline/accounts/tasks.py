from datetime import datetime, timedelta

from everline.accounts.services.codes import BATCH, SEND_JOB
from everline.accounts.services.codes import send_codes as send
from everline.accounts.services.forgetting import forget_old
from everline.core import clock, jobs


@jobs.job(SEND_JOB)
@jobs.sweep("accounts.send_wished_codes", every=timedelta(seconds=30))
def send_codes(now: datetime | None = None) -> int:
    """Make and send the codes that were asked for."""
    total = 0
    while True:
        done = send(now or clock.now())
        total += done
        if done < BATCH:
            return total


@jobs.sweep("accounts.forget_old", every=timedelta(hours=6))
def forget(now: datetime) -> int:
    """Drop what nobody needs any more."""
    return forget_old(now)
