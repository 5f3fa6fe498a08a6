"""The payment port. An adapter is pure: dataclasses in and out, no ORM, no request objects, no HTML.

Every method except `caps` and `parse_webhook` talks to the provider and must be called outside any
transaction. All raise the errors of `payments.errors`; whatever an adapter cannot interpret is
`OutcomeUnknown`, never a failure. To add a provider copy the folder of `providers/sandbox`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from everline.core.money import Money
from everline.payments.types import (
    AttemptSpec,
    Capabilities,
    EventHint,
    MethodRef,
    RefundSnapshot,
    Snapshot,
    Started,
)


class PaymentProvider(Protocol):
    """Takes money from customers and gives it back. Safe to use from several threads."""

    @property
    def caps(self) -> Capabilities:
        """What this provider can do; cheap, no network."""

    def start(self, attempt: AttemptSpec) -> Started:
        """Start a payment. The same `attempt.key` returns the same payment as it is now."""

    def charge_saved(self, attempt: AttemptSpec, method: MethodRef) -> Snapshot:
        """Charge a saved method without its owner present (Unsupported where `caps.off_session` is False)."""

    def fetch(self, ref: str) -> Snapshot:
        """The payment as it is now. NotKnown when the provider has none of this id."""

    def find(self, attempt_id: str, since: datetime) -> list[Snapshot]:
        """The payments made for an attempt since then; an empty list is the positive answer "none"."""

    def refund(self, ref: str, amount: Money, reason: str, key: str) -> RefundSnapshot:
        """Give money back. `key` is idempotent and begins with our refund id (`ref_…`)."""

    def cancel(self, ref: str, key: str) -> Snapshot:
        """End an open payment. One that was captured meanwhile is returned captured, not an error."""

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        """Verify the raw body and name what changed. Raises BadSignature for anything unverifiable."""


@runtime_checkable
class TracksRefunds(Protocol):
    """Optional: the provider can be asked about refunds."""

    def fetch_refund(self, ref: str) -> RefundSnapshot:
        """The refund as it is now, by the provider's id."""

    def find_refund(self, refund_id: str) -> list[RefundSnapshot]:
        """The refunds made under our reference; an empty list is the positive answer "none"."""


@runtime_checkable
class ListsChanges(Protocol):
    """Optional: the provider can list what changed in a time window, for the daily comparison."""

    def list_changes(self, since: datetime, until: datetime) -> Iterator[Snapshot]:
        """Every payment updated in [since, until), oldest first."""
