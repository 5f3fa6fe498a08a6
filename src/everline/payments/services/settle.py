"""Applying truths to locked attempts, a batch at a time, in the transaction of whoever owns the payables.

The caller fetches truths outside any transaction, locks its own rows and then the attempts
(`lock_attempts`), asks `judge` what each truth means, decides what it keeps, and calls the three `settle_…`
functions. Each costs a constant number of statements; applying the same truth again changes nothing.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from everline.core.money import Money
from everline.core.states import transition_many
from everline.payments import ledger, states
from everline.payments.models import Attempt
from everline.payments.services.details import Details, details_of, mirror, write_details
from everline.payments.services.posting import Booking, book
from everline.payments.services.truths import Truth, matches, stand_in
from everline.payments.states import AttemptStatus, Verdict
from everline.payments.types import Absent, Failure, PaymentState, Snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a truth asks to be done with an attempt.

    CAPTURE: exactly the money that was asked for. MISMATCH: money, but not that; never keep it. FAIL: no
    money will come by this attempt. OPEN: still under way. NOTHING: known already, or no answer.
    """

    attempt: Attempt
    verdict: Verdict
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Capture:
    """Captured money and the decision about it: kept (`tax` is the part of it that is tax), or surplus."""

    judgement: Judgement
    keep: bool
    tax: Money | None = None
    reason: str = ""


def lock_attempts(*, attempt_ids: Iterable[str]) -> dict[str, Attempt]:
    """The attempts, locked in the order of their keys until the transaction ends."""
    rows = Attempt.objects.select_for_update().filter(pk__in=set(attempt_ids)).order_by("pk")
    return {attempt.id: attempt for attempt in rows}


def judge(*, attempt: Attempt, truth: Truth, now: datetime) -> Judgement:
    """What a truth means for a locked attempt.

    Time alone never fails an attempt: an attempt past its expiry fails only when the provider says so, or
    says positively that it has no payment for it.
    """
    if isinstance(truth, Absent):
        gone = now >= attempt.expires_at and attempt.status in states.OPEN
        snapshot = stand_in(attempt, PaymentState.FAILED, Failure("expired"))
        return Judgement(attempt, Verdict.FAIL if gone else Verdict.NOTHING, snapshot)
    if not isinstance(truth, Snapshot):
        return Judgement(attempt, Verdict.NOTHING, stand_in(attempt, PaymentState.UNKNOWN, Failure("")))
    exact = matches(attempt, truth)
    if not exact:
        logger.error("payment %s of %s differs from attempt %s", truth.ref, truth.provider, attempt.id)
    return Judgement(attempt, states.verdict(attempt.status, truth.state, exact=exact), truth)


def settle_captures(*, items: Sequence[Capture], now: datetime) -> list[str]:
    """Record captured money: kept as `captured`, else as `surplus` in suspense. Returns those that moved.

    A MISMATCH is never kept, whatever `keep` says. The database refuses a second kept capture of one payable.
    """
    live = [item for item in items if item.judgement.attempt.status not in states.PAID]
    if not live:
        return []
    kept = [item for item in live if _is_kept(item)]
    surplus = [item for item in live if not _is_kept(item)]
    moved = [
        *_move(kept, AttemptStatus.CAPTURED, now, {"kept": True}),
        *_move(surplus, AttemptStatus.SURPLUS, now, {"kept": False}),
    ]
    book(bookings=[_booking(item) for item in live if item.judgement.attempt.id in set(moved)], now=now)
    return moved


def settle_failures(*, items: Sequence[Judgement], now: datetime, reason: str = "") -> list[str]:
    """Record attempts that ended without money. Returns those that moved."""
    live = [item for item in items if item.attempt.status in states.OPEN]
    if not live:
        return []
    rows = {
        item.attempt.id: replace(details_of(item.attempt, item.snapshot), redirect_url="").values
        for item in live
    }
    moved = transition_many(
        Attempt, list(rows), to=AttemptStatus.FAILED, reason=reason or "provider", each=rows, now=now
    )
    for item in live:
        mirror(item.attempt, status=str(AttemptStatus.FAILED), **rows[item.attempt.id])
    return moved


def settle_open(*, items: Sequence[Judgement], now: datetime) -> list[str]:
    """Record news of payments that are under way (a page to go to, processing). Returns those that moved.

    No news costs no statement.
    """
    news = [item for item in items if item.attempt.status in states.OPEN and _is_news(item)]
    if not news:
        return []
    write_details(
        attempts=[item.attempt for item in news],
        rows=[details_of(item.attempt, item.snapshot) for item in news],
    )
    moved: list[str] = []
    for target in (AttemptStatus.UNKNOWN, AttemptStatus.REQUIRES_ACTION, AttemptStatus.PROCESSING):
        chosen = [item for item in news if _target(item) == target]
        moved += transition_many(
            Attempt, [item.attempt.id for item in chosen], to=target, reason="provider", now=now
        )
        for item in chosen:
            mirror(item.attempt, status=str(target))
    return moved


def _target(item: Judgement) -> AttemptStatus | None:
    return states.open_target(item.attempt.status, item.snapshot.state)


def _is_news(item: Judgement) -> bool:
    snapshot, attempt = item.snapshot, item.attempt
    return (
        _target(item) is not None
        or (bool(snapshot.ref) and attempt.psp_ref is None)
        or (bool(snapshot.redirect_url) and attempt.redirect_url != snapshot.redirect_url)
    )


def _is_kept(item: Capture) -> bool:
    return item.keep and item.judgement.verdict == Verdict.CAPTURE


def _booking(item: Capture) -> Booking:
    attempt, amount = item.judgement.attempt, item.judgement.snapshot.captured
    if _is_kept(item):
        tax = item.tax or Money.zero(amount.currency)
        posting = ledger.capture(attempt_id=attempt.id, amount=amount, tax=tax)
    else:
        posting = ledger.capture_to_suspense(attempt_id=attempt.id, amount=amount)
    return Booking(posting, attempt.id, attempt.payable)


def _move(items: Sequence[Capture], to: AttemptStatus, now: datetime, values: dict[str, bool]) -> list[str]:
    if not items:
        return []
    changes: dict[str, object] = {**values, "captured_at": now}
    rows = {item.judgement.attempt.id: _capture_details(item).values for item in items}
    reasons = {item.reason for item in items}
    moved: list[str] = []
    for reason in sorted(reasons):
        chosen = [item.judgement.attempt for item in items if item.reason == reason]
        moved += transition_many(
            Attempt,
            [attempt.id for attempt in chosen],
            to=to,
            reason=reason or "provider",
            set=changes,
            each=rows,
            now=now,
        )
        for attempt in chosen:
            mirror(attempt, status=str(to), **changes, **rows[attempt.id])
    return moved


def _capture_details(item: Capture) -> Details:
    snapshot = item.judgement.snapshot
    tax = item.tax.amount if item.tax is not None and _is_kept(item) else 0
    return replace(
        details_of(item.judgement.attempt, snapshot),
        redirect_url="",
        failure_code="",
        failure_message="",
        failure_hard=False,
        captured_minor=snapshot.captured.amount,
        captured_currency=snapshot.captured.currency,
        tax_minor=tax,
    )
