from datetime import datetime, timedelta

from everline.core import clock
from everline.core.jobs import job, sweep
from everline.usage.services import collecting, moving


@job("usage.collect_supplier_events")
def collect_supplier_events() -> None:
    """Apply what suppliers announced."""
    collecting.collect_supplier_events(clock.now())


@sweep("usage.collect_supplier_events", every=timedelta(seconds=30))
def recollect_supplier_events(now: datetime) -> int:
    """Try announcements again whose job failed, or whose next try has come."""
    return collecting.collect_supplier_events(now)


@sweep("usage.lapse_periods", every=timedelta(minutes=1))
def lapse_periods(now: datetime) -> int:
    """Close what was not used by its deadline."""
    return moving.lapse_periods(now)


@sweep("usage.catch_up_periods", every=timedelta(minutes=1))
def catch_up_periods(now: datetime) -> int:
    """Let stored period states follow the dates."""
    return moving.catch_up_periods(now)
