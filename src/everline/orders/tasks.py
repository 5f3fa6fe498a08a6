from datetime import datetime, timedelta

from everline.core import clock, jobs
from everline.orders.services import expiry, fulfilment, settlement

_OFTEN = timedelta(seconds=5)
_MINUTE = timedelta(minutes=1)


@jobs.job("orders.settle")
@jobs.sweep("orders.settle", every=_OFTEN)
def settle(now: datetime | None = None) -> int:
    """Apply waiting payment hints."""
    return settlement.settle_inbox(now or clock.now())


@jobs.job("orders.fulfil")
@jobs.sweep("orders.fulfil", every=_OFTEN)
def fulfil(now: datetime | None = None) -> int:
    """Deliver what is paid."""
    return fulfilment.fulfil_due(now or clock.now())


@jobs.job("orders.wake")
@jobs.sweep("orders.wake", every=_OFTEN)
def wake(now: datetime | None = None) -> int:
    """Ask again about purchases that suppliers say have changed."""
    at = now or clock.now()
    woken = fulfilment.wake_announced(at)
    if woken:
        fulfilment.fulfil_due(at)
    return woken


@jobs.sweep("orders.expire", every=_MINUTE)
def expire(now: datetime) -> int:
    """End orders that nobody paid in time."""
    return expiry.expire_unpaid(now)


@jobs.sweep("orders.refund_undelivered", every=_MINUTE)
def refund_undelivered(now: datetime) -> int:
    """Give back the money of orders past their delivery deadline."""
    return fulfilment.refund_undelivered(now)
