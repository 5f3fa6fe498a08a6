"""Seeded lives of payments at a provider that answers badly: old news, lost answers, refunds that bounce.

The provider in memory is the model: whatever order its news arrives in, however often, and whichever calls
are cut before or after they took effect, in the end our figures and our books are the provider's.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from everline.core import clock
from everline.core.errors import DomainError
from everline.core.money import Money
from everline.payments import selectors, services, states
from everline.payments.errors import NotKnown, OutcomeUnknown, ProviderError, TemporarilyUnavailable
from everline.payments.models import Attempt, LedgerPosting, Refund
from everline.payments.services.truths import Truth
from everline.payments.states import RANK, AttemptStatus, RefundStatus, Verdict
from everline.payments.types import PaymentState, RefundItem, RefundState, Snapshot
from tests.payments.fakes import NOW, FakeProvider, make_attempt, truths

pytestmark = pytest.mark.django_db
A = AttemptStatus
STEPS = 60
PAYABLES = ("ord_1", "ord_2", "ord_3", "ord_4")


@dataclass
class Life:
    """A provider, three payables, and what was seen of each payment so far."""

    provider: FakeProvider
    seed: int
    now: datetime = NOW
    story: list[str] = field(default_factory=list)
    seen: list[Snapshot] = field(default_factory=list)
    ranks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def attempts(self) -> list[Attempt]:
        return list(Attempt.objects.order_by("pk"))

    def tell(self, text: str) -> None:
        self.story.append(text)

    def remember(self) -> None:
        """Keep a picture of every payment: any of them may be shown to us later as if it were news."""
        self.seen += self.provider.payments.values()


def _open(life: Life) -> None:
    payable = life.dice.choice(PAYABLES)
    amount = Money(life.dice.choice((1, 999, 2000)), "USD")
    with transaction.atomic():
        attempt = make_attempt(payable, amount, life.now)
    life.tell(f"{attempt.id} opened for {payable} over {amount.amount}")
    _start(life)


def _lose_sight(life: Life) -> None:
    """A payment is given up here and lives on there: what is paid on it later is late, or too much."""
    if live := [each for each in life.attempts() if each.status == A.REQUIRES_ACTION]:
        attempt = life.dice.choice(live)
        Attempt.objects.filter(pk=attempt.id).update(status=A.FAILED, failure_code="cancelled")
        life.tell(f"{attempt.id} is lost sight of")


def _start(life: Life) -> None:
    if waiting := [each for each in life.attempts() if each.status in {A.CREATED, A.UNKNOWN}]:
        attempt = services.start_attempt(attempt_id=life.dice.choice(waiting).id, now=life.now)
        life.tell(f"{attempt.id} started: {attempt.status}")


def _customer(life: Life) -> None:
    """The customer pays, or the bank says no; what has ended has ended."""
    live = [ref for ref, each in life.provider.payments.items() if each.state == PaymentState.REQUIRES_ACTION]
    if live:
        ref = life.dice.choice(live)
        if life.dice.random() < 0.85:
            life.provider.capture(ref)
        else:
            life.provider.end(ref, "generic_decline")
        life.tell(f"{ref} is {life.provider.payments[ref].state} at the provider")


def _news(life: Life) -> None:
    """The truth of now."""
    if attempts := life.attempts():
        attempt = life.dice.choice(attempts)
        truth = services.fetch_truths(refs=[selectors.attempt_ref(attempt)])[attempt.id]
        _apply(life, attempt.id, truth)


def _old_news(life: Life) -> None:
    """A truth of some time ago, delivered late: nothing may go back because of it."""
    known = {each.id for each in life.attempts()}
    if old := [each for each in life.seen if each.attempt_id in known]:
        snapshot = life.dice.choice(old)
        _apply(life, snapshot.attempt_id, snapshot)


def _apply(life: Life, attempt_id: str, truth: Truth) -> None:
    """What the owner of a payable does: one capture is kept, any other is surplus and goes back."""
    with transaction.atomic():
        attempt = services.lock_attempts(attempt_ids=[attempt_id])[attempt_id]
        judged = services.judge(attempt=attempt, truth=truth, now=life.now)
        match judged.verdict:
            case Verdict.CAPTURE:
                taken = Attempt.objects.filter(payable=attempt.payable, status__in=states.PAID, kept=True)
                keep = not taken.exists()
                services.settle_captures(items=[services.Capture(judged, keep=keep)], now=life.now)
                if not keep:
                    services.request_refunds(items=[RefundItem(attempt_id)], reason="surplus", now=life.now)
            case Verdict.FAIL:
                services.settle_failures(items=[judged], now=life.now)
            case Verdict.OPEN:
                services.settle_open(items=[judged], now=life.now)
            case _:
                pass
    life.tell(f"{attempt_id} hears {getattr(truth, 'state', truth)}: {judged.verdict}")


def _cancel(life: Life) -> None:
    if live := [each for each in life.attempts() if each.status in states.OPEN]:
        attempt = life.dice.choice(live)
        _apply(life, attempt.id, services.cancel_at_provider(attempt_id=attempt.id))


def _ask_refund(life: Life) -> None:
    if paid := [each for each in life.attempts() if each.status in states.PAID]:
        attempt = life.dice.choice(paid)
        amount = life.dice.choice((None, Money(1, "USD"), Money(333, "USD")))
        with transaction.atomic():
            made = services.request_refunds(
                items=[RefundItem(attempt.id, amount)], reason="asked", now=life.now
            )
        life.tell(f"{attempt.id}: {len(made)} refund over {amount and amount.amount}")


def _send_refunds(life: Life) -> None:
    life.now += timedelta(minutes=life.dice.choice((0, 1, 5, 60)))
    life.tell(f"{services.send_due_refunds(now=life.now)} refunds sent or asked about")


def _bank(life: Life) -> None:
    """A pending refund goes through or not, or one that was through comes back; then we are told."""
    if life.provider.refunds:
        key = life.dice.choice(sorted(life.provider.refunds))
        refund = life.provider.refunds[key]
        if refund.state != RefundState.FAILED:
            life.provider.settle_refund(key, life.dice.choice((RefundState.SUCCEEDED, RefundState.FAILED)))
            life.tell(f"{refund.ref} is {life.provider.refunds[key].state}")
            services.refresh_refunds(refund_ids=[refund.refund_id], now=life.now)


def _break(life: Life) -> None:
    """The next calls of one kind are cut before or after they took effect."""
    operation = life.dice.choice(("start", "fetch", "find", "refund", "find_refund", "fetch_refund"))
    error: ProviderError = life.dice.choice((OutcomeUnknown, TemporarilyUnavailable))("fake", "cut")
    where = life.provider.failing
    if operation in {"start", "refund"} and life.dice.random() < 0.5:
        where, error = life.provider.after, OutcomeUnknown("fake", "no answer")
    where.setdefault(operation, []).append(error)
    life.tell(f"the next {operation} is cut")


def _wait(life: Life) -> None:
    life.now += timedelta(minutes=life.dice.choice((1, 10, 90)))
    life.tell(f"reconciled {services.reconcile_attempts(now=life.now)}")


ACTIONS: dict[Callable[[Life], None], int] = {
    _open: 9,
    _start: 5,
    _lose_sight: 3,
    _customer: 12,
    _news: 9,
    _old_news: 9,
    _cancel: 1,
    _ask_refund: 6,
    _send_refunds: 7,
    _bank: 4,
    _break: 5,
    _wait: 3,
}


@pytest.mark.parametrize("pending", [False, True], ids=["refunds at once", "refunds pending"])
@pytest.mark.parametrize("seed", range(6))
def test_figures_and_books_end_as_the_providers(provider: FakeProvider, seed: int, pending: bool) -> None:
    life = Life(provider, 2 * seed + pending)
    provider.refund_state = RefundState.PENDING if pending else RefundState.SUCCEEDED
    clock.set_offset(NOW - clock.real_now())

    for _ in range(STEPS):
        life.remember()
        [action] = life.dice.choices(list(ACTIONS), list(ACTIONS.values()))
        with suppress(DomainError, NotKnown):
            action(life)
        _check_each_step(life)
    _finish(life)

    _check_end(life)


def _check_each_step(life: Life) -> None:
    """True at every moment: books and figures agree, nothing went back, no key made two of anything."""
    assert not any(truths().values()), (life.seed, truths(), life.story)
    for attempt in life.attempts():
        rank = RANK[AttemptStatus(attempt.status)]
        before = life.ranks.get(attempt.id, 0)
        # Only a refund that came back makes an attempt less refunded than it was.
        assert rank >= before or attempt.status in states.PAID, (life.seed, attempt.id, life.story)
        life.ranks[attempt.id] = rank
    per_attempt = [each.attempt_id for each in life.provider.payments.values()]
    assert len(per_attempt) == len(set(per_attempt)), (life.seed, life.story)
    for payable in PAYABLES:
        mine = [each for each in life.attempts() if each.payable == payable]
        assert sum(each.status in states.OPEN for each in mine) <= 1
        assert sum(each.status in states.KEPT for each in mine) <= 1


def _finish(life: Life) -> None:
    """Nothing is cut any more; everything that is due is done, until nobody has anything to say."""
    life.provider.failing.clear()
    life.provider.after.clear()
    for _ in range(12):
        for attempt in life.attempts():
            with suppress(DomainError):
                if attempt.status in states.OPEN:
                    _apply(life, attempt.id, services.cancel_at_provider(attempt_id=attempt.id))
                truth = services.fetch_truths(refs=[selectors.attempt_ref(attempt)])[attempt.id]
                _apply(life, attempt.id, truth)
        for key, refund in list(life.provider.refunds.items()):
            if refund.state == RefundState.PENDING:
                life.provider.settle_refund(key, RefundState.SUCCEEDED)
        life.now += timedelta(hours=13)
        services.send_due_refunds(now=life.now)
        services.refresh_refunds(refund_ids=list(Refund.objects.values_list("pk", flat=True)), now=life.now)


def _check_end(life: Life) -> None:
    _check_each_step(life)
    theirs = {each.attempt_id: each for each in life.provider.payments.values()}
    for attempt in life.attempts():
        payment = theirs.get(attempt.id)
        captured = payment.captured.amount if payment else 0
        back = sum(
            each.amount.amount
            for each in life.provider.refunds.values()
            if payment and each.payment_ref == payment.ref and each.state == RefundState.SUCCEEDED
        )
        told = (life.seed, attempt.id, attempt.status, life.story)
        assert attempt.status not in states.OPEN, told
        assert (attempt.captured_minor, attempt.refunded_minor) == (captured, back), told
        assert (attempt.status == A.FAILED) == (captured == 0), told
        assert LedgerPosting.objects.filter(attempt=attempt, key=f"capture:{attempt.id}").count() == bool(
            captured
        ), told
    assert not Refund.objects.filter(status__in=[RefundStatus.REQUESTED, RefundStatus.PENDING]).exists()
    ours = {refund.id for refund in Refund.objects.all()}
    assert {each.refund_id for each in life.provider.refunds.values()} <= ours
    keys = [each.refund_id for each in life.provider.refunds.values() if each.state != RefundState.FAILED]
    assert len(keys) == len(set(keys)), "one refund was made twice"
