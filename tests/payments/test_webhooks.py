"""The door: verified news is stored once with its job; nothing of it is believed."""

import pytest

from everline.core.errors import NotFound
from everline.core.models import InboxHint
from everline.payments import services
from everline.payments.errors import BadSignature
from everline.payments.models import Attempt
from everline.payments.states import AttemptStatus
from tests.payments.fakes import FakeProvider, started

pytestmark = pytest.mark.django_db
GOOD = {"X-Signature": "good", "User-Agent": "bank", "Authorization": "secret", "Content-Type": "text/plain"}


def test_a_payment_hint_is_stored_for_settle(provider: FakeProvider, deferred: list[str]) -> None:
    attempt = started()

    services.receive_webhook(
        provider="fake", raw=f"evt_1 payment.captured pay_1 {attempt.id}".encode(), headers=GOOD
    )

    hint = InboxHint.objects.get()
    assert (hint.source, hint.event_id, hint.kind) == ("payments:fake", "evt_1", "payment.changed")
    assert (hint.object_ref, hint.reference) == ("pay_1", attempt.id)
    assert bytes(hint.body).startswith(b"evt_1")
    assert hint.headers == {"user-agent": "bank", "content-type": "text/plain"}
    assert deferred == ["orders.settle"]
    assert Attempt.objects.get().status == AttemptStatus.REQUIRES_ACTION
    assert provider.named("fetch") == []


def test_scenario_2_the_same_event_twice_is_one_hint_and_one_job(
    provider: FakeProvider, deferred: list[str]
) -> None:
    for _ in range(2):
        services.receive_webhook(provider="fake", raw=b"evt_1 payment.captured pay_1 att_x", headers=GOOD)

    assert InboxHint.objects.count() == 1
    assert deferred == ["orders.settle"]


def test_scenario_1_news_about_an_attempt_nobody_knows_yet_is_stored(provider: FakeProvider) -> None:
    services.receive_webhook(
        provider="fake", raw=b"evt_1 payment.captured pay_1 att_0000000000000", headers=GOOD
    )

    assert InboxHint.objects.get().processed_at is None


def test_refund_news_is_this_room_s_own(provider: FakeProvider, deferred: list[str]) -> None:
    services.receive_webhook(provider="fake", raw=b"evt_1 refund.changed rfd_1 ref_1", headers=GOOD)

    hint = InboxHint.objects.get()
    assert (hint.kind, hint.object_ref, hint.reference) == ("refund.changed", "rfd_1", "ref_1")
    assert deferred == ["payments.settle_refunds"]


@pytest.mark.parametrize("headers", [{}, {"X-Signature": "bad"}])
def test_what_cannot_be_verified_is_not_stored(
    provider: FakeProvider, deferred: list[str], headers: dict[str, str]
) -> None:
    with pytest.raises(BadSignature):
        services.receive_webhook(provider="fake", raw=b"evt_1 payment.captured pay_1 x", headers=headers)

    assert not InboxHint.objects.exists()
    assert deferred == []


def test_a_provider_nobody_installed_is_not_found(provider: FakeProvider) -> None:
    with pytest.raises(NotFound):
        services.receive_webhook(provider="sandbox", raw=b"evt_1 payment.captured pay_1 x", headers=GOOD)
