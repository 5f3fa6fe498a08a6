"""The connectivity port. An adapter is pure: dataclasses in and out, no ORM, no request objects.

Every method except `caps` and `parse_webhook` talks to the supplier and must be called outside any
transaction. All raise the errors of `suppliers.errors`; whatever an adapter cannot interpret is
`OutcomeUnknown`. To add a supplier copy the folder of `adapters/simulator`.
"""

from collections.abc import Mapping
from typing import Protocol

from everline.suppliers.types import (
    Capabilities,
    EventHint,
    ProfileRequest,
    RevocationRequest,
    SupplierEvent,
    SupplierResult,
    TopUpRequest,
)


class ConnectivitySupplier(Protocol):
    """Sells profiles and top-ups. References are idempotent: the same one is the same order for ever."""

    @property
    def caps(self) -> Capabilities:
        """What this supplier can do; cheap, no network."""

    def provision_profile(self, request: ProfileRequest) -> SupplierResult:
        """Buy a new profile with a plan on it."""

    def top_up(self, request: TopUpRequest) -> SupplierResult:
        """Buy a plan onto an existing profile."""

    def fetch_order(self, reference: str) -> SupplierResult:
        """One order as it is now. NotKnown when the supplier never got it."""

    def revoke(self, request: RevocationRequest) -> SupplierResult:
        """Take an order back. NotKnown when the supplier has no order under `request.revokes`."""

    def fetch_event(self, event_id: str) -> SupplierEvent:
        """What an announced event says."""

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        """Verify the raw body and name what is new. Raises BadSignature for anything unverifiable."""
