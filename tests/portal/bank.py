"""A payment provider in this process: starts, decides and ends payments as a test says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from everline.core.money import Money
from everline.payments.errors import NotKnown, OutcomeUnknown, TemporarilyUnavailable
from everline.payments.types import (
    AttemptSpec,
    Capabilities,
    EventHint,
    Failure,
    Method,
    MethodRef,
    PaymentState,
    Redirect,
    RefundSnapshot,
    Snapshot,
    Started,
)

ORIGIN = "https://pay.example"


@dataclass
class Bank:
    """Implements PaymentProvider. `mood` is how the next start goes: "", "down" or "silent"."""

    started: list[AttemptSpec] = field(default_factory=list)
    payments: dict[str, Snapshot] = field(default_factory=dict)
    mood: str = ""

    @property
    def caps(self) -> Capabilities:
        return Capabilities(
            name="bank", methods=frozenset({"card", "paypal"}), max_amount=10**9, redirect_origins=(ORIGIN,)
        )

    def start(self, attempt: AttemptSpec) -> Started:
        if self.mood == "down":
            raise TemporarilyUnavailable("bank", "refused")
        if self.mood == "silent":
            raise OutcomeUnknown("bank", "timeout")
        self.started.append(attempt)
        ref = f"pay_{attempt.attempt_id}"
        url = f"{ORIGIN}/pay/{ref}"
        self.payments[ref] = Snapshot(
            provider="bank",
            ref=ref,
            attempt_id=attempt.attempt_id,
            state=PaymentState.REQUIRES_ACTION,
            amount=attempt.amount,
            captured=Money.zero(attempt.amount.currency),
            refunded=Money.zero(attempt.amount.currency),
            redirect_url=url,
            method=Method("card", "visa", "4242"),
        )
        return Redirect(ref, url)

    def capture(self, attempt_id: str) -> Snapshot:
        """The customer pays."""
        return self._change(
            attempt_id, state=PaymentState.CAPTURED, captured=self.payments[f"pay_{attempt_id}"].amount
        )

    def decline(self, attempt_id: str, code: str) -> Snapshot:
        """The customer's bank refuses."""
        return self._change(attempt_id, state=PaymentState.FAILED, failure=Failure(code))

    def fetch(self, ref: str) -> Snapshot:
        if self.mood:
            raise OutcomeUnknown("bank", "timeout")
        if ref not in self.payments:
            raise NotKnown("bank", "unknown")
        return self.payments[ref]

    def find(self, attempt_id: str, since: datetime) -> list[Snapshot]:
        if self.mood:
            raise OutcomeUnknown("bank", "timeout")
        return [each for each in self.payments.values() if each.attempt_id == attempt_id]

    def cancel(self, ref: str, key: str) -> Snapshot:
        if self.mood:
            raise OutcomeUnknown("bank", "timeout")
        found = self.payments[ref]
        if found.state == PaymentState.REQUIRES_ACTION:
            return self.decline(found.attempt_id, "cancelled")
        return found

    def charge_saved(self, attempt: AttemptSpec, method: MethodRef) -> Snapshot:
        raise NotImplementedError

    def refund(self, ref: str, amount: Money, reason: str, key: str) -> RefundSnapshot:
        raise NotImplementedError

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        raise NotImplementedError

    def _change(self, attempt_id: str, **changes: object) -> Snapshot:
        ref = f"pay_{attempt_id}"
        self.payments[ref] = replace(self.payments[ref], redirect_url="", **changes)  # type: ignore[arg-type]
        return self.payments[ref]


BANK = Bank()


def build() -> Bank:
    """What the registry calls."""
    return BANK
