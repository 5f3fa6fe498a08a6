from datetime import datetime, timedelta

from everline.core import clock, jobs
from everline.payments import services


@jobs.job("payments.send_refunds")
@jobs.sweep("payments.send_refunds", every=timedelta(seconds=30))
def send_refunds(now: datetime | None = None) -> int:
    """Send refunds that are due, ask about those that are pending."""
    return services.send_due_refunds(now=now or clock.now())


@jobs.job("payments.settle_refunds")
@jobs.sweep("payments.settle_refunds", every=timedelta(seconds=30))
def settle_refunds(now: datetime | None = None) -> int:
    """Apply what the inbox says about refunds."""
    return services.settle_refund_hints(now=now or clock.now())


@jobs.sweep("payments.reconcile", every=timedelta(seconds=30))
def reconcile(now: datetime) -> int:
    """Ask about open attempts that nobody told us of."""
    return services.reconcile_attempts(now=now)
