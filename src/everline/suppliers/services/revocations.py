"""Taking back what was delivered for orders that were given up."""

from datetime import datetime

from django.db import transaction

from everline.suppliers.services.calls import call_suppliers, claim_due
from everline.suppliers.services.outcomes import record_outcomes
from everline.suppliers.types import OrderKind


def send_due_revocations(*, now: datetime, limit: int = 100) -> int:
    """Send every revocation that is due, outside any transaction. Returns how many were claimed."""
    due = claim_due(now=now, limit=limit, kinds=(OrderKind.REVOCATION,))
    outcomes = call_suppliers(orders=due)
    if outcomes:
        with transaction.atomic():
            record_outcomes(outcomes=outcomes, now=now)
    return len(due)
