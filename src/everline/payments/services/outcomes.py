"""Keeping what the start of an attempt brought: one short transaction each."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from everline.core import events, inbox
from everline.core.states import transition_many
from everline.payments.errors import (
    AuthConfig,
    Declined,
    InvalidRequest,
    ProviderError,
    TemporarilyUnavailable,
    Unsupported,
)
from everline.payments.events import AttemptFailed
from everline.payments.models import Attempt
from everline.payments.services.truths import matches
from everline.payments.states import AttemptStatus
from everline.payments.types import PAYMENT_CHANGED, Absent, Failure, PaymentState, Redirect, Snapshot

logger = logging.getLogger(__name__)

FIRST_CHECK = timedelta(seconds=60)
#: The job of the room above that applies what is stored in the inbox.
SETTLE_JOB = "orders.settle"

#: What a start brought: a page, a payment, positively none, or why there is no clear answer.
Outcome = Redirect | Snapshot | Absent | ProviderError


def record_start(*, attempt: Attempt, outcome: Outcome, now: datetime) -> None:
    """Keep what a start brought. The object follows the row, which may have moved on meanwhile."""
    match outcome:
        case Redirect(ref=ref, url=url):
            _move(
                attempt, AttemptStatus.REQUIRES_ACTION, now, reason="started", psp_ref=ref, redirect_url=url
            )
        case Snapshot():
            _record_snapshot(attempt, outcome, now)
        case Declined():
            _fail(attempt, Failure(outcome.code, outcome.message, outcome.hard), now)
        case InvalidRequest() | Unsupported() if attempt.status == AttemptStatus.CREATED:
            logger.error("the provider refuses what we send for %s: %s", attempt.id, outcome)
            _fail(attempt, Failure("provider_refused", str(outcome)), now)
        case TemporarilyUnavailable() | AuthConfig():
            logger.warning("start of %s: %s", attempt.id, outcome)
        case _ if attempt.status == AttemptStatus.CREATED:
            _move(attempt, AttemptStatus.UNKNOWN, now, reason="no answer")
        case _:
            logger.warning("start of %s is still unclear: %s", attempt.id, outcome)


def _record_snapshot(attempt: Attempt, snapshot: Snapshot, now: datetime) -> None:
    if not matches(attempt, snapshot):
        logger.error("%s of %s is not what attempt %s asked for", snapshot.ref, snapshot.provider, attempt.id)
        _move(attempt, AttemptStatus.UNKNOWN, now, reason="mismatch")
        _leave_hint(attempt, snapshot.ref)
        return
    match snapshot.state:
        case PaymentState.REQUIRES_ACTION:
            _move(
                attempt,
                AttemptStatus.REQUIRES_ACTION,
                now,
                reason="started",
                psp_ref=snapshot.ref,
                redirect_url=snapshot.redirect_url,
            )
        case PaymentState.FAILED:
            _fail(attempt, snapshot.failure or Failure("failed"), now, psp_ref=snapshot.ref)
        case PaymentState.CAPTURED | PaymentState.PROCESSING:
            _move(attempt, AttemptStatus.PROCESSING, now, reason="started", psp_ref=snapshot.ref)
        case PaymentState.UNKNOWN:
            _move(attempt, AttemptStatus.UNKNOWN, now, reason="unknown state", psp_ref=snapshot.ref)
    if snapshot.state == PaymentState.CAPTURED:
        _leave_hint(attempt, snapshot.ref)


def _leave_hint(attempt: Attempt, ref: str) -> None:
    inbox.store(
        source=f"payments:{attempt.provider}",
        event_id=f"start:{attempt.id}",
        kind=PAYMENT_CHANGED,
        object_ref=ref,
        reference=attempt.id,
        job=SETTLE_JOB,
    )


def _fail(attempt: Attempt, failure: Failure, now: datetime, *, psp_ref: str | None = None) -> None:
    values: dict[str, str | bool] = {
        "failure_code": failure.code,
        "failure_message": failure.message[:300],
        "failure_hard": failure.hard,
    }
    with transaction.atomic():
        if _move(attempt, AttemptStatus.FAILED, now, reason=failure.code, psp_ref=psp_ref, **values):
            events.publish(AttemptFailed(attempt_id=attempt.id, payable=attempt.payable, code=failure.code))


def _move(
    attempt: Attempt,
    to: AttemptStatus,
    now: datetime,
    *,
    reason: str,
    psp_ref: str | None = None,
    **values: str | bool,
) -> bool:
    """One statement; where the row moved on meanwhile the object is read again and nothing is changed."""
    changes: dict[str, object] = {**values, "next_check_at": now + FIRST_CHECK}
    if psp_ref:
        changes["psp_ref"] = psp_ref
    with transaction.atomic():
        moved = transition_many(Attempt, [attempt.id], to=to, reason=reason, set=changes, now=now)
    if not moved:
        attempt.refresh_from_db()
        return False
    for name, value in {**changes, Attempt.MACHINE.field: str(to)}.items():
        setattr(attempt, name, value)
    return True
