"""Applying truths: kept or surplus, once, whatever comes again; a constant number of statements."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from everline.core import clock
from everline.core.money import Money
from everline.payments import selectors, services
from everline.payments.errors import OutcomeUnknown, TemporarilyUnavailable
from everline.payments.models import Attempt, LedgerPosting
from everline.payments.states import AttemptStatus, Verdict
from everline.payments.types import Absent, Method, PaymentState
from tests.payments.fakes import (
    NOW,
    USD_20,
    FakeProvider,
    captured,
    cash,
    ledger,
    make_attempt,
    settle,
    started,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_hold")]
A = AttemptStatus


def test_captured_money_is_kept_and_booked(provider: FakeProvider) -> None:
    attempt = started()
    provider.capture("pay_1")
    provider._change("pay_1", method=Method("card", "visa", "4242", "apple_pay"))

    moved = settle(attempt, tax=Money(319, "USD"))

    assert moved == [attempt.id]
    assert (attempt.status, attempt.kept, attempt.captured) == (A.CAPTURED, True, USD_20)
    assert (attempt.method_brand, attempt.method_last4, attempt.method_wallet) == (
        "visa",
        "4242",
        "apple_pay",
    )
    assert (attempt.captured_at, attempt.redirect_url, attempt.tax_minor) == (NOW, "", 319)
    assert list(ledger()) == [
        ("capture", "provider_clearing", 2000),
        ("capture", "deferred_revenue", -1681),
        ("capture", "tax", -319),
    ]
    assert (cash("ord_1"), cash("ord_2")) == ({"USD": 2000}, {})


def test_scenario_2_settling_twice_has_one_effect(provider: FakeProvider) -> None:
    attempt = captured(provider)
    before = list(ledger())

    assert settle(attempt) == []

    assert list(ledger()) == before
    assert LedgerPosting.objects.count() == 1


def test_stale_objects_settle_once_too(provider: FakeProvider) -> None:
    attempt = started()
    provider.capture("pay_1")
    truth = services.fetch_truths(refs=[selectors.attempt_ref(attempt)])[attempt.id]
    stale = Attempt.objects.get(pk=attempt.id)
    settle(attempt)

    judgement = services.judge(attempt=stale, truth=truth, now=NOW)
    moved = services.settle_captures(items=[services.Capture(judgement, keep=True)], now=NOW)

    assert moved == []
    assert LedgerPosting.objects.count() == 1


def test_money_that_is_not_kept_waits_in_suspense(provider: FakeProvider) -> None:
    attempt = captured(provider, keep=False, reason="already paid")

    assert (attempt.status, attempt.kept, attempt.captured) == (A.SURPLUS, False, USD_20)
    assert list(ledger()) == [
        ("capture_to_suspense", "provider_clearing", 2000),
        ("capture_to_suspense", "suspense", -2000),
    ]
    assert selectors.surplus_without_refund(NOW) == [attempt]


@pytest.mark.parametrize(
    ("taken", "asked"),
    [
        (Money(1999, "USD"), USD_20),
        (Money(2001, "USD"), USD_20),
        (Money(2000, "EUR"), USD_20),
    ],
)
def test_scenario_13_other_money_is_never_kept(provider: FakeProvider, taken: Money, asked: Money) -> None:
    attempt = started(amount=asked)
    provider.capture("pay_1", taken)

    settle(attempt, keep=True, tax=Money(100, "USD"))

    assert (attempt.status, attempt.kept, attempt.captured, attempt.tax_minor) == (A.SURPLUS, False, taken, 0)
    assert {account for _kind, account, _amount in ledger()} == {"provider_clearing", "suspense"}
    assert cash("ord_1") == {taken.currency: taken.amount}


def test_a_payment_of_somebody_else_is_a_mismatch(provider: FakeProvider) -> None:
    attempt = started()
    provider.capture("pay_1")
    foreign = replace(provider.payments["pay_1"], attempt_id="att_0000000000000")

    assert services.judge(attempt=attempt, truth=foreign, now=NOW).verdict == Verdict.MISMATCH


def test_scenario_3_older_news_changes_nothing_after_the_money(provider: FakeProvider) -> None:
    attempt = captured(provider)
    late = replace(provider.payments["pay_1"], state=PaymentState.FAILED, captured=Money(0, "USD"))

    judgement = services.judge(attempt=attempt, truth=late, now=NOW)

    assert judgement.verdict == Verdict.NOTHING
    assert services.settle_failures(items=[judgement], now=NOW) == []
    assert services.settle_open(items=[judgement], now=NOW) == []
    attempt.refresh_from_db()
    assert attempt.status == A.CAPTURED


def test_a_failure_is_kept_with_its_reason(provider: FakeProvider) -> None:
    attempt = started()
    provider.end("pay_1", "authentication_failed")

    assert settle(attempt) == [attempt.id]

    assert (attempt.status, attempt.failure_code, attempt.redirect_url) == (
        A.FAILED,
        "authentication_failed",
        "",
    )
    assert settle(attempt) == []
    assert list(ledger()) == []


def test_late_success_after_a_failure_is_money(provider: FakeProvider) -> None:
    attempt = started()
    provider.end("pay_1", "expired")
    settle(attempt)
    provider.capture("pay_1")

    settle(attempt)

    assert (attempt.status, attempt.failure_code, attempt.failure_hard) == (A.CAPTURED, "", False)


def test_scenario_7_a_late_success_beside_another_payment_is_surplus(provider: FakeProvider) -> None:
    first = started()
    provider.end("pay_1", "expired")
    settle(first)
    second = captured(provider)
    provider.capture("pay_1")

    settle(first, keep=False)

    assert (first.status, second.status) == (A.SURPLUS, A.CAPTURED)


def test_the_database_refuses_a_second_kept_capture(provider: FakeProvider) -> None:
    first = started()
    provider.end("pay_1", "expired")
    settle(first)
    captured(provider)
    provider.capture("pay_1")

    with pytest.raises(IntegrityError, match="payments_one_kept_capture"):
        settle(first, keep=True)

    first.refresh_from_db()
    assert (first.status, LedgerPosting.objects.count()) == (A.FAILED, 1)


def test_no_answer_changes_nothing(provider: FakeProvider) -> None:
    attempt = started()

    for error in (OutcomeUnknown("fake"), TemporarilyUnavailable("fake")):
        provider.failing["fetch"] = [error]
        truth = services.fetch_truths(refs=[selectors.attempt_ref(attempt)])[attempt.id]
        assert truth is error
        assert (
            services.judge(attempt=attempt, truth=truth, now=NOW + timedelta(days=30)).verdict
            == Verdict.NOTHING
        )


def test_a_stumbling_adapter_is_no_answer(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = started()
    monkeypatch.setattr(provider, "fetch", lambda ref: {}["nothing"])

    truth = services.fetch_truths(refs=[selectors.attempt_ref(attempt)])[attempt.id]

    assert isinstance(truth, OutcomeUnknown)


def test_time_alone_fails_nothing_but_a_positive_no_after_the_expiry_does(provider: FakeProvider) -> None:
    attempt = make_attempt()
    absent = Absent(attempt.id)

    early = services.judge(attempt=attempt, truth=absent, now=attempt.expires_at - timedelta(seconds=1))
    late = services.judge(attempt=attempt, truth=absent, now=attempt.expires_at)

    assert (early.verdict, late.verdict) == (Verdict.NOTHING, Verdict.FAIL)
    services.settle_failures(items=[late], now=NOW)
    attempt.refresh_from_db()
    assert (attempt.status, attempt.failure_code, attempt.psp_ref) == (A.FAILED, "expired", None)


def test_open_news_moves_on_and_no_news_costs_nothing(provider: FakeProvider) -> None:
    attempt = started()
    with CaptureQueriesContext(connection) as spent:
        truths = services.fetch_truths(refs=[selectors.attempt_ref(attempt)])
        judgement = services.judge(attempt=attempt, truth=truths[attempt.id], now=NOW)
        assert services.settle_open(items=[judgement], now=NOW) == []
    assert len(spent) == 0

    provider._change("pay_1", state=PaymentState.PROCESSING, redirect_url="")
    assert settle(attempt) == [attempt.id]
    assert attempt.status == A.PROCESSING

    provider._change("pay_1", state=PaymentState.REQUIRES_ACTION, redirect_url="https://pay.example/old")
    assert settle(attempt) == []
    assert attempt.status == A.PROCESSING


def test_an_unknown_attempt_finds_its_payment_and_page(provider: FakeProvider) -> None:
    provider.after["start"] = [OutcomeUnknown("fake")]
    attempt = started()
    assert attempt.psp_ref is None

    settle(attempt)

    assert (attempt.status, attempt.psp_ref) == (A.REQUIRES_ACTION, "pay_1")
    assert attempt.redirect_url == "https://pay.example/pay_1"


def test_the_payment_that_counts_is_the_one_with_the_money(provider: FakeProvider) -> None:
    provider.after["start"] = [OutcomeUnknown("fake")]
    attempt = started()
    twin = replace(provider.payments["pay_1"], ref="pay_2", state=PaymentState.CAPTURED, captured=USD_20)
    provider.payments["pay_2"] = twin
    provider._change("pay_1", state=PaymentState.FAILED)

    settle(attempt)

    assert (attempt.status, attempt.psp_ref) == (A.CAPTURED, "pay_2")


def _batch(provider: FakeProvider, size: int) -> list[services.Judgement]:
    attempts = [started(f"ord_{size}_{n}") for n in range(size)]
    for attempt in attempts:
        provider.capture(str(attempt.psp_ref))
    truths = services.fetch_truths(refs=[selectors.attempt_ref(attempt) for attempt in attempts])
    locked = services.lock_attempts(attempt_ids=[attempt.id for attempt in attempts])
    return [services.judge(attempt=each, truth=truths[key], now=NOW) for key, each in locked.items()]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_batch_costs_as_many_statements_as_one(provider: FakeProvider, size: int) -> None:
    judgements = _batch(provider, size)

    with CaptureQueriesContext(connection) as spent:
        moved = services.settle_captures(
            items=[services.Capture(each, keep=True, tax=Money(1, "USD")) for each in judgements], now=NOW
        )

    assert len(moved) == size
    assert len(spent) == 2, [each["sql"][:60] for each in spent]
    assert Attempt.objects.filter(status=A.CAPTURED).count() == size
    assert LedgerPosting.objects.count() == size


def test_a_mixed_batch_is_settled_each_by_its_own_decision(provider: FakeProvider) -> None:
    judgements = _batch(provider, 4)
    decisions = [True, False, True, False]

    services.settle_captures(
        items=[services.Capture(each, keep=keep) for each, keep in zip(judgements, decisions, strict=True)],
        now=NOW,
    )

    assert [each.attempt.status for each in judgements] == [A.CAPTURED, A.SURPLUS, A.CAPTURED, A.SURPLUS]
    for each in judgements:
        row = Attempt.objects.get(pk=each.attempt.id)
        assert (row.status, row.kept, row.captured) == (each.attempt.status, each.attempt.kept, USD_20)


def test_empty_batches_cost_nothing(provider: FakeProvider) -> None:
    with CaptureQueriesContext(connection) as spent:
        assert services.settle_captures(items=[], now=NOW) == []
        assert services.settle_failures(items=[], now=NOW) == []
        assert services.settle_open(items=[], now=NOW) == []
        assert services.fetch_truths(refs=[]) == {}

    assert len(spent) == 0


@pytest.mark.parametrize("currency", ["JPY", "KWD", "USD"])
def test_scenario_18_minor_units_are_exact_in_every_currency(provider: FakeProvider, currency: str) -> None:
    attempt = captured(provider, amount=Money(1001, currency), tax=Money(33, currency))

    assert attempt.captured == Money(1001, currency)
    assert cash("ord_1") == {currency: 1001}


def test_cancel_asks_the_provider_first(provider: FakeProvider) -> None:
    attempt = started()

    truth = services.cancel_at_provider(attempt_id=attempt.id)

    assert (truth.state, truth.failure and truth.failure.code) == (PaymentState.FAILED, "cancelled")
    attempt.refresh_from_db()
    assert attempt.status == A.REQUIRES_ACTION
    settle(attempt)
    assert (attempt.status, attempt.failure_code) == (A.FAILED, "cancelled")


def test_cancelling_what_was_captured_meanwhile_brings_the_money(provider: FakeProvider) -> None:
    attempt = started()
    provider.capture("pay_1")

    assert services.cancel_at_provider(attempt_id=attempt.id).state == PaymentState.CAPTURED


def test_cancelling_what_the_provider_never_got(provider: FakeProvider) -> None:
    provider.failing["start"] = [OutcomeUnknown("fake")]
    attempt = started()

    truth = services.cancel_at_provider(attempt_id=attempt.id)

    assert provider.named("cancel") == []
    assert services.judge(attempt=attempt, truth=truth, now=NOW).verdict == Verdict.FAIL


@pytest.mark.parametrize(("hours", "code"), [(1, "cancelled"), (25, "expired")])
def test_what_the_provider_never_got_ends_as_cancelled_or_by_its_age_as_expired(
    provider: FakeProvider, hours: int, code: str
) -> None:
    clock.set_offset(NOW + timedelta(hours=hours) - clock.real_now())
    provider.failing["start"] = [OutcomeUnknown("fake")]

    truth = services.cancel_at_provider(attempt_id=started().id)

    assert (truth.state, truth.failure and truth.failure.code) == (PaymentState.FAILED, code)


def test_cancelling_an_unknown_attempt_cancels_the_payment_it_made(provider: FakeProvider) -> None:
    provider.after["start"] = [OutcomeUnknown("fake")]
    attempt = started()

    services.cancel_at_provider(attempt_id=attempt.id)

    assert provider.named("cancel") == ["pay_1"]
    assert provider.payments["pay_1"].state == PaymentState.FAILED
