"""Creating and starting attempts: intent first, one open per payable, unknown is not failed."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from everline.core import clock
from everline.core.errors import NotFound
from everline.core.models import InboxHint, OutboxEvent, Transition
from everline.core.money import Money
from everline.core.transactions import InsideTransaction
from everline.payments import access, selectors, services
from everline.payments.errors import (
    AttemptOpen,
    AuthConfig,
    Declined,
    IdempotencyConflict,
    InvalidRequest,
    MethodUnavailable,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    TemporarilyUnavailable,
)
from everline.payments.models import Attempt
from everline.payments.states import AttemptStatus
from everline.payments.types import PaymentState
from tests.payments.fakes import NOW, USD_20, FakeProvider, make_attempt, started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_hold")]
A = AttemptStatus


def test_create_writes_the_intent_and_sends_nothing(provider: FakeProvider) -> None:
    attempt = make_attempt()

    attempt.refresh_from_db()
    assert (attempt.status, attempt.provider, attempt.amount) == (A.CREATED, "fake", USD_20)
    assert attempt.id.startswith("att_")
    assert attempt.psp_ref is None
    assert provider.calls == []


def test_a_second_open_attempt_is_refused_and_names_the_first(provider: FakeProvider) -> None:
    first = make_attempt()

    with pytest.raises(AttemptOpen) as refused:
        make_attempt(amount=Money(1, "USD"))

    assert refused.value.extra == {"attempt": first.id}
    assert Attempt.objects.count() == 1
    make_attempt("ord_2")


def test_after_a_failure_a_new_attempt_may_open(provider: FakeProvider) -> None:
    provider.start_state = PaymentState.FAILED
    first = started()
    assert first.status == A.FAILED

    second = make_attempt()

    assert second.id != first.id
    assert selectors.open_attempt("ord_1") == second
    assert [each.id for each in selectors.attempts_for(["ord_1", "ord_9"])["ord_1"]] == [first.id, second.id]


@pytest.mark.parametrize(
    ("method", "amount"), [("cash", USD_20), ("card", Money(1_000_001, "USD")), ("alipay", USD_20)]
)
def test_a_method_nobody_takes_is_refused_before_anything_is_written(
    provider: FakeProvider, method: str, amount: Money
) -> None:
    with pytest.raises(MethodUnavailable):
        make_attempt(method=method, amount=amount)

    assert not Attempt.objects.exists()


def test_start_gives_the_page_and_keeps_it(provider: FakeProvider) -> None:
    attempt = started()

    assert (attempt.status, attempt.redirect_url) == (A.REQUIRES_ACTION, "https://pay.example/pay_1")
    row = Attempt.objects.get()
    assert (row.status, row.psp_ref, row.redirect_url) == (A.REQUIRES_ACTION, "pay_1", attempt.redirect_url)
    assert provider.named("start") == [attempt.id]
    assert Transition.objects.filter(label="payments.attempt").count() == 1


def test_start_again_sends_nothing_and_answers_the_same(provider: FakeProvider) -> None:
    first = started()

    again = services.start_attempt(attempt_id=first.id, now=NOW)

    assert again.redirect_url == first.redirect_url
    assert len(provider.named("start")) == 1


def test_start_refuses_to_run_inside_a_transaction(provider: FakeProvider) -> None:
    attempt = make_attempt()

    with transaction.atomic(), pytest.raises(InsideTransaction):
        services.start_attempt(attempt_id=attempt.id, now=NOW)

    assert provider.calls == []


@pytest.mark.parametrize("when", ["failing", "after"])
def test_scenario_6_no_answer_is_unknown_and_the_same_key_finds_the_same_payment(
    provider: FakeProvider, when: str
) -> None:
    getattr(provider, when)["start"] = [OutcomeUnknown("fake")]
    attempt = started()
    assert (attempt.status, attempt.redirect_url) == (A.UNKNOWN, "")

    again = services.start_attempt(attempt_id=attempt.id, now=NOW + timedelta(seconds=5))

    assert again.status == A.REQUIRES_ACTION
    assert provider.named("start") == [attempt.id, attempt.id]
    assert len(provider.payments) == 1


def test_an_unreachable_provider_leaves_the_attempt_to_be_started_again(provider: FakeProvider) -> None:
    attempt = make_attempt()
    provider.failing["start"] = [TemporarilyUnavailable("fake", retry_after=7)]

    with pytest.raises(ProviderUnavailable) as refused:
        services.start_attempt(attempt_id=attempt.id, now=NOW)

    assert refused.value.extra == {"attempt": attempt.id, "retry_after": 7}
    attempt.refresh_from_db()
    assert attempt.status == A.CREATED
    assert services.start_attempt(attempt_id=attempt.id, now=NOW).status == A.REQUIRES_ACTION


def test_refused_credentials_fail_nothing(provider: FakeProvider) -> None:
    attempt = make_attempt()
    provider.failing["start"] = [AuthConfig("fake", "unauthorized")]

    with pytest.raises(ProviderUnavailable):
        services.start_attempt(attempt_id=attempt.id, now=NOW)

    assert Attempt.objects.get().status == A.CREATED


def test_a_decline_fails_the_attempt_and_says_so_upward(provider: FakeProvider, deferred: list[str]) -> None:
    provider.failing["start"] = [Declined("fake", "stolen_card", "no", hard=True)]

    attempt = started()

    assert (attempt.status, attempt.failure_code, attempt.failure_hard) == (A.FAILED, "stolen_card", True)
    event = OutboxEvent.objects.get()
    assert event.type == "payments.AttemptFailed"
    assert event.payload == {"attempt_id": attempt.id, "payable": "ord_1", "code": "stolen_card"}
    assert deferred == ["core.dispatch"]


def test_a_payment_that_is_failed_at_once_fails_the_attempt(provider: FakeProvider) -> None:
    provider.start_state = PaymentState.FAILED

    attempt = started()

    assert (attempt.status, attempt.failure_code, attempt.psp_ref) == (A.FAILED, "generic_decline", "pay_1")


def test_a_request_the_provider_refuses_fails_the_attempt(provider: FakeProvider) -> None:
    provider.failing["start"] = [InvalidRequest("fake", "bad_url")]

    assert started().failure_code == "provider_refused"


def test_a_refusal_of_a_repeated_key_fails_nothing(provider: FakeProvider) -> None:
    provider.after["start"] = [OutcomeUnknown("fake")]
    attempt = started()
    provider.failing["start"] = [InvalidRequest("fake", "expired")]

    again = services.start_attempt(attempt_id=attempt.id, now=NOW)

    assert again.status == A.REQUIRES_ACTION
    assert provider.named("find") == [attempt.id]


def test_a_key_used_with_other_parameters_is_looked_up(provider: FakeProvider) -> None:
    provider.after["start"] = [IdempotencyConflict("fake")]

    assert started().status == A.REQUIRES_ACTION


def test_a_burnt_key_stays_unknown_until_the_provider_is_asked(provider: FakeProvider) -> None:
    provider.failing["start"] = [OutcomeUnknown("fake", "http_500") for _ in range(3)]
    attempt = started()

    for _ in range(2):
        attempt = services.start_attempt(attempt_id=attempt.id, now=NOW)

    assert attempt.status == A.UNKNOWN
    assert provider.named("find") == [attempt.id, attempt.id]
    assert provider.payments == {}


def test_an_old_key_is_never_sent_again(provider: FakeProvider) -> None:
    provider.failing["start"] = [OutcomeUnknown("fake")]
    attempt = make_attempt(expires_at=NOW + timedelta(days=3))
    services.start_attempt(attempt_id=attempt.id, now=NOW)

    late = services.start_attempt(attempt_id=attempt.id, now=NOW + timedelta(hours=20, seconds=1))

    assert late.status == A.UNKNOWN
    assert (provider.named("start"), provider.named("find")) == ([attempt.id], [attempt.id])


@pytest.mark.parametrize("error", [OutcomeUnknown("fake"), TemporarilyUnavailable("fake")])
def test_an_unknown_attempt_stays_unknown_while_nobody_answers(
    provider: FakeProvider, error: ProviderError
) -> None:
    provider.failing["start"] = [OutcomeUnknown("fake"), error]
    provider.failing["find"] = [error]
    attempt = started()

    assert services.start_attempt(attempt_id=attempt.id, now=NOW).status == A.UNKNOWN


def test_money_captured_at_once_is_left_to_settle(provider: FakeProvider, deferred: list[str]) -> None:
    provider.start_state = PaymentState.CAPTURED

    attempt = started()

    assert (attempt.status, attempt.psp_ref, attempt.captured_minor) == (A.PROCESSING, "pay_1", 0)
    hint = InboxHint.objects.get()
    assert (hint.source, hint.kind, hint.reference) == ("payments:fake", "payment.changed", attempt.id)
    assert deferred == ["orders.settle"]


def test_a_late_answer_does_not_revive_a_cancelled_attempt(provider: FakeProvider) -> None:
    clock.set_offset(NOW - clock.real_now())
    attempt = make_attempt()
    stale = Attempt.objects.get(pk=attempt.id)
    services.settle_failures(
        items=[
            services.judge(attempt=attempt, truth=services.cancel_at_provider(attempt_id=attempt.id), now=NOW)
        ],
        now=NOW,
    )
    from everline.payments.services.outcomes import record_start
    from everline.payments.types import Redirect

    record_start(attempt=stale, outcome=Redirect("pay_9", "https://pay.example/9"), now=NOW)

    assert (stale.status, stale.failure_code, stale.redirect_url) == (A.FAILED, "cancelled", "")


def test_a_payment_of_another_amount_gives_no_page(provider: FakeProvider) -> None:
    attempt = make_attempt()
    provider.after["start"] = [OutcomeUnknown("fake")]
    services.start_attempt(attempt_id=attempt.id, now=NOW)
    provider._change("pay_1", amount=Money(1, "USD"))
    provider.failing["start"] = [OutcomeUnknown("fake")]

    again = services.start_attempt(attempt_id=attempt.id, now=NOW)

    assert (again.status, again.redirect_url) == (A.UNKNOWN, "")
    assert InboxHint.objects.count() == 1


def test_the_gate_shows_only_the_payable_s_own_attempts(provider: FakeProvider) -> None:
    attempt = make_attempt()

    assert access.get_attempt_for_payable(payable="ord_1", attempt_id=attempt.id) == attempt
    for payable, wanted in [("ord_2", attempt.id), ("ord_1", "att_0000000000000"), ("ord_1", "' OR 1=1")]:
        with pytest.raises(NotFound):
            access.get_attempt_for_payable(payable=payable, attempt_id=wanted)
    with transaction.atomic():
        assert access.get_attempt_for_payable(payable="ord_1", attempt_id=attempt.id, lock=True) == attempt


def test_refs_that_are_no_ids_are_left_out(provider: FakeProvider) -> None:
    attempt = make_attempt()

    assert selectors.attempts_by_ids([attempt.id, "nonsense", "ord_0000000000000"]) == {attempt.id: attempt}
    assert selectors.attempts_by_ids([]) == {}


@pytest.mark.parametrize(
    "change",
    [
        "amount_minor = 0",
        "amount_minor = -1",
        "status = 'paid'",
        "captured_minor = -1",
        "refunded_minor = 1",
        "status = 'captured'",
        "status = 'captured', kept = true, captured_minor = 1999, captured_currency = 'USD'",
        "status = 'captured', kept = true, captured_minor = 2000, captured_currency = 'EUR'",
        "status = 'partially_refunded', kept = true, captured_minor = 2001, captured_currency = 'USD'",
    ],
)
def test_the_database_refuses_impossible_figures(provider: FakeProvider, change: str) -> None:
    make_attempt()

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE payments_attempt SET {change}")


def test_starting_costs_one_read_and_one_write(
    provider: FakeProvider, django_assert_num_queries: "object"
) -> None:
    from django.test.utils import CaptureQueriesContext

    attempt = make_attempt()

    with CaptureQueriesContext(connection) as spent:
        services.start_attempt(attempt_id=attempt.id, now=NOW)

    statements = [each["sql"] for each in spent if "SAVEPOINT" not in each["sql"]]
    assert len(statements) == 2, statements
