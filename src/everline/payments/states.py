"""States of attempts and refunds, and what a provider's snapshot means for an attempt.

The rank of an attempt only grows (payments reference, 8.1): older news about a payment that is further is
ignored. The one way back up is a late success: failed -> captured.
"""

from enum import StrEnum

from everline.core.states import Machine
from everline.payments.types import PaymentState, RefundState


class AttemptStatus(StrEnum):
    """Where one try to collect money stands. `surplus` is captured money that its order cannot keep."""

    CREATED = "created"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    CAPTURED = "captured"
    FAILED = "failed"
    SURPLUS = "surplus"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    """Where one refund stands. `succeeded` is not the end: a bank may send the money back."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_A = AttemptStatus
_R = RefundStatus

OPEN = frozenset({_A.CREATED, _A.REQUIRES_ACTION, _A.PROCESSING, _A.UNKNOWN})
#: Money that its payable keeps; unique per payable.
KEPT = frozenset({_A.CAPTURED, _A.PARTIALLY_REFUNDED})
#: Everything that holds or held captured money.
PAID = frozenset({_A.CAPTURED, _A.PARTIALLY_REFUNDED, _A.REFUNDED, _A.SURPLUS})
REFUND_OPEN = frozenset({_R.REQUESTED, _R.PENDING})
#: Refunds that count against the captured amount.
REFUND_COUNTS = frozenset({_R.REQUESTED, _R.PENDING, _R.SUCCEEDED})

RANK: dict[AttemptStatus, int] = {
    _A.CREATED: 0,
    _A.UNKNOWN: 1,
    _A.REQUIRES_ACTION: 1,
    _A.PROCESSING: 2,
    _A.FAILED: 4,
    _A.CAPTURED: 5,
    _A.SURPLUS: 5,
    _A.PARTIALLY_REFUNDED: 6,
    _A.REFUNDED: 7,
}

_ENDS = frozenset({_A.CAPTURED, _A.FAILED, _A.SURPLUS})

ATTEMPT_MACHINE = Machine(
    {
        _A.CREATED: _ENDS | {_A.UNKNOWN, _A.REQUIRES_ACTION, _A.PROCESSING},
        _A.UNKNOWN: _ENDS | {_A.REQUIRES_ACTION, _A.PROCESSING},
        # Never back to unknown: a slow call without an answer must not hide the page another call got.
        _A.REQUIRES_ACTION: _ENDS | {_A.PROCESSING},
        _A.PROCESSING: _ENDS,
        _A.FAILED: frozenset({_A.CAPTURED, _A.SURPLUS}),
        _A.CAPTURED: frozenset({_A.PARTIALLY_REFUNDED, _A.REFUNDED}),
        # A refund that the bank sends back gives the attempt its money back.
        _A.PARTIALLY_REFUNDED: frozenset({_A.REFUNDED, _A.CAPTURED}),
        _A.REFUNDED: frozenset({_A.PARTIALLY_REFUNDED, _A.CAPTURED, _A.SURPLUS}),
        # Surplus money that is given back in part stays surplus until all of it is back.
        _A.SURPLUS: frozenset({_A.REFUNDED}),
    }
)

REFUND_MACHINE = Machine(
    {
        _R.REQUESTED: frozenset({_R.PENDING, _R.SUCCEEDED, _R.FAILED}),
        _R.PENDING: frozenset({_R.SUCCEEDED, _R.FAILED}),
        _R.SUCCEEDED: frozenset({_R.FAILED}),
        _R.FAILED: frozenset(),
    }
)


class Verdict(StrEnum):
    """What a snapshot asks to be done with an attempt."""

    NOTHING = "nothing"
    OPEN = "open"
    FAIL = "fail"
    CAPTURE = "capture"
    MISMATCH = "mismatch"


_OPEN_TARGETS = {
    PaymentState.REQUIRES_ACTION: AttemptStatus.REQUIRES_ACTION,
    PaymentState.PROCESSING: AttemptStatus.PROCESSING,
    PaymentState.UNKNOWN: AttemptStatus.UNKNOWN,
}

REFUND_TARGETS = {
    RefundState.PENDING: RefundStatus.PENDING,
    RefundState.SUCCEEDED: RefundStatus.SUCCEEDED,
    RefundState.FAILED: RefundStatus.FAILED,
}


def open_target(status: str, state: PaymentState) -> AttemptStatus | None:
    """The open status an open attempt moves to, None where the snapshot is no news or older news.

    A snapshot in a state nobody knows moves only an attempt that has no better word.
    """
    current = AttemptStatus(status)
    target = _OPEN_TARGETS.get(state)
    if target is None or current not in OPEN or target == current:
        return None
    if target == AttemptStatus.UNKNOWN and current != AttemptStatus.CREATED:
        return None
    return target if RANK[target] >= RANK[current] else None


def verdict(status: str, state: PaymentState, *, exact: bool) -> Verdict:
    """What to do with an attempt in `status` when its payment is in `state`.

    `exact` says whether reference, currency and amounts of the payment are those of the attempt: money that
    is not exactly what was asked for is never kept.
    """
    current = AttemptStatus(status)
    if current in PAID:
        return Verdict.NOTHING
    if state == PaymentState.CAPTURED:
        return Verdict.CAPTURE if exact else Verdict.MISMATCH
    if current == AttemptStatus.FAILED:
        return Verdict.NOTHING
    if state == PaymentState.FAILED:
        return Verdict.FAIL
    return Verdict.OPEN
