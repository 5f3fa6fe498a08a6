"""States of an order (domain: order and payment)."""

from enum import StrEnum

from everline.core.states import Machine


class OrderStatus(StrEnum):
    """Where one purchase stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    FULFILLING = "fulfilling"
    FULFILLED = "fulfilled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


_S = OrderStatus

#: States in which nothing will happen any more unless somebody acts.
FINAL = frozenset({_S.FULFILLED, _S.EXPIRED, _S.CANCELLED, _S.REFUNDED, _S.PARTIALLY_REFUNDED})
#: States in which money was kept and service is owed or given.
KEEPS_MONEY = frozenset({_S.PAID, _S.FULFILLING, _S.FULFILLED, _S.PARTIALLY_REFUNDED})

ORDER_MACHINE = Machine(
    {
        _S.AWAITING_PAYMENT: frozenset({_S.PAID, _S.EXPIRED, _S.CANCELLED, _S.NEEDS_ATTENTION}),
        _S.PAID: frozenset({_S.FULFILLING, _S.NEEDS_ATTENTION}),
        _S.FULFILLING: frozenset({_S.FULFILLED, _S.NEEDS_ATTENTION}),
        _S.FULFILLED: frozenset({_S.REFUNDED, _S.PARTIALLY_REFUNDED, _S.NEEDS_ATTENTION}),
        # Money that comes late is honoured while the plan is still sold at that price.
        _S.EXPIRED: frozenset({_S.PAID, _S.NEEDS_ATTENTION}),
        _S.CANCELLED: frozenset({_S.NEEDS_ATTENTION}),
        _S.NEEDS_ATTENTION: frozenset({_S.REFUNDED, _S.PARTIALLY_REFUNDED}),
        _S.PARTIALLY_REFUNDED: frozenset({_S.REFUNDED, _S.NEEDS_ATTENTION}),
        # A refund that the bank sends back leaves money without service: a case.
        _S.REFUNDED: frozenset({_S.NEEDS_ATTENTION}),
    }
)


class CaseReason(StrEnum):
    """Why a person must look at an order."""

    UNDELIVERED = "undelivered"
    AMOUNT_MISMATCH = "amount_mismatch"
    REFUND_FAILED = "refund_failed"
