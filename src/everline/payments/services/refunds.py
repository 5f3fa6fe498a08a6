"""Giving money back: the intent under the attempt's lock, the call outside, the outcome as it is told."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Sum
from django.db.models.functions import Coalesce

from everline.core import jobs
from everline.core.money import Money
from everline.core.transactions import refuse_inside_transaction, retrying
from everline.payments import states
from everline.payments.errors import NotRefundable, RefundTooLarge
from everline.payments.models import Attempt, Refund
from everline.payments.services.refund_calls import RefundOutcome, ask_about, claim_refunds, perform_all
from everline.payments.services.refund_outcomes import settle_refunds
from everline.payments.services.settle import lock_attempts
from everline.payments.types import RefundItem

logger = logging.getLogger(__name__)

SEND_JOB = "payments.send_refunds"


def request_refunds(*, items: Sequence[RefundItem], reason: str, now: datetime) -> list[Refund]:
    """Write the intent to give money back, in the caller's transaction; a job sends it after the commit.

    An item without an amount gives back all that is left; where nothing is left because it is on its way
    already, it adds nothing, so asking twice refunds once. Costs a constant number of statements. Returns
    the new refunds.

    Raises:
        NotRefundable: an attempt holds no captured money.
        RefundTooLarge: more than captured minus all refunds that are open or done.
    """
    attempts = lock_attempts(attempt_ids=[item.attempt_id for item in items])
    left = _refundable(attempts)
    refunds: list[Refund] = []
    for item in items:
        attempt = attempts.get(item.attempt_id)
        if attempt is None or attempt.status not in states.PAID:
            raise NotRefundable(attempt=item.attempt_id)
        available = left[attempt.id]
        amount = available if item.amount is None else item.amount
        if item.amount is None and not amount:
            continue
        if amount.currency != available.currency or not 0 < amount.amount <= available.amount:
            raise RefundTooLarge(refundable=available.amount, currency=available.currency)
        left[attempt.id] = available - amount
        refunds.append(
            Refund(
                attempt=attempt,
                amount_minor=amount.amount,
                currency=amount.currency,
                reason=reason[:200],
                created_at=now,
                next_try_at=now,
            )
        )
    if refunds:
        Refund.objects.bulk_create(refunds)
        jobs.defer(SEND_JOB)
    return refunds


def send_due_refunds(*, now: datetime, limit: int = 100) -> int:
    """Send or ask about every refund that is due, outside any transaction. Returns how many were claimed.

    A claim is a lease: a refund whose process dies here is claimed again later, with the same key.
    """
    refuse_inside_transaction()
    refunds = claim_refunds(now=now, limit=limit)
    if refunds:
        _keep(perform_all(refunds=refunds, now=now), now)
    return len(refunds)


def refresh_refunds(*, refund_ids: Sequence[str], now: datetime) -> int:
    """Ask about refunds that somebody says have changed, whatever their state. Returns how many are ours."""
    refuse_inside_transaction()
    refunds = list(Refund.objects.filter(pk__in=refund_ids).select_related("attempt"))
    if refunds:
        _keep(ask_about(refunds=refunds), now)
    return len(refunds)


@retrying
def _keep(outcomes: Sequence[RefundOutcome], now: datetime) -> None:
    settle_refunds(outcomes=outcomes, now=now)


def _refundable(attempts: dict[str, Attempt]) -> dict[str, Money]:
    taken = dict(
        Refund.objects.filter(attempt__in=list(attempts), status__in=states.REFUND_COUNTS)
        .values_list("attempt_id")
        .annotate(total=Coalesce(Sum("amount_minor"), 0))
    )
    return {
        key: attempt.captured - Money(int(taken.get(key, 0)), attempt.captured.currency)
        for key, attempt in attempts.items()
    }
