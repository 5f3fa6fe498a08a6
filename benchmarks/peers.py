# ruff: noqa: ARG002 - the ports ask for more than these two need
"""A payment provider and a supplier that remember nothing and say yes at once: the shop alone is measured.

Everything a provider must know stands in the reference it gives out, so that any process can ask it.
"""

from collections.abc import Mapping
from datetime import datetime

from everline.core.money import Money
from everline.payments.types import (
    PAYMENT_CHANGED,
    AttemptSpec,
    EventHint,
    MethodRef,
    PaymentState,
    Redirect,
    RefundSnapshot,
    Snapshot,
    Started,
)
from everline.payments.types import Capabilities as ProviderCapabilities
from everline.suppliers.types import Capabilities as SupplierCapabilities
from everline.suppliers.types import EventHint as SupplierHint
from everline.suppliers.types import (
    ProfileRequest,
    ResultState,
    RevocationRequest,
    SupplierEvent,
    SupplierResult,
    TopUpRequest,
)


class Provider:
    """Whoever is sent to its page has paid."""

    caps = ProviderCapabilities(name="bench", methods=frozenset({"card"}))

    def start(self, attempt: AttemptSpec) -> Started:
        ref = f"{attempt.attempt_id}/{attempt.amount.amount}/{attempt.amount.currency}"
        return Redirect(ref, f"https://pay.example/{attempt.attempt_id}")

    def fetch(self, ref: str) -> Snapshot:
        attempt_id, amount, currency = ref.split("/")
        paid = Money(int(amount), currency)
        return Snapshot("bench", ref, attempt_id, PaymentState.CAPTURED, paid, paid, Money.zero(currency))

    def find(self, attempt_id: str, since: datetime) -> list[Snapshot]:
        return []

    def cancel(self, ref: str, key: str) -> Snapshot:
        return self.fetch(ref)

    def charge_saved(self, attempt: AttemptSpec, method: MethodRef) -> Snapshot:
        raise NotImplementedError

    def refund(self, ref: str, amount: Money, reason: str, key: str) -> RefundSnapshot:
        raise NotImplementedError

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        attempt_id, ref = raw.decode().split(" ")
        return [EventHint(f"paid-{attempt_id}", PAYMENT_CHANGED, ref, attempt_id=attempt_id)]


class Supplier:
    """Delivers every top-up at once."""

    caps = SupplierCapabilities(name="bench")

    def top_up(self, request: TopUpRequest) -> SupplierResult:
        return SupplierResult(request.reference, ResultState.DONE, f"s-{request.reference}", request.iccid)

    def fetch_order(self, reference: str) -> SupplierResult:
        return SupplierResult(reference, ResultState.DONE)

    def provision_profile(self, request: ProfileRequest) -> SupplierResult:
        raise NotImplementedError

    def revoke(self, request: RevocationRequest) -> SupplierResult:
        raise NotImplementedError

    def fetch_event(self, event_id: str) -> SupplierEvent:
        raise NotImplementedError

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[SupplierHint]:
        return []
