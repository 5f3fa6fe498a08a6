"""Starting and ending attempts: the intent is committed, the provider is called, the outcome is kept."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from everline.core import clock, ids
from everline.core.money import Money
from everline.core.transactions import refuse_inside_transaction
from everline.payments import registry, states
from everline.payments.errors import (
    AlreadyDone,
    AttemptOpen,
    AuthConfig,
    IdempotencyConflict,
    InvalidRequest,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    TemporarilyUnavailable,
)
from everline.payments.models import Attempt
from everline.payments.services.outcomes import FIRST_CHECK, Outcome, record_start
from everline.payments.services.truths import newest, stand_in
from everline.payments.states import AttemptStatus
from everline.payments.types import Absent, AttemptSpec, Failure, PaymentState, Redirect, Snapshot

logger = logging.getLogger(__name__)

#: Providers keep idempotency keys for 24 hours; after this age a payment is looked up, never sent again.
KEY_LIFE = timedelta(hours=20)
#: What may be sent (again); any other attempt has had its answer.
STARTABLE = frozenset({AttemptStatus.CREATED, AttemptStatus.UNKNOWN})
_THREADS = 8


@dataclass(frozen=True, slots=True)
class StartCall:
    """All that the network part of a start needs, so that it can run in a thread without the database."""

    provider: str
    spec: AttemptSpec
    psp_ref: str
    created_at: datetime
    first: bool
    resubmit: bool


def create_attempt(
    *,
    payable: str,
    method: str,
    amount: Money,
    return_url: str,
    cancel_url: str,
    locale: str,
    description: str,
    expires_at: datetime,
    now: datetime,
    provider: str = "",
    attempt_id: str = "",
) -> Attempt:
    """Write the intent to collect `amount`, in the caller's transaction. Nothing is sent yet.

    Without `provider` the first one that takes the method and the amount is chosen. `attempt_id` is for
    callers who had to name the attempt beforehand.

    Raises:
        MethodUnavailable: no provider takes this.
        AttemptOpen: the payable has an open attempt; `extra["attempt"]` names it.
    """
    chosen = provider or registry.choose_provider(method, amount)
    while True:
        try:
            with transaction.atomic():
                return Attempt.objects.create(
                    id=attempt_id or ids.new_id("att"),
                    payable=payable,
                    provider=chosen,
                    method=method,
                    amount_minor=amount.amount,
                    currency=amount.currency,
                    return_url=return_url,
                    cancel_url=cancel_url,
                    locale=locale,
                    description=description,
                    created_at=now,
                    expires_at=expires_at,
                    next_check_at=now + FIRST_CHECK,
                )
        except IntegrityError as error:
            if not _is_second_open(error):
                raise
        open_id = (
            Attempt.objects.filter(payable=payable, status__in=states.OPEN)
            .values_list("id", flat=True)
            .first()
        )
        if open_id is not None:  # else it ended between our insert and our look: try again
            raise AttemptOpen(attempt=open_id)


def start_attempt(*, attempt_id: str, now: datetime | None = None) -> Attempt:
    """Make the payment at the provider, outside any transaction, and keep the outcome.

    Safe to run again at any time: an attempt whose outcome is not known is submitted with the same key, or
    looked up when the key is too old. A redirect gives `requires_action`, no answer `unknown`, a refusal
    `failed` (with an AttemptFailed event). Money that is captured already is left to settle, by a hint.

    Raises:
        ProviderUnavailable: nothing was sent; the attempt is still `created` and may be started again.
    """
    return start_known_attempt(attempt=Attempt.objects.get(pk=attempt_id), now=now or clock.now())


def start_known_attempt(*, attempt: Attempt, now: datetime) -> Attempt:
    """The same for an attempt that was just written or read."""
    refuse_inside_transaction()
    if attempt.status not in STARTABLE:
        return attempt
    outcome = submit(_call(attempt, now))
    record_start(attempt=attempt, outcome=outcome, now=now)
    if isinstance(outcome, TemporarilyUnavailable | AuthConfig) and attempt.status == AttemptStatus.CREATED:
        raise ProviderUnavailable(attempt=attempt.id, retry_after=max(1, round(outcome.retry_after or 1)))
    return attempt


def start_attempts(*, attempts: Iterable[Attempt], now: datetime) -> None:
    """The same for several, their calls in parallel; whoever cannot be reached stays as it is."""
    refuse_inside_transaction()
    waiting = [attempt for attempt in attempts if attempt.status in STARTABLE]
    if not waiting:
        return
    with ThreadPoolExecutor(min(_THREADS, len(waiting))) as pool:
        outcomes = list(pool.map(submit, [_call(attempt, now) for attempt in waiting]))
    for attempt, outcome in zip(waiting, outcomes, strict=True):
        record_start(attempt=attempt, outcome=outcome, now=now)


def submit(call: StartCall) -> Outcome:
    """The network part: no database, no exception. An unclear answer to a repeated key leads to a look-up."""
    try:
        adapter = registry.provider(call.provider)
        if call.psp_ref:
            return adapter.fetch(call.psp_ref)
        if call.resubmit:
            try:
                started = adapter.start(call.spec)
            except (OutcomeUnknown, InvalidRequest, IdempotencyConflict, AlreadyDone) as error:
                if call.first and not isinstance(error, IdempotencyConflict | AlreadyDone):
                    return error
                logger.warning("start of %s is unclear, looking it up: %s", call.spec.attempt_id, error)
            else:
                return started if isinstance(started, Redirect) else started.snapshot
        return newest(adapter.find(call.spec.attempt_id, call.created_at)) or Absent(call.spec.attempt_id)
    except ProviderError as error:
        return error


def cancel_at_provider(*, attempt_id: str) -> Snapshot:
    """Ask the provider to end an open payment, outside any transaction; nothing is written here.

    Returns the truth to be settled: failed (`cancelled`, or why it had failed before), or captured when the
    customer was faster. A payment the provider never got is as good as cancelled.

    Raises:
        ProviderUnavailable: no clear answer; the attempt stays open.
    """
    refuse_inside_transaction()
    attempt = Attempt.objects.get(pk=attempt_id)
    try:
        adapter = registry.provider(attempt.provider)
        ref = attempt.psp_ref
        if ref is None:
            found = newest(adapter.find(attempt.id, attempt.created_at))
            if found is None:
                why = "expired" if clock.now() >= attempt.expires_at else "cancelled"
                return stand_in(attempt, PaymentState.FAILED, Failure(why))
            ref = found.ref
        return adapter.cancel(ref, f"{attempt.id}.cancel")
    except AlreadyDone as error:
        if error.snapshot is not None:
            return error.snapshot
        raise ProviderUnavailable(attempt=attempt.id, retry_after=1) from error
    except ProviderError as error:
        raise ProviderUnavailable(
            attempt=attempt.id, retry_after=max(1, round(error.retry_after or 1))
        ) from error


def _call(attempt: Attempt, now: datetime) -> StartCall:
    spec = AttemptSpec(
        attempt_id=attempt.id,
        payable=attempt.payable,
        key=attempt.id,
        amount=attempt.amount,
        method=attempt.method,
        return_url=attempt.return_url,
        cancel_url=attempt.cancel_url,
        locale=attempt.locale,
        description=attempt.description,
        expires_at=attempt.expires_at,
    )
    fresh = now - attempt.created_at <= KEY_LIFE and now < attempt.expires_at
    return StartCall(
        provider=attempt.provider,
        spec=spec,
        psp_ref=attempt.psp_ref or "",
        created_at=attempt.created_at,
        first=attempt.status == AttemptStatus.CREATED,
        resubmit=fresh,
    )


def _is_second_open(error: IntegrityError) -> bool:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", "") == "payments_one_open_attempt"
