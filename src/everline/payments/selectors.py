"""Questions about attempts and refunds. Nothing here writes or locks."""

from collections.abc import Iterable
from datetime import datetime

from everline.core import ids
from everline.payments import states
from everline.payments.models import Attempt, Refund
from everline.payments.states import AttemptStatus
from everline.payments.types import AttemptRef


def attempts_for(payables: Iterable[str]) -> dict[str, list[Attempt]]:
    """All attempts of each payable, oldest first. One statement."""
    found: dict[str, list[Attempt]] = {payable: [] for payable in payables}
    for attempt in Attempt.objects.filter(payable__in=found).order_by("pk"):
        found[attempt.payable].append(attempt)
    return found


def refunds_for(payables: Iterable[str]) -> dict[str, list[Refund]]:
    """All refunds of each payable, oldest first, their attempts with them. One statement."""
    found: dict[str, list[Refund]] = {payable: [] for payable in payables}
    rows = Refund.objects.filter(attempt__payable__in=found).select_related("attempt").order_by("pk")
    for refund in rows:
        found[refund.attempt.payable].append(refund)
    return found


def open_attempt(payable: str) -> Attempt | None:
    """The payable's open attempt; there is at most one."""
    return Attempt.objects.filter(payable=payable, status__in=states.OPEN).first()


def attempts_by_ids(attempt_ids: Iterable[str]) -> dict[str, Attempt]:
    """The attempts that exist, unlocked; what has not the form of an attempt's id is left out."""
    wanted = {each for each in attempt_ids if ids.is_id("att", each)}
    return {attempt.id: attempt for attempt in Attempt.objects.filter(pk__in=wanted)} if wanted else {}


def attempt_ref(attempt: Attempt) -> AttemptRef:
    """What is needed to ask the provider about an attempt."""
    return AttemptRef(attempt.id, attempt.provider, attempt.psp_ref or "", attempt.created_at)


def surplus_without_refund(now: datetime, limit: int = 100) -> list[Attempt]:
    """Money that is neither kept nor on its way back, oldest first; mismatches wait here for people."""
    on_the_way = Refund.objects.filter(status__in=states.REFUND_COUNTS).values("attempt_id")
    rows = Attempt.objects.filter(status=AttemptStatus.SURPLUS, captured_at__lte=now)
    return list(rows.exclude(pk__in=on_the_way).order_by("captured_at")[:limit])


def holds_surplus(payable: str) -> bool:
    """Whether money came for this payable that is neither kept nor on its way back. One statement."""
    on_the_way = Refund.objects.filter(status__in=states.REFUND_COUNTS).values("attempt_id")
    rows = Attempt.objects.filter(payable=payable, status=AttemptStatus.SURPLUS)
    return rows.exclude(pk__in=on_the_way).exists()
