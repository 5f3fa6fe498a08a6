"""Many workers, one mailbox: every message goes out once, and every outcome is told once."""

import pytest

from everline.core import clock
from everline.core.models import OutboxEvent, Transition
from everline.notifications import delivery, services, tasks
from everline.notifications.models import Delivery, Message
from everline.notifications.services import LEASE, claim_due, enqueue, record_outcomes
from everline.notifications.states import DeliveryState
from everline.notifications.types import Outcome
from tests.core.racing import at_once, failures
from tests.notifications.conftest import Gateway, message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _patience_with_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BUDGET", 3600.0)


def _told() -> list[str]:
    return [
        row.payload["message_id"] for row in OutboxEvent.objects.filter(type__startswith="notifications.")
    ]


def test_two_workers_send_each_mail_once(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 7)
    keys = enqueue(*[message(f"confirm:{number}") for number in range(40)], now=clock.now())

    results = at_once(*[tasks.deliver] * 4)

    assert failures(results) == []
    assert sum(results) == 40
    assert sorted(post["message_id"] for post in gateway.posts) == sorted(keys)
    assert sorted(_told()) == sorted(keys)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}
    assert Transition.objects.count() == 40


def test_workers_share_what_is_due_without_overlap(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 6)
    enqueue(*[message(f"confirm:{number}") for number in range(24)], now=clock.now())
    now = clock.now()

    results = at_once(*[lambda: claim_due(now)] * 4)

    assert failures(results) == []
    claimed = [each.id for rows in results for each in rows]
    assert len(claimed) == len(set(claimed))
    rest = [each.id for each in claim_due(now)] + [each.id for each in claim_due(now)]
    assert len({*claimed, *rest}) == 24 or len(rest) == 12


def test_of_contradicting_outcomes_the_first_counts_and_is_told_once(gateway: Gateway) -> None:
    enqueue(message(), now=clock.now())
    claimed = claim_due(clock.now())
    [row] = claimed
    outcomes = [Outcome(row.id), Outcome(row.id, error="550 no such user", permanent=True)] * 3
    now = clock.now()

    results = at_once(*[lambda o=o: record_outcomes(claimed, [o], now) for o in outcomes])

    assert failures(results) == []
    row.refresh_from_db()
    assert row.status in {DeliveryState.SENT, DeliveryState.GIVEN_UP}
    assert len(_told()) == 1
    assert Transition.objects.count() == 1


def test_a_postponement_that_comes_after_the_end_wakes_nothing(gateway: Gateway) -> None:
    enqueue(message(), now=clock.now())
    claimed = claim_due(clock.now())
    [row] = claimed
    now = clock.now()

    at_once(
        *[lambda: record_outcomes(claimed, [Outcome(row.id)], now)] * 2,
        *[lambda: record_outcomes(claimed, [Outcome(row.id, error="busy")], now)] * 4,
    )
    record_outcomes(claimed, [Outcome(row.id, error="busy")], now)

    row.refresh_from_db()
    assert (row.status, row.last_error) == (DeliveryState.SENT, "")
    assert claim_due(now + 2 * LEASE) == []
    assert len(_told()) == 1


def test_scenario_27_a_gateway_that_is_down_for_some_loses_and_doubles_nothing(gateway: Gateway) -> None:
    gateway.faults.extend(["503", "drop", "drop_after", "429"] * 3)
    keys = enqueue(*[message(f"confirm:{number}") for number in range(20)], now=clock.now())

    first = at_once(*[tasks.deliver] * 3)
    waiting = Delivery.objects.filter(status=DeliveryState.QUEUED).count()
    Delivery.objects.filter(status=DeliveryState.QUEUED).update(next_try_at=clock.now())
    second = at_once(*[tasks.deliver] * 3)

    assert failures([*first, *second]) == []
    assert waiting == 12
    assert sorted(gateway.mails) == sorted(keys)
    assert sorted(_told()) == sorted(keys)
    assert len(gateway.posts) == 32


def test_a_private_link_is_wiped_by_whoever_ends_first(gateway: Gateway) -> None:
    enqueue(message(private={"order_url": "https://leb.example/secret/"}), now=clock.now())
    claimed = claim_due(clock.now())
    now = clock.now()

    at_once(*[lambda: record_outcomes(claimed, [Outcome(claimed[0].id)], now)] * 4)

    assert Message.objects.get().private == {}
    assert len(_told()) == 1


def test_one_fact_told_by_many_workers_is_one_mail(gateway: Gateway) -> None:
    now = clock.now()

    results = at_once(*[lambda: enqueue(message("confirm:1"), message("confirm:2"), now=now)] * 6)
    tasks.deliver()

    assert failures(results) == []
    assert sum(len(each) for each in results) == 2
    assert len(gateway.posts) == 2
