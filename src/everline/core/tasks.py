from datetime import datetime, timedelta

from procrastinate.contrib.django import app

from everline.core import clock, events, idempotency, jobs, ratelimit


@jobs.job("core.dispatch")
@jobs.sweep("core.dispatch", every=timedelta(seconds=5))
def dispatch(now: datetime | None = None) -> int:
    """Hand the outbox's waiting events to their handlers."""
    return events.dispatch(now or clock.now())


@jobs.sweep("core.forget", every=timedelta(hours=1))
def forget(now: datetime) -> int:
    """Drop what has served its time: ended jobs, old keys, handled events. Counts as nothing done."""
    jobs.forget_finished()
    idempotency.forget_old(now)
    events.forget_old(now)
    ratelimit.forget_old(now)
    return 0


@app.periodic(cron="* * * * * */5", periodic_id=jobs.TICK)  # the seconds are the sixth field
@app.task(name=jobs.TICK, queueing_lock=jobs.TICK)
def tick(timestamp: int) -> None:
    """The queue's only schedule: look which sweeps are due by the business clock."""
    del timestamp
    jobs.run_due(clock.now())
