"""Real threads, real PostgreSQL: whatever runs at the same moment, one wins and the others know."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction

from everline.core.models import InboxHint
from everline.core.money import Money
from everline.payments import services
from everline.payments.errors import AttemptOpen, OutcomeUnknown, RefundTooLarge
from everline.payments.models import Attempt, LedgerPosting, Refund
from everline.payments.states import AttemptStatus, RefundStatus
from everline.payments.types import RefundItem
from tests.payments.fakes import NOW, USD_20, FakeProvider, captured, make_attempt, settle, started, truths

T = TypeVar("T")
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], T]) -> list[T | Exception]:
    """Run all at the same moment, each with its own connection; errors are results."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        gate.wait(20)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the error is the result
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.fixture(autouse=True)
def _books_hold() -> Iterator[None]:
    yield
    assert not any(truths().values())


def test_scenario_8_of_two_tabs_one_opens_the_attempt(provider: FakeProvider) -> None:
    def create() -> Attempt:
        with transaction.atomic():
            return make_attempt()

    results = at_once(*[create] * 6)

    made = [each for each in results if isinstance(each, Attempt)]
    refused = [each for each in results if isinstance(each, AttemptOpen)]
    assert (len(made), len(refused)) == (1, 5)
    assert {each.extra["attempt"] for each in refused} == {made[0].id}
    assert Attempt.objects.count() == 1
    assert provider.calls == []


def test_a_second_tab_waits_for_the_first_one_s_commit(provider: FakeProvider) -> None:
    inserted, may_commit = threading.Event(), threading.Event()

    def first() -> Attempt:
        with transaction.atomic():
            attempt = make_attempt()
            inserted.set()
            assert may_commit.wait(20)
            return attempt

    def second() -> Attempt:
        assert inserted.wait(20)
        threading.Timer(0.2, may_commit.set).start()
        with transaction.atomic():
            return make_attempt()

    made, refused = at_once(first, second)

    assert isinstance(made, Attempt)
    assert isinstance(refused, AttemptOpen)
    assert refused.extra == {"attempt": made.id}


def test_when_the_first_one_rolls_back_the_second_opens(provider: FakeProvider) -> None:
    inserted, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            make_attempt()
            inserted.set()
            assert may_end.wait(20)
            raise ZeroDivisionError

    def second() -> Attempt:
        assert inserted.wait(20)
        threading.Timer(0.2, may_end.set).start()
        with transaction.atomic():
            return make_attempt()

    gone, made = at_once(first, second)

    assert isinstance(gone, ZeroDivisionError)
    assert isinstance(made, Attempt)
    assert Attempt.objects.get() == made


def test_scenario_9_starting_twice_at_once_makes_one_payment(provider: FakeProvider) -> None:
    attempt = make_attempt()

    results = at_once(*[lambda: services.start_attempt(attempt_id=attempt.id, now=NOW)] * 4)

    assert {getattr(each, "redirect_url", each) for each in results} == {"https://pay.example/pay_1"}
    assert len(provider.payments) == 1
    assert Attempt.objects.get().status == AttemptStatus.REQUIRES_ACTION


def test_a_slow_timeout_does_not_hide_the_page_another_start_got(provider: FakeProvider) -> None:
    attempt = make_attempt()
    plain, entered, may_fail = provider.start, threading.Event(), threading.Event()

    def start(spec: Any) -> Any:
        if not entered.is_set():
            entered.set()
            assert may_fail.wait(20)
            raise OutcomeUnknown("fake")
        return plain(spec)

    provider.start = start  # type: ignore[method-assign]

    def slow() -> Attempt:
        return services.start_attempt(attempt_id=attempt.id, now=NOW)

    def quick() -> Attempt:
        assert entered.wait(20)
        got = services.start_attempt(attempt_id=attempt.id, now=NOW)
        may_fail.set()
        return got

    results = at_once(slow, quick)

    assert [getattr(each, "status", each) for each in results] == [AttemptStatus.REQUIRES_ACTION] * 2
    assert Attempt.objects.get().redirect_url == "https://pay.example/pay_1"


def test_scenario_2_two_workers_settle_once(provider: FakeProvider) -> None:
    attempt = started()
    provider.capture("pay_1")

    results = at_once(*[lambda: settle(Attempt.objects.get(pk=attempt.id))] * 4)

    assert sorted(results, key=lambda each: len(each) if isinstance(each, list) else -1) == [
        [],
        [],
        [],
        [attempt.id],
    ]
    assert LedgerPosting.objects.count() == 1


def test_scenario_16_racing_refunds_never_exceed_the_capture(provider: FakeProvider) -> None:
    attempt = captured(provider)

    def refund() -> list[Refund]:
        with transaction.atomic():
            item = RefundItem(attempt.id, Money(700, "USD"))
            return services.request_refunds(items=[item], reason="", now=NOW)

    results = at_once(*[refund] * 5)

    assert sum(isinstance(each, list) for each in results) == 2
    assert sum(isinstance(each, RefundTooLarge) for each in results) == 3
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 1400


def test_racing_automatic_refunds_make_one(provider: FakeProvider) -> None:
    attempt = captured(provider, keep=False)

    def refund() -> list[Refund]:
        with transaction.atomic():
            return services.request_refunds(items=[RefundItem(attempt.id)], reason="", now=NOW)

    results = at_once(*[refund] * 4)

    assert sorted(len(each) for each in results if isinstance(each, list)) == [0, 0, 0, 1]
    assert Refund.objects.get().amount == USD_20


def test_two_senders_send_each_refund_once(provider: FakeProvider) -> None:
    for n in range(8):
        attempt = captured(provider, f"ord_{n}")
        with transaction.atomic():
            services.request_refunds(items=[RefundItem(attempt.id)], reason="", now=NOW)

    results = at_once(*[lambda: services.send_due_refunds(now=NOW, limit=4)] * 3)

    assert sum(each for each in results if isinstance(each, int)) == 8
    assert len(provider.named("refund")) == len(set(provider.named("refund"))) == 8
    assert set(Refund.objects.values_list("status", flat=True)) == {RefundStatus.SUCCEEDED}


def test_one_refund_settled_by_two_hands_is_booked_once(provider: FakeProvider) -> None:
    attempt = captured(provider)
    with transaction.atomic():
        (refund,) = services.request_refunds(items=[RefundItem(attempt.id)], reason="", now=NOW)
    provider.refund("pay_1", USD_20, "", refund.id)

    results = at_once(*[lambda: services.refresh_refunds(refund_ids=[refund.id], now=NOW)] * 4)

    assert results == [1, 1, 1, 1]
    assert LedgerPosting.objects.filter(kind="refund").count() == 1
    attempt.refresh_from_db()
    assert attempt.refunded == USD_20


def test_two_reconcilers_check_each_attempt_once(provider: FakeProvider) -> None:
    attempts = [started(f"ord_{n}") for n in range(10)]

    results = at_once(*[lambda: services.reconcile_attempts(now=attempts[0].next_check_at)] * 3)

    assert sum(each for each in results if isinstance(each, int)) == 10
    assert InboxHint.objects.count() == 10


def test_the_same_webhook_on_two_workers_is_one_hint(provider: FakeProvider) -> None:
    def receive() -> None:
        services.receive_webhook(
            provider="fake", raw=b"evt_1 payment.captured pay_1 att_1", headers={"X-Signature": "good"}
        )

    assert at_once(*[receive] * 5) == [None] * 5
    assert InboxHint.objects.count() == 1
