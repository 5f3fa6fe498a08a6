"""The reconciler: asks about every open attempt in time, so that no lost webhook loses money."""

from datetime import datetime, timedelta

from everline.core import inbox
from everline.core.transactions import refuse_inside_transaction
from everline.payments import states
from everline.payments.models import Attempt
from everline.payments.services.attempts import start_attempts
from everline.payments.services.outcomes import SETTLE_JOB
from everline.payments.states import AttemptStatus
from everline.payments.types import PAYMENT_CHANGED

_FIRST_PAUSE = timedelta(seconds=60)
_LONGEST_PAUSE = timedelta(days=1)
_MAX_DOUBLINGS = 11
_AFTER_EXPIRY = timedelta(seconds=30)
_BATCH = 50

#: The due rows stand in a CTE: as a subquery in FROM the planner may run its LIMIT once per row.
_CLAIM = """
WITH plan AS MATERIALIZED (
    SELECT id, LEAST(%(first)s * power(2, LEAST(checks + 1, %(doublings)s)), %(longest)s) AS pause
    FROM payments_attempt WHERE status = ANY(%(open)s) AND next_check_at <= %(now)s
    ORDER BY next_check_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE payments_attempt AS a SET checks = a.checks + 1, next_check_at = CASE
    WHEN %(now)s < a.expires_at THEN LEAST(%(now)s + plan.pause, a.expires_at + %(after)s)
    ELSE %(now)s + plan.pause END
FROM plan
WHERE a.id = plan.id
RETURNING a.*
"""


def attempts_to_check(*, now: datetime, limit: int = _BATCH) -> list[Attempt]:
    """Open attempts whose check is due, each claimed for this caller by moving its next check on.

    Checks come 1, 2, 4, 8 … minutes apart, a day at most, and once right after the attempt's expiry. They
    never stop while the attempt is open: time alone fails nothing.
    """
    return list(
        Attempt.objects.raw(
            _CLAIM,
            {
                "now": now,
                "after": _AFTER_EXPIRY,
                "first": _FIRST_PAUSE,
                "doublings": _MAX_DOUBLINGS,
                "longest": _LONGEST_PAUSE,
                "open": sorted(str(status) for status in states.OPEN),
                "limit": limit,
            },
        )
    )


def reconcile_attempts(*, now: datetime) -> int:
    """Check what is due, outside any transaction; returns how many attempts were looked at.

    An attempt that its provider may never have got is submitted again with its own key first. All others,
    and those that are still unclear after that, get a hint, and settle asks the provider.
    """
    refuse_inside_transaction()
    due = attempts_to_check(now=now)
    unsent = [attempt for attempt in due if attempt.psp_ref is None]
    start_attempts(attempts=[each for each in unsent if now < each.expires_at], now=now)
    for attempt in due:
        started = attempt in unsent and attempt.status == AttemptStatus.REQUIRES_ACTION
        if attempt.status in states.OPEN and not started:
            inbox.store(
                source=f"payments:{attempt.provider}",
                event_id=f"recon:{attempt.id}:{attempt.checks}",
                kind=PAYMENT_CHANGED,
                object_ref=attempt.psp_ref or "",
                reference=attempt.id,
                job=SETTLE_JOB,
            )
    return len(due)
