"""Asking providers what is true, many payments in parallel, outside any transaction."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from everline.core.money import Money
from everline.core.transactions import refuse_inside_transaction
from everline.payments import registry
from everline.payments.errors import OutcomeUnknown, ProviderError
from everline.payments.models import Attempt
from everline.payments.types import Absent, AttemptRef, Failure, PaymentState, Snapshot

logger = logging.getLogger(__name__)

#: What is known about an attempt after asking: a payment, positively none, or why there was no answer.
Truth = Snapshot | Absent | ProviderError

_THREADS = 8
_FURTHER = (
    PaymentState.CAPTURED,
    PaymentState.PROCESSING,
    PaymentState.REQUIRES_ACTION,
    PaymentState.UNKNOWN,
)


def fetch_truths(*, refs: Sequence[AttemptRef]) -> dict[str, Truth]:
    """The provider's truth about each attempt, by attempt id. Never raises for one of them.

    A payment whose id we know is fetched by it, else it is looked up by our reference.
    """
    refuse_inside_transaction()
    if not refs:
        return {}
    if len(refs) == 1:
        return {refs[0].attempt_id: fetch_truth(refs[0])}
    with ThreadPoolExecutor(min(_THREADS, len(refs))) as pool:
        return dict(zip([ref.attempt_id for ref in refs], pool.map(fetch_truth, refs), strict=True))


def fetch_truth(ref: AttemptRef) -> Truth:
    """The truth about one attempt; an error is returned, not raised. Uses no database."""
    try:
        adapter = registry.provider(ref.provider)
        if ref.psp_ref:
            return adapter.fetch(ref.psp_ref)
        return newest(adapter.find(ref.attempt_id, ref.created_at)) or Absent(ref.attempt_id)
    except ProviderError as error:
        return error
    except Exception as error:
        logger.exception("the adapter of %s stumbled over attempt %s", ref.provider, ref.attempt_id)
        return OutcomeUnknown(ref.provider, "adapter_error", repr(error))


def newest(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """The one that counts of several payments for one attempt: captured money first, then the most alive."""
    ranked = sorted(
        snapshots,
        key=lambda each: (
            _FURTHER.index(each.state) if each.state in _FURTHER else len(_FURTHER),
            -each.version,
        ),
    )
    return ranked[0] if ranked else None


def stand_in(attempt: Attempt, state: PaymentState, failure: Failure) -> Snapshot:
    """The snapshot of a payment that its provider never got."""
    return Snapshot(
        provider=attempt.provider,
        ref=attempt.psp_ref or "",
        attempt_id=attempt.id,
        state=state,
        amount=attempt.amount,
        captured=Money.zero(attempt.currency),
        refunded=Money.zero(attempt.currency),
        failure=failure,
    )


def matches(attempt: Attempt, snapshot: Snapshot) -> bool:
    """Whether reference, currency and amounts of a payment are exactly those of the attempt."""
    captured = snapshot.state == PaymentState.CAPTURED
    return (
        snapshot.attempt_id == attempt.id
        and snapshot.amount == attempt.amount
        and (not captured or snapshot.captured == attempt.amount)
    )
