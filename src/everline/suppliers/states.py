"""States of a purchase from a supplier."""

from enum import StrEnum

from everline.core.states import Machine


class SupplierOrderStatus(StrEnum):
    """`unknown`: sent, and nobody here knows what came of it; `failed` is for good."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


_S = SupplierOrderStatus

OPEN = frozenset({_S.REQUESTED, _S.UNKNOWN, _S.PENDING})

MACHINE = Machine(
    {
        _S.REQUESTED: frozenset({_S.UNKNOWN, _S.PENDING, _S.DONE, _S.FAILED}),
        # An order that the supplier never got is as good as new.
        _S.UNKNOWN: frozenset({_S.REQUESTED, _S.PENDING, _S.DONE, _S.FAILED}),
        _S.PENDING: frozenset({_S.DONE, _S.FAILED}),
        _S.DONE: frozenset(),
        # A purchase we gave up may still be delivered: it is then revoked.
        _S.FAILED: frozenset(),
    }
)
