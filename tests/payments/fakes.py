"""A provider in memory, that can be told how to answer, and what tests build on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from everline.core.money import Money
from everline.payments import services
from everline.payments.errors import BadSignature, InvalidRequest, NotKnown, ProviderError, Unsupported
from everline.payments.models import Attempt
from everline.payments.types import (
    PAYMENT_CHANGED,
    REFUND_CHANGED,
    AttemptSpec,
    Capabilities,
    Done,
    EventHint,
    Failure,
    MethodRef,
    PaymentState,
    Redirect,
    RefundSnapshot,
    RefundState,
    Snapshot,
    Started,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
USD_20 = Money(2000, "USD")


@dataclass
class FakeProvider:
    """`failing[operation]` is a list of errors to raise, one per call; `after` raises once it was done."""

    payments: dict[str, Snapshot] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, RefundSnapshot] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failing: dict[str, list[ProviderError]] = field(default_factory=dict)
    after: dict[str, list[ProviderError]] = field(default_factory=dict)
    refund_state: RefundState = RefundState.SUCCEEDED
    start_state: PaymentState = PaymentState.REQUIRES_ACTION

    @property
    def caps(self) -> Capabilities:
        return Capabilities(name="fake", methods=frozenset({"card", "paypal"}), max_amount=1_000_000)

    def start(self, attempt: AttemptSpec) -> Started:
        self._before("start", attempt.key)
        if attempt.key not in self.keys:
            ref = f"pay_{len(self.keys) + 1}"
            self.keys[attempt.key] = ref
            captured = attempt.amount if self.start_state == PaymentState.CAPTURED else Money(0, "USD")
            failed = self.start_state == PaymentState.FAILED
            self.payments[ref] = Snapshot(
                provider="fake",
                ref=ref,
                attempt_id=attempt.attempt_id,
                state=self.start_state,
                amount=attempt.amount,
                captured=captured,
                refunded=Money.zero(attempt.amount.currency),
                redirect_url=f"https://pay.example/{ref}" if self.start_state == "requires_action" else "",
                failure=Failure("generic_decline", "no", hard=False) if failed else None,
            )
        self._after("start")
        snapshot = self.payments[self.keys[attempt.key]]
        if snapshot.redirect_url:
            return Redirect(snapshot.ref, snapshot.redirect_url)
        return Done(snapshot)

    def charge_saved(self, attempt: AttemptSpec, method: MethodRef) -> Snapshot:
        raise Unsupported("fake", "off_session")

    def fetch(self, ref: str) -> Snapshot:
        self._before("fetch", ref)
        if ref not in self.payments:
            raise NotKnown("fake", "not_found")
        return self.payments[ref]

    def find(self, attempt_id: str, since: datetime) -> list[Snapshot]:
        self._before("find", attempt_id)
        return [each for each in self.payments.values() if each.attempt_id == attempt_id]

    def refund(self, ref: str, amount: Money, reason: str, key: str) -> RefundSnapshot:
        self._before("refund", key)
        if key not in self.refunds:
            done = sum(each.amount.amount for each in self.refunds.values() if each.payment_ref == ref)
            if done + amount.amount > self.payments[ref].captured.amount:
                raise InvalidRequest("fake", "amount_too_large")
            self.refunds[key] = RefundSnapshot(
                "fake", f"rfd_{len(self.refunds) + 1}", ref, key.partition(".")[0], self.refund_state, amount
            )
        self._after("refund")
        return self.refunds[key]

    def cancel(self, ref: str, key: str) -> Snapshot:
        self._before("cancel", ref)
        if self.payments[ref].state == PaymentState.REQUIRES_ACTION:
            self.end(ref, "cancelled")
        return self.payments[ref]

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        if headers.get("X-Signature") != "good":
            raise BadSignature
        event, kind, ref, reference = raw.decode().split(" ")
        if kind == REFUND_CHANGED:
            return [EventHint(event, kind, "", refund_ref=ref, refund_id=reference)]
        return [EventHint(event, PAYMENT_CHANGED, ref, attempt_id=reference)]

    def fetch_refund(self, ref: str) -> RefundSnapshot:
        self._before("fetch_refund", ref)
        return next(each for each in self.refunds.values() if each.ref == ref)

    def find_refund(self, refund_id: str) -> list[RefundSnapshot]:
        self._before("find_refund", refund_id)
        return [each for each in self.refunds.values() if each.refund_id == refund_id]

    # What the world does to payments.

    def capture(self, ref: str, amount: Money | None = None) -> None:
        payment = self.payments[ref]
        self._change(ref, state=PaymentState.CAPTURED, captured=amount or payment.amount, redirect_url="")

    def end(self, ref: str, code: str) -> None:
        self._change(ref, state=PaymentState.FAILED, failure=Failure(code), redirect_url="")

    def settle_refund(self, key: str, state: RefundState) -> None:
        self.refunds[key] = replace(self.refunds[key], state=state)

    def named(self, operation: str) -> list[str]:
        return [argument for name, argument in self.calls if name == operation]

    def _change(self, ref: str, **values: Any) -> None:
        self.payments[ref] = replace(self.payments[ref], **values)

    def _before(self, operation: str, argument: str) -> None:
        self.calls.append((operation, argument))
        if self.failing.get(operation):
            raise self.failing[operation].pop(0)

    def _after(self, operation: str) -> None:
        if self.after.get(operation):
            raise self.after[operation].pop(0)


class Current:
    """The provider that `build` hands out; each test has its own."""

    provider = FakeProvider()


def build() -> FakeProvider:
    return Current.provider


def make_attempt(
    payable: str = "ord_1", amount: Money = USD_20, now: datetime = NOW, **values: Any
) -> Attempt:
    wanted: dict[str, Any] = {
        "payable": payable,
        "method": "card",
        "amount": amount,
        "return_url": "https://shop.example/back",
        "cancel_url": "https://shop.example/cancel",
        "locale": "en",
        "description": "Order",
        "expires_at": now + timedelta(hours=24),
        "now": now,
    }
    return services.create_attempt(**{**wanted, **values})


def started(payable: str = "ord_1", amount: Money = USD_20, **values: Any) -> Attempt:
    attempt = make_attempt(payable, amount, **values)
    return services.start_attempt(attempt_id=attempt.id, now=NOW)


def captured(
    provider: FakeProvider, payable: str = "ord_1", amount: Money = USD_20, **values: Any
) -> Attempt:
    """An attempt whose money is kept; `tax` and `keep` may be given."""
    attempt = started(payable, amount)
    assert attempt.psp_ref is not None
    provider.capture(attempt.psp_ref)
    settle(attempt, **values)
    return attempt


def settle(attempt: Attempt, *, keep: bool = True, tax: Money | None = None, reason: str = "") -> list[str]:
    """What the owner of the payable does in its transaction, for one attempt."""
    from django.db import transaction

    from everline.payments.selectors import attempt_ref
    from everline.payments.states import Verdict

    truths = services.fetch_truths(refs=[attempt_ref(attempt)])
    with transaction.atomic():
        locked = services.lock_attempts(attempt_ids=[attempt.id])[attempt.id]
        judgement = services.judge(attempt=locked, truth=truths[attempt.id], now=NOW)
        moved: list[str] = []
        if judgement.verdict in {Verdict.CAPTURE, Verdict.MISMATCH}:
            capture = services.Capture(judgement, keep, tax, reason)
            moved = services.settle_captures(items=[capture], now=NOW)
        elif judgement.verdict == Verdict.FAIL:
            moved = services.settle_failures(items=[judgement], now=NOW)
        elif judgement.verdict == Verdict.OPEN:
            moved = services.settle_open(items=[judgement], now=NOW)
    attempt.refresh_from_db()
    return moved


def ledger() -> Iterator[tuple[str, str, int]]:
    """What is booked: (posting's kind, account, amount), oldest first."""
    from everline.payments.models import LedgerEntry

    rows = LedgerEntry.objects.order_by("id").values_list("posting__kind", "account", "amount_minor")
    yield from rows


def cash(payable: str) -> dict[str, int]:
    """What the ledger says the provider holds for a payable: minor units by currency, no zeros."""
    from django.db.models import Sum

    from everline.payments.models import LedgerEntry

    rows = LedgerEntry.objects.filter(posting__payable=payable, account="provider_clearing")
    sums = rows.values_list("currency").annotate(total=Sum("amount_minor"))
    return {currency: int(total) for currency, total in sums if total}


def truths() -> dict[str, list[str]]:
    """This room's truths alone, with their violations."""
    import everline.payments.invariants  # noqa: F401 - registers them
    from everline.core import invariants

    return {name: rule(NOW) for name, rule in invariants._RULES.items() if name.startswith("payments.")}
