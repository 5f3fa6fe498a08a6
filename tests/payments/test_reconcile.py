"""The reconciler: what nobody told us of is asked about, in time and ever more rarely, and never given up."""

from datetime import timedelta

import pytest

from everline.core.models import InboxHint
from everline.payments import services
from everline.payments.errors import OutcomeUnknown, TemporarilyUnavailable
from everline.payments.models import Attempt
from everline.payments.states import AttemptStatus
from everline.payments.types import PaymentState
from tests.payments.fakes import NOW, FakeProvider, captured, make_attempt, started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_hold")]
A = AttemptStatus
MINUTE = timedelta(minutes=1)


def hints() -> list[str]:
    return list(InboxHint.objects.order_by("id").values_list("event_id", flat=True))


def test_an_open_payment_is_hinted_after_a_minute_and_not_before(
    provider: FakeProvider, deferred: list[str]
) -> None:
    attempt = started()
    deferred.clear()

    assert services.reconcile_attempts(now=NOW + timedelta(seconds=59)) == 0
    assert services.reconcile_attempts(now=NOW + MINUTE) == 1
    assert services.reconcile_attempts(now=NOW + MINUTE) == 0

    assert hints() == [f"recon:{attempt.id}:1"]
    hint = InboxHint.objects.get()
    assert (hint.source, hint.kind, hint.object_ref) == ("payments:fake", "payment.changed", "pay_1")
    assert hint.reference == attempt.id
    assert deferred == ["orders.settle"]
    assert provider.named("fetch") == []


def test_scenario_6_checks_come_ever_more_rarely_and_never_stop(provider: FakeProvider) -> None:
    attempt = make_attempt(expires_at=NOW + timedelta(days=30))
    provider.failing["start"] = [OutcomeUnknown("fake")] * 99
    services.start_attempt(attempt_id=attempt.id, now=NOW)
    now, waits = NOW, []

    for _ in range(14):
        attempt.refresh_from_db()
        waits.append(attempt.next_check_at - now)
        now = attempt.next_check_at
        assert services.reconcile_attempts(now=now) == 1

    assert waits[:5] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE]
    assert waits[-2:] == [timedelta(days=1)] * 2
    attempt.refresh_from_db()
    assert attempt.status == A.UNKNOWN
    assert len(hints()) == 14


def test_a_check_comes_right_after_the_expiry(provider: FakeProvider) -> None:
    attempt = make_attempt(expires_at=NOW + timedelta(minutes=2))
    services.start_attempt(attempt_id=attempt.id, now=NOW)

    services.reconcile_attempts(now=NOW + MINUTE)

    attempt.refresh_from_db()
    assert attempt.next_check_at == attempt.expires_at + timedelta(seconds=30)


def test_scenario_10_an_attempt_whose_process_died_is_started_with_its_own_key(
    provider: FakeProvider,
) -> None:
    attempt = make_attempt()

    services.reconcile_attempts(now=NOW + MINUTE)

    attempt.refresh_from_db()
    assert (attempt.status, attempt.psp_ref) == (A.REQUIRES_ACTION, "pay_1")
    assert provider.named("start") == [attempt.id]
    assert hints() == []


def test_an_unknown_attempt_is_submitted_again_then_left_to_settle(provider: FakeProvider) -> None:
    provider.after["start"] = [OutcomeUnknown("fake"), OutcomeUnknown("fake")]
    provider.start_state = PaymentState.PROCESSING
    attempt = started()

    services.reconcile_attempts(now=NOW + MINUTE)

    attempt.refresh_from_db()
    assert attempt.status == A.PROCESSING
    assert len(provider.payments) == 1
    assert hints() == [f"recon:{attempt.id}:1"]


def test_money_found_by_the_second_submission_is_left_to_settle(provider: FakeProvider) -> None:
    provider.after["start"] = [OutcomeUnknown("fake")]
    attempt = started()
    provider.capture("pay_1")

    services.reconcile_attempts(now=NOW + MINUTE)

    attempt.refresh_from_db()
    assert (attempt.status, attempt.psp_ref) == (A.PROCESSING, "pay_1")
    assert hints() == [f"start:{attempt.id}", f"recon:{attempt.id}:1"]


def test_nothing_is_sent_for_an_attempt_past_its_expiry(provider: FakeProvider) -> None:
    attempt = make_attempt()

    services.reconcile_attempts(now=attempt.expires_at)

    assert provider.calls == []
    assert hints() == [f"recon:{attempt.id}:1"]


def test_an_unreachable_provider_is_asked_again_later(provider: FakeProvider) -> None:
    attempt = make_attempt()
    provider.failing["start"] = [TemporarilyUnavailable("fake")]

    assert services.reconcile_attempts(now=NOW + MINUTE) == 1

    attempt.refresh_from_db()
    assert (attempt.status, attempt.next_check_at) == (A.CREATED, NOW + 3 * MINUTE)


def test_settled_attempts_are_left_alone(provider: FakeProvider) -> None:
    captured(provider)
    provider.start_state = PaymentState.FAILED
    started("ord_2")

    assert services.reconcile_attempts(now=NOW + timedelta(days=90)) == 0


def test_many_are_claimed_in_batches(provider: FakeProvider) -> None:
    for n in range(60):
        started(f"ord_{n}")

    counts = [services.reconcile_attempts(now=NOW + MINUTE) for _ in range(3)]

    assert counts == [50, 10, 0]
    assert Attempt.objects.filter(checks=1).count() == 60
