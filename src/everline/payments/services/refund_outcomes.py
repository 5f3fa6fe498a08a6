"""Keeping what refunds came to: their state, the attempt's figures and state, the books, and the news."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from everline.core import events
from everline.core.ids import to_int
from everline.core.money import Money
from everline.core.states import transition_many
from everline.payments import ledger, states
from everline.payments.events import RefundSettled
from everline.payments.ledger import Account, Entry
from everline.payments.models import Attempt, LedgerEntry, Refund
from everline.payments.services.posting import Booking, book
from everline.payments.services.refund_calls import RefundOutcome
from everline.payments.services.settle import lock_attempts
from everline.payments.states import AttemptStatus, RefundStatus

logger = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=15)
_LONGEST_PAUSE = timedelta(hours=12)
_MAX_DOUBLINGS = 12


@dataclass(slots=True)
class _Row:
    """One refund with what its provider says of it."""

    refund: Refund
    attempt: Attempt
    outcome: RefundOutcome
    target: RefundStatus | None


@transaction.atomic
def settle_refunds(*, outcomes: Sequence[RefundOutcome], now: datetime) -> list[str]:
    """Apply outcomes; returns the refunds whose state moved. Applying them again changes nothing.

    Costs a constant number of statements. A refund that differs from what was asked for is never settled:
    it is logged and asked about again.
    """
    rows = _lock(outcomes)
    if not rows:
        return []
    _write_refunds(rows, now)
    moved = {refund_id for target in RefundStatus for refund_id in _move(rows, target, now)}
    # Against the refund's state before the move: only entering and leaving `succeeded` moves money.
    changed = [row for row in rows if row.refund.id in moved]
    gone = [row for row in changed if row.target == RefundStatus.SUCCEEDED]
    back = [row for row in changed if row.refund.status == RefundStatus.SUCCEEDED]
    book(bookings=[*_bookings(gone), *_returned(back)], now=now)
    _write_attempts([*gone, *back], now)
    ended = {RefundStatus.SUCCEEDED, RefundStatus.FAILED}
    events.publish(
        *(
            RefundSettled(
                refund_id=row.refund.id,
                attempt_id=row.attempt.id,
                payable=row.attempt.payable,
                status=str(row.target),
            )
            for row in changed
            if row.target in ended
        )
    )
    return sorted(moved)


def _lock(outcomes: Sequence[RefundOutcome]) -> list[_Row]:
    by_id = {outcome.refund_id: outcome for outcome in outcomes}
    owners = Refund.objects.filter(pk__in=by_id).values_list("attempt_id", flat=True)
    attempts = lock_attempts(attempt_ids=owners)
    refunds = Refund.objects.select_for_update().filter(pk__in=by_id).order_by("pk")
    return [
        _Row(refund, attempts[refund.attempt_id], by_id[refund.id], _target(refund, by_id[refund.id]))
        for refund in refunds
    ]


def _target(refund: Refund, outcome: RefundOutcome) -> RefundStatus | None:
    if outcome.refusal:
        return RefundStatus.FAILED if refund.status in states.REFUND_OPEN else None
    if outcome.snapshot is None:
        return None
    if outcome.snapshot.amount != refund.amount or outcome.snapshot.refund_id != refund.id:
        logger.error("refund %s at %s differs from what was asked", refund.id, outcome.snapshot.provider)
        return None
    return states.REFUND_TARGETS.get(outcome.snapshot.state)


def _move(rows: Sequence[_Row], target: RefundStatus, now: datetime) -> list[str]:
    chosen = [row.refund.id for row in rows if row.target == target]
    settled = None if target in states.REFUND_OPEN else now
    return transition_many(Refund, chosen, to=target, reason="provider", set={"settled_at": settled}, now=now)


_WRITE_REFUNDS = """
UPDATE payments_refund AS r SET
    psp_ref = COALESCE(r.psp_ref, v.psp_ref), failure_code = v.failure_code, next_try_at = v.next_try_at,
    key_serial = r.key_serial + v.burnt
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::int[])
    AS v (id, psp_ref, failure_code, next_try_at, burnt)
WHERE r.id = v.id
"""


def _write_refunds(rows: Sequence[_Row], now: datetime) -> None:
    for row in rows:
        if row.outcome.error:
            logger.warning("refund %s: %s", row.refund.id, row.outcome.error)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_REFUNDS,
            [
                [to_int("ref", row.refund.id) for row in rows],
                [row.outcome.snapshot.ref or None if row.outcome.snapshot else None for row in rows],
                [row.outcome.refusal[:60] for row in rows],
                [now + pause(row.refund.tries) for row in rows],
                [int(row.outcome.burnt) for row in rows],
            ],
        )


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries: 30 s, doubling, twelve hours at most."""
    doublings = min(max(tries, 1), _MAX_DOUBLINGS)
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)


def _bookings(rows: Sequence[_Row]) -> list[Booking]:
    """Postings of refunds that went through; `attempt.refunded_minor` follows, refund by refund."""
    bookings = []
    for row in rows:
        attempt, amount = row.attempt, row.refund.amount
        if attempt.kept:
            tax = ledger.tax_share(
                tax=Money(attempt.tax_minor, amount.currency),
                captured=attempt.captured,
                already=attempt.refunded,
                amount=amount,
            )
            posting = ledger.refund(refund_id=row.refund.id, amount=amount, tax=tax)
        else:
            posting = ledger.refund_from_suspense(refund_id=row.refund.id, amount=amount)
        attempt.refunded_minor += amount.amount
        bookings.append(Booking(posting, attempt.id, attempt.payable))
    return bookings


def _returned(rows: Sequence[_Row]) -> list[Booking]:
    """Postings of refunds that the bank sent back: their own entries the other way round."""
    if not rows:
        return []
    wanted = {f"refund:{row.refund.id}": row for row in rows}
    entries: dict[str, list[Entry]] = {key: [] for key in wanted}
    booked = LedgerEntry.objects.filter(posting__key__in=wanted).values_list(
        "posting__key", "account", "amount_minor", "currency"
    )
    for key, account, amount, currency in booked:
        entries[key].append(Entry(Account(account), Money(amount, currency)))
    bookings = []
    for key, row in wanted.items():
        row.attempt.refunded_minor -= row.refund.amount_minor
        posting = ledger.refund_returned(refund_id=row.refund.id, refunded=entries[key])
        bookings.append(Booking(posting, row.attempt.id, row.attempt.payable))
    return bookings


_WRITE_ATTEMPTS = """
UPDATE payments_attempt AS a SET refunded_minor = v.refunded
FROM unnest(%s::bigint[], %s::bigint[]) AS v (id, refunded) WHERE a.id = v.id
"""


def _write_attempts(rows: Sequence[_Row], now: datetime) -> None:
    attempts = list({row.attempt.id: row.attempt for row in rows}.values())
    if not attempts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_ATTEMPTS,
            [[to_int("att", each.id) for each in attempts], [each.refunded_minor for each in attempts]],
        )
    targets = {each.id: attempt_target(each) for each in attempts}
    for target in sorted(set(targets.values())):
        chosen = [key for key, value in targets.items() if value == target]
        transition_many(Attempt, chosen, to=target, reason="refund", now=now)


def attempt_target(attempt: Attempt) -> AttemptStatus:
    """The state that an attempt's figures ask for."""
    if attempt.refunded_minor >= attempt.captured_minor:
        return AttemptStatus.REFUNDED
    if not attempt.kept:
        return AttemptStatus.SURPLUS
    return AttemptStatus.PARTIALLY_REFUNDED if attempt.refunded_minor else AttemptStatus.CAPTURED
