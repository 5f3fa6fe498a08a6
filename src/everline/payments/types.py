"""What crosses the payment port: frozen and provider-neutral, without ORM objects, requests or HTML.

Amounts are `core.money.Money` (integer minor units), times are aware UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from everline.core.money import Money

#: Kinds of inbox rows this room stores, whatever a provider calls its own events.
PAYMENT_CHANGED = "payment.changed"
REFUND_CHANGED = "refund.changed"


class PaymentState(StrEnum):
    """What a provider says about a payment. A word nobody here knows is UNKNOWN, never FAILED."""

    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    CAPTURED = "captured"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RefundState(StrEnum):
    """What a provider says about a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; `currencies` None means every currency we know.

    `redirect_origins` are the origins that hosted pages live on (for `form-action` of the content policy).
    """

    name: str
    methods: frozenset[str]
    currencies: frozenset[str] | None = None
    save_method: bool = False
    off_session: bool = False
    partial_refund: bool = True
    min_amount: int = 1
    max_amount: int = 99_999_999
    redirect_origins: tuple[str, ...] = ()

    def takes(self, method: str, amount: Money) -> bool:
        """Whether a payment of this amount by this method can be started here."""
        return (
            method in self.methods
            and (self.currencies is None or amount.currency in self.currencies)
            and self.min_amount <= amount.amount <= self.max_amount
        )


@dataclass(frozen=True, slots=True)
class Method:
    """The means of payment as shown to its owner; never a number that could be charged."""

    kind: str
    brand: str = ""
    last4: str = ""
    wallet: str = ""


@dataclass(frozen=True, slots=True)
class MethodRef:
    """A saved method at its provider."""

    customer_ref: str
    method_ref: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a payment failed. `hard`: the same means of payment must not be tried again."""

    code: str
    message: str = ""
    hard: bool = False


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """One try to collect `amount`. `key` is the idempotency key: the same key is the same payment."""

    attempt_id: str
    payable: str
    key: str
    amount: Money
    method: str
    return_url: str
    cancel_url: str
    locale: str
    description: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A payment as its provider sees it now: the only truth about money.

    `attempt_id` is our reference as the provider kept it, `redirect_url` is set while the customer has
    something to do, `version` grows with each change at the provider (0 where it keeps none).
    """

    provider: str
    ref: str
    attempt_id: str
    state: PaymentState
    amount: Money
    captured: Money
    refunded: Money
    redirect_url: str = ""
    method: Method | None = None
    failure: Failure | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """A refund as its provider sees it now; `refund_id` is our reference."""

    provider: str
    ref: str
    payment_ref: str
    refund_id: str
    state: RefundState
    amount: Money


@dataclass(frozen=True, slots=True)
class Redirect:
    """The customer pays on the provider's own page."""

    ref: str
    url: str


@dataclass(frozen=True, slots=True)
class Done:
    """The payment needs no page (or no longer one): its state says what it is."""

    snapshot: Snapshot


Started = Redirect | Done


@dataclass(frozen=True, slots=True)
class EventHint:
    """News that something changed at the provider. Never a truth: whoever reads it fetches.

    `kind` is PAYMENT_CHANGED or REFUND_CHANGED; `ref` and `refund_ref` are the provider's ids,
    `attempt_id` and `refund_id` our own references.
    """

    event_id: str
    kind: str
    ref: str
    attempt_id: str = ""
    refund_ref: str = ""
    refund_id: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider's positive answer that it has no payment for this attempt."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """What is needed to ask a provider about an attempt, outside any transaction."""

    attempt_id: str
    provider: str
    psp_ref: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundItem:
    """A refund to be made; `amount` None gives back all that is left."""

    attempt_id: str
    amount: Money | None = None
