"""Refunds: intent under lock, one key, pending and failed and returned, the figures and the books."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.core import clock
from everline.core.models import InboxHint, OutboxEvent
from everline.core.money import Money
from everline.core.transactions import InsideTransaction
from everline.payments import selectors, services
from everline.payments.errors import (
    AlreadyDone,
    AuthConfig,
    NotRefundable,
    OutcomeUnknown,
    ProviderError,
    RefundTooLarge,
    TemporarilyUnavailable,
    Unsupported,
)
from everline.payments.models import Attempt, LedgerPosting, Refund
from everline.payments.services.refund_outcomes import pause
from everline.payments.states import AttemptStatus, RefundStatus
from everline.payments.types import RefundItem, RefundState
from tests.payments.fakes import NOW, USD_20, FakeProvider, captured, cash, ledger, make_attempt

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_hold")]
A, R = AttemptStatus, RefundStatus


def ask(attempt: Attempt, amount: int | None = None) -> list[Refund]:
    item = RefundItem(attempt.id, None if amount is None else Money(amount, attempt.currency))
    return services.request_refunds(items=[item], reason="not delivered", now=NOW)


def send(after: timedelta = timedelta(0)) -> int:
    return services.send_due_refunds(now=NOW + after)


def settled() -> list[tuple[str, str]]:
    rows = OutboxEvent.objects.filter(type="payments.RefundSettled").order_by("id")
    return [(row.payload["refund_id"], row.payload["status"]) for row in rows]


def test_a_whole_refund_goes_out_and_is_booked(provider: FakeProvider, deferred: list[str]) -> None:
    attempt = captured(provider, tax=Money(319, "USD"))

    (refund,) = ask(attempt)

    assert (refund.status, refund.amount) == (R.REQUESTED, USD_20)
    assert deferred == ["payments.send_refunds"]
    assert provider.named("refund") == []

    assert send() == 1

    refund.refresh_from_db()
    attempt.refresh_from_db()
    assert (refund.status, refund.psp_ref, refund.settled_at) == (R.SUCCEEDED, "rfd_1", NOW)
    assert (attempt.status, attempt.refunded) == (A.REFUNDED, USD_20)
    assert provider.named("refund") == [refund.id]
    assert [line for line in ledger() if line[0] == "refund"] == [
        ("refund", "refunds", 1681),
        ("refund", "tax", 319),
        ("refund", "provider_clearing", -2000),
    ]
    assert settled() == [(refund.id, "succeeded")]
    assert cash("ord_1") == {}
    assert send(timedelta(days=2)) == 0


def test_asking_twice_for_everything_refunds_once(provider: FakeProvider) -> None:
    attempt = captured(provider)
    assert len(ask(attempt)) == 1

    assert ask(attempt) == []
    send()
    assert ask(attempt) == []

    assert Refund.objects.count() == 1
    assert selectors.refunds_for(["ord_1"])["ord_1"] == list(Refund.objects.all())


@pytest.mark.parametrize(
    ("amounts", "refused"), [([2001], 2001), ([1500, 501], 501), ([2000, 1], 1), ([0], 0), ([-5], -5)]
)
def test_more_than_is_left_is_refused(provider: FakeProvider, amounts: list[int], refused: int) -> None:
    attempt = captured(provider)
    for amount in amounts[:-1]:
        ask(attempt, amount)

    with pytest.raises(RefundTooLarge) as error:
        ask(attempt, refused)

    assert error.value.extra == {"refundable": 2000 - sum(amounts[:-1]), "currency": "USD"}
    assert Refund.objects.count() == len(amounts) - 1


def test_two_items_of_one_attempt_share_what_is_left(provider: FakeProvider) -> None:
    attempt = captured(provider)
    items = [RefundItem(attempt.id, Money(1500, "USD")), RefundItem(attempt.id, Money(501, "USD"))]

    with pytest.raises(RefundTooLarge):
        services.request_refunds(items=items, reason="", now=NOW)

    assert not Refund.objects.exists()


def test_another_currency_is_refused(provider: FakeProvider) -> None:
    attempt = captured(provider)

    with pytest.raises(RefundTooLarge):
        services.request_refunds(items=[RefundItem(attempt.id, Money(1, "EUR"))], reason="", now=NOW)


@pytest.mark.parametrize("attempt_id", ["", "att_0000000000000"])
def test_without_captured_money_there_is_no_refund(provider: FakeProvider, attempt_id: str) -> None:
    wanted = attempt_id or make_attempt().id

    with pytest.raises(NotRefundable):
        services.request_refunds(items=[RefundItem(wanted)], reason="", now=NOW)


def test_scenario_15_partial_refunds_until_full(provider: FakeProvider) -> None:
    attempt = captured(provider, tax=Money(333, "USD"))

    for amount, status in [(333, A.PARTIALLY_REFUNDED), (1, A.PARTIALLY_REFUNDED), (1666, A.REFUNDED)]:
        ask(attempt, amount)
        send()
        attempt.refresh_from_db()
        assert attempt.status == status

    tax = [amount for kind, account, amount in ledger() if (kind, account) == ("refund", "tax")]
    assert sum(tax) == 333
    assert attempt.refunded == USD_20


def test_several_refunds_of_one_attempt_in_one_batch(provider: FakeProvider) -> None:
    attempt = captured(provider, tax=Money(333, "USD"))
    for amount in (700, 650, 650):
        ask(attempt, amount)

    assert send() == 3

    attempt.refresh_from_db()
    assert (attempt.status, attempt.refunded_minor) == (A.REFUNDED, 2000)
    assert sum(amount for kind, account, amount in ledger() if (kind, account) == ("refund", "tax")) == 333


def test_surplus_is_given_back_from_suspense(provider: FakeProvider) -> None:
    attempt = captured(provider, keep=False)
    ask(attempt, 500)
    send()
    attempt.refresh_from_db()
    assert (attempt.status, attempt.refunded_minor) == (A.SURPLUS, 500)
    assert selectors.surplus_without_refund(NOW) == []

    ask(attempt)
    send()

    attempt.refresh_from_db()
    assert attempt.status == A.REFUNDED
    assert {kind for kind, _account, _amount in ledger()} == {"capture_to_suspense", "refund_from_suspense"}


@pytest.mark.parametrize("when", ["failing", "after"])
def test_no_answer_is_asked_for_again_with_the_same_key(provider: FakeProvider, when: str) -> None:
    attempt = captured(provider)
    getattr(provider, when)["refund"] = [OutcomeUnknown("fake")]
    provider.failing["find_refund"] = [OutcomeUnknown("fake")]
    (refund,) = ask(attempt)

    send()
    refund.refresh_from_db()
    assert (refund.status, refund.tries) == (R.REQUESTED, 1)
    assert send() == 0

    assert send(pause(1)) == 1

    refund.refresh_from_db()
    assert refund.status == R.SUCCEEDED
    assert provider.named("refund") == [refund.id, refund.id]
    assert len(provider.refunds) == 1


def test_an_unclear_answer_is_looked_up_at_once(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.after["refund"] = [OutcomeUnknown("fake")]
    ask(attempt)

    send()

    assert Refund.objects.get().status == R.SUCCEEDED
    assert len(provider.named("refund")) == 1


@pytest.mark.parametrize("error", [TemporarilyUnavailable("fake"), AuthConfig("fake", "unauthorized")])
def test_an_unreachable_provider_fails_no_refund(provider: FakeProvider, error: ProviderError) -> None:
    attempt = captured(provider)
    provider.failing["refund"] = [error]
    ask(attempt)

    send()
    assert Refund.objects.get().status == R.REQUESTED

    send(pause(1))
    assert Refund.objects.get().status == R.SUCCEEDED


def test_a_refusal_fails_the_refund_and_says_so_upward(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.failing["refund"] = [Unsupported("fake", "partial_refund")]
    (refund,) = ask(attempt)

    send()

    refund.refresh_from_db()
    attempt.refresh_from_db()
    assert (refund.status, refund.failure_code) == (R.FAILED, "partial_refund")
    assert (attempt.status, attempt.refunded_minor) == (A.CAPTURED, 0)
    assert settled() == [(refund.id, "failed")]
    assert LedgerPosting.objects.count() == 1
    assert len(ask(attempt)) == 1


def test_already_done_there_is_looked_up_and_is_success(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.after["refund"] = [AlreadyDone("fake", "already_refunded")]
    ask(attempt)

    send()

    assert Refund.objects.get().status == R.SUCCEEDED


def test_a_burnt_key_is_replaced_only_when_the_provider_has_no_refund(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.failing["refund"] = [OutcomeUnknown("fake", "http_500") for _ in range(4)]
    (refund,) = ask(attempt)

    after = timedelta(0)
    for tries in range(1, 6):
        send(after)
        after += pause(tries)

    refund.refresh_from_db()
    assert (refund.status, refund.key_serial) == (R.SUCCEEDED, 1)
    assert provider.named("refund") == [refund.id] * 4 + [f"{refund.id}.1"]
    assert len(provider.named("find_refund")) == 4
    assert list(provider.refunds) == [f"{refund.id}.1"]


def test_an_old_refund_is_looked_up_before_it_is_sent_again(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.after["refund"] = [OutcomeUnknown("fake")]
    provider.failing["find_refund"] = [OutcomeUnknown("fake")]
    ask(attempt)
    send()

    send(timedelta(days=3))

    assert Refund.objects.get().status == R.SUCCEEDED
    assert len(provider.named("refund")) == 1


def test_a_pending_refund_is_asked_about_until_it_is_settled(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.refund_state = RefundState.PENDING
    (refund,) = ask(attempt)
    send()
    refund.refresh_from_db()
    assert (refund.status, refund.psp_ref, settled()) == (R.PENDING, "rfd_1", [])
    with pytest.raises(RefundTooLarge):
        ask(attempt, 1)

    provider.settle_refund(refund.id, RefundState.SUCCEEDED)
    send(pause(1))

    refund.refresh_from_db()
    assert refund.status == R.SUCCEEDED
    assert len(provider.named("refund")) == 1
    assert settled() == [(refund.id, "succeeded")]


def test_a_pending_refund_that_fails_gives_the_room_back(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.refund_state = RefundState.PENDING
    (refund,) = ask(attempt)
    send()
    provider.settle_refund(refund.id, RefundState.FAILED)

    services.refresh_refunds(refund_ids=[refund.id], now=NOW)

    assert settled() == [(refund.id, "failed")]
    provider.refunds.clear()
    assert len(ask(attempt)) == 1


@pytest.mark.parametrize(
    ("keep", "parts", "status"),
    [(True, [2000], A.CAPTURED), (True, [500, 1500], A.PARTIALLY_REFUNDED), (False, [2000], A.SURPLUS)],
)
def test_a_refund_the_bank_sends_back_puts_the_money_back(
    provider: FakeProvider, keep: bool, parts: list[int], status: AttemptStatus
) -> None:
    attempt = captured(provider, keep=keep, tax=Money(200, "USD") if keep else None)
    refunds = [refund for part in parts for refund in ask(attempt, part)]
    send()
    attempt.refresh_from_db()
    assert attempt.status == A.REFUNDED

    provider.settle_refund(refunds[-1].id, RefundState.FAILED)
    for _ in range(2):
        services.refresh_refunds(refund_ids=[refunds[-1].id], now=NOW)

    attempt.refresh_from_db()
    assert (attempt.status, attempt.refunded_minor) == (status, 2000 - parts[-1])
    assert settled()[-1] == (refunds[-1].id, "failed")
    assert LedgerPosting.objects.filter(kind="refund_returned").count() == 1


def test_a_refund_of_another_amount_is_not_settled(provider: FakeProvider) -> None:
    attempt = captured(provider)
    (refund,) = ask(attempt, 700)
    provider.refund("pay_1", Money(500, "USD"), "", refund.id)

    send()

    refund.refresh_from_db()
    assert refund.status == R.REQUESTED
    assert settled() == []


def test_sending_refuses_to_run_inside_a_transaction(provider: FakeProvider) -> None:
    with transaction.atomic():
        with pytest.raises(InsideTransaction):
            services.send_due_refunds(now=NOW)
        with pytest.raises(InsideTransaction):
            services.refresh_refunds(refund_ids=[], now=NOW)


def test_two_refunds_never_share_a_provider_s_refund(provider: FakeProvider) -> None:
    attempt = captured(provider)
    ask(attempt, 1)
    ask(attempt, 1)

    with pytest.raises(IntegrityError, match="payments_refund_psp_ref"), transaction.atomic():
        Refund.objects.update(psp_ref="rfd_1")


@pytest.mark.parametrize("size", [1, 20])
def test_a_batch_costs_as_many_statements_as_one(provider: FakeProvider, size: int) -> None:
    attempts = [captured(provider, f"ord_{n}") for n in range(size)]

    with CaptureQueriesContext(connection) as asked:
        services.request_refunds(items=[RefundItem(each.id) for each in attempts], reason="", now=NOW)
    with CaptureQueriesContext(connection) as sent:
        send()

    assert len(asked) == 3
    statements = [each["sql"] for each in sent if "SAVEPOINT" not in each["sql"]]
    assert len(statements) <= 11, [each[:70] for each in statements]


def test_a_claim_never_takes_more_than_it_asked_for(provider: FakeProvider) -> None:
    attempts = [captured(provider, f"ord_{n}") for n in range(30)]
    services.request_refunds(items=[RefundItem(each.id) for each in attempts], reason="", now=NOW)

    assert [services.send_due_refunds(now=NOW, limit=20) for _ in range(3)] == [20, 10, 0]


def test_hints_are_applied_once_and_foreign_ones_set_aside(
    provider: FakeProvider, deferred: list[str]
) -> None:
    attempt = captured(provider)
    provider.refund_state = RefundState.PENDING
    (refund,) = ask(attempt)
    send()
    provider.settle_refund(refund.id, RefundState.SUCCEEDED)
    for event, ref, reference in [
        ("evt_1", "rfd_1", refund.id),
        ("evt_2", "rfd_1", refund.id),
        ("evt_3", "rfd_9", "ref_9"),
    ]:
        services.receive_webhook(
            provider="fake",
            raw=f"{event} refund.changed {ref} {reference}".encode(),
            headers={"X-Signature": "good"},
        )
    assert deferred[-1] == "payments.settle_refunds"

    assert services.settle_refund_hints(now=clock.now()) == 3
    assert services.settle_refund_hints(now=clock.now()) == 0

    assert settled() == [(refund.id, "succeeded")]
    assert not InboxHint.objects.filter(processed_at=None).exists()


def test_a_hint_without_an_answer_waits(provider: FakeProvider) -> None:
    attempt = captured(provider)
    provider.refund_state = RefundState.PENDING
    (refund,) = ask(attempt)
    send()
    services.receive_webhook(
        provider="fake",
        raw=f"evt_1 refund.changed rfd_1 {refund.id}".encode(),
        headers={"X-Signature": "good"},
    )
    provider.failing["fetch_refund"] = [OutcomeUnknown("fake", "http_500")]

    assert services.settle_refund_hints(now=clock.now()) == 0

    hint = InboxHint.objects.get()
    assert (hint.processed_at, hint.tries) == (None, 1)
    assert "http_500" in hint.error


def test_pauses_grow_and_end_at_twelve_hours() -> None:
    assert [pause(tries).total_seconds() for tries in (0, 1, 2, 3)] == [30, 30, 60, 120]
    assert pause(50) == timedelta(hours=12)
