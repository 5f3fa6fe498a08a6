"""News of this room, written to the outbox in the transaction that makes them true."""

from everline.core.events import event


@event("payments.RefundSettled")
class RefundSettled:
    """A refund reached `succeeded` or `failed` (also: `failed` after it had succeeded)."""

    refund_id: str
    attempt_id: str
    payable: str
    status: str


@event("payments.AttemptFailed")
class AttemptFailed:
    """The provider refused an attempt at once, while it was being started.

    Failures that come later are settled by the payable's owner, in its own transaction, without this event.
    """

    attempt_id: str
    payable: str
    code: str
