import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.db import connection, transaction

from everline.core import clock, sandbox_link
from everline.core.models import OutboxEvent, Transition
from everline.core.transactions import InsideTransaction
from everline.notifications import delivery, services, tasks
from everline.notifications.channels.port import TransportError
from everline.notifications.models import Delivery, Message
from everline.notifications.services import (
    LEASE,
    PATIENCE,
    PAUSES,
    claim_due,
    enqueue,
    record_outcomes,
    release,
)
from everline.notifications.states import DeliveryState
from everline.notifications.types import Outcome
from tests.notifications.conftest import Gateway, message

Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patience_with_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a batch is tried whole."""
    monkeypatch.setattr(delivery, "BUDGET", 3600.0)


def _events(kind: str) -> list[dict[str, str]]:
    return [row.payload for row in OutboxEvent.objects.filter(type=f"notifications.{kind}").order_by("id")]


def test_a_message_reaches_the_gateway_whole(gateway: Gateway) -> None:
    (key,) = enqueue(message(locale="zh-hans"), now=clock.now())

    assert tasks.deliver() == 1

    mail = gateway.mails[key]
    assert (mail["message_id"], mail["kind"], mail["to"]) == (key, "order_confirmation", "li@example.com")
    assert mail["from"] == "leb卡 <no-reply@leb.example>"
    assert mail["subject"].startswith("订单 LEB-26-7K3M9Q")
    assert "LEB-26-7K3M9Q" in mail["text"]
    assert "LEB-26-7K3M9Q" in mail["html"]
    assert mail["attachments"] == []
    assert gateway.keys == {f"Bearer {sandbox_link.api_key('test-token')}"}


def test_the_outcome_is_recorded_and_told_upward_once(gateway: Gateway) -> None:
    (key,) = enqueue(message(), now=clock.now())

    tasks.deliver()
    again = tasks.deliver()

    row = Delivery.objects.get()
    assert again == 0
    assert (row.status, row.last_error) == (DeliveryState.SENT, "")
    assert row.ended_at is not None
    (told,) = _events("MessageSent")
    assert told == {
        "message_id": key,
        "kind": "order_confirmation",
        "reference": "ord_0000000000001",
        "dedupe_key": "confirm:1",
        "channel": "email",
        "at": row.ended_at.isoformat(),
    }
    assert _events("MessageGivenUp") == []
    moves = Transition.objects.filter(label="notifications.delivery").values_list("from_state", "to_state")
    assert list(moves) == [("queued", "sent")]
    assert len(gateway.posts) == 1


def test_a_link_that_signs_in_is_sent_and_then_forgotten(gateway: Gateway) -> None:
    context = {"expires_at": "2026-11-30T15:59:59+00:00", "zone": "UTC"}
    (key,) = enqueue(
        message(kind="welcome", context=context, private={"link": "https://leb.example/welcome/t0k3n/"}),
        now=clock.now(),
    )

    tasks.deliver()

    assert "https://leb.example/welcome/t0k3n/" in gateway.mails[key]["text"]
    assert Message.objects.get().private == {}
    assert Message.objects.get().context == context


@pytest.mark.parametrize("fault", ["drop_before", "500", "503", "429", "401", "404"])
def test_a_refused_message_is_tried_again_within_thirty_seconds(
    gateway: Gateway, move_clock: Move, fault: str
) -> None:
    (key,) = enqueue(message(private={"extra": "kept"}), now=clock.now())
    gateway.faults.append(fault)

    tasks.deliver()
    waiting = Delivery.objects.get()
    too_early = tasks.deliver()
    move_clock(timedelta(seconds=30))
    tasks.deliver()

    assert (waiting.status, waiting.tries) == (DeliveryState.QUEUED, 1)
    assert waiting.last_error
    assert timedelta(0) < waiting.next_try_at - waiting.decided_at <= timedelta(seconds=30)
    assert too_early == 0
    assert Delivery.objects.get().status == DeliveryState.SENT
    assert [post["message_id"] for post in gateway.posts] == [key, key]
    assert list(gateway.mails) == [key]
    assert len(_events("MessageSent")) == 1


def test_an_answer_lost_after_acceptance_brings_no_second_mail(gateway: Gateway, move_clock: Move) -> None:
    (key,) = enqueue(message(), now=clock.now())
    gateway.faults.append("drop_after")

    tasks.deliver()
    accepted_but_unknown = (len(gateway.mails), Delivery.objects.get().status)
    move_clock(timedelta(seconds=30))
    tasks.deliver()

    assert accepted_but_unknown == (1, DeliveryState.QUEUED)
    assert list(gateway.mails) == [key]
    assert gateway.posts[0] == gateway.posts[1]
    assert Delivery.objects.get().status == DeliveryState.SENT
    assert len(_events("MessageSent")) == 1


def test_pauses_grow_and_patience_ends_with_a_reason(gateway: Gateway, move_clock: Move) -> None:
    (key,) = enqueue(message(private={"link": "secret"}), now=clock.now())
    gateway.faults.extend(["500"] * 100)
    pauses: list[timedelta] = []

    while (row := Delivery.objects.get()).status == DeliveryState.QUEUED:
        clock.set_offset(row.next_try_at - clock.real_now() + timedelta(seconds=1))
        tasks.deliver()
        after = Delivery.objects.get()
        pauses.append(after.next_try_at - after.decided_at)

    assert [pause.total_seconds() for pause in pauses[:6]] == [pause.total_seconds() for pause in PAUSES[:6]]
    assert row.queued_at + PATIENCE <= row.ended_at <= row.queued_at + PATIENCE + timedelta(minutes=1)  # type: ignore[operator]
    assert row.status == DeliveryState.GIVEN_UP
    assert row.last_error == "the gateway answered 500"
    assert gateway.mails == {}
    (told,) = _events("MessageGivenUp")
    assert (told["message_id"], told["reason"]) == (key, "the gateway answered 500")
    assert _events("MessageSent") == []
    assert Message.objects.get().private == {}


def test_a_jump_past_the_patience_takes_no_tries_away(gateway: Gateway, move_clock: Move) -> None:
    (key,) = enqueue(message(), now=clock.now())
    gateway.faults.extend(["500"] * 3)
    tasks.deliver()

    move_clock(timedelta(days=5))
    for _ in range(3):
        tasks.deliver()
        move_clock(timedelta(hours=7))

    assert list(gateway.mails) == [key]
    assert Delivery.objects.get().status == DeliveryState.SENT
    assert _events("MessageGivenUp") == []


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_message_that_can_never_go_is_given_up_at_once(
    gateway: Gateway, move_clock: Move, status: str
) -> None:
    enqueue(message(), now=clock.now())
    gateway.faults.append(status)

    tasks.deliver()
    move_clock(timedelta(hours=1))
    later = tasks.deliver()

    row = Delivery.objects.get()
    assert (row.status, later) == (DeliveryState.GIVEN_UP, 0)
    assert status in row.last_error
    assert len(gateway.posts) == 1
    assert [told["reference"] for told in _events("MessageGivenUp")] == ["ord_0000000000001"]


def test_a_gateway_that_was_never_there_keeps_messages_waiting() -> None:
    enqueue(message(), now=clock.now())

    tasks.deliver()

    row = Delivery.objects.get()
    assert (row.status, row.tries) == (DeliveryState.QUEUED, 1)
    assert "SandboxMissing" in row.last_error


def test_one_message_that_cannot_be_written_out_keeps_no_other(gateway: Gateway, move_clock: Move) -> None:
    enqueue(message("good"), message("bad", context={}), message("fine"), now=clock.now())

    tasks.deliver()

    assert len(gateway.mails) == 2
    bad = Delivery.objects.select_related("message").get(status=DeliveryState.QUEUED)
    assert bad.message.dedupe_key == "bad"
    assert "MissingContext" in bad.last_error
    Message.objects.filter(dedupe_key="bad").update(context=Message.objects.get(dedupe_key="good").context)
    move_clock(timedelta(seconds=30))
    tasks.deliver()
    assert len(gateway.mails) == 3


def test_many_messages_go_in_batches_each_once(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 10)
    ids = enqueue(*(message(f"m{n}", to=f"c{n}@example.com") for n in range(34)), now=clock.now())

    assert tasks.deliver() == 34

    assert sorted(gateway.mails) == sorted(ids)
    assert len(gateway.posts) == 34
    assert not Delivery.objects.exclude(status=DeliveryState.SENT).exists()


def test_a_batch_costs_statements_by_the_set(
    gateway: Gateway, django_assert_max_num_queries: Callable[..., mock.MagicMock]
) -> None:
    enqueue(*(message(f"m{n}") for n in range(40)), now=clock.now())

    with django_assert_max_num_queries(16):
        tasks.deliver()

    assert len(gateway.mails) == 40


def test_mixed_outcomes_of_one_batch_are_kept_apart(gateway: Gateway) -> None:
    enqueue(*(message(f"m{n}") for n in range(6)), now=clock.now())
    gateway.faults.extend(["400", "500", "422"])

    tasks.deliver()

    by_status = sorted(Delivery.objects.values_list("status", flat=True))
    assert by_status == ["given_up", "given_up", "queued", "sent", "sent", "sent"]
    assert len(gateway.mails) == 3
    assert len(_events("MessageSent")) == 3
    assert sorted(told["reason"][-3:] for told in _events("MessageGivenUp")) == ["400", "422"]


def test_nothing_is_sent_inside_a_transaction(gateway: Gateway) -> None:
    enqueue(message(), now=clock.now())

    with pytest.raises(InsideTransaction), transaction.atomic():
        tasks.deliver()

    assert gateway.posts == []
    assert Delivery.objects.get().next_try_at <= clock.now()


def test_a_worker_that_died_gives_its_share_back(gateway: Gateway, move_clock: Move) -> None:
    (key,) = enqueue(message(), now=clock.now())
    claimed = claim_due(clock.now())

    while_held = tasks.deliver()
    move_clock(LEASE)
    after = tasks.deliver()

    assert [each.message_id for each in claimed] == [key]
    assert (while_held, after) == (0, 1)
    assert list(gateway.mails) == [key]


def test_the_slower_of_two_that_sent_one_message_says_nothing(gateway: Gateway, move_clock: Move) -> None:
    enqueue(message(), now=clock.now())
    slow = claim_due(clock.now())
    move_clock(LEASE)
    tasks.deliver()

    sent = record_outcomes(slow, [Outcome(slow[0].id)], clock.now())
    failed = record_outcomes(slow, [Outcome(slow[0].id, error="timed out")], clock.now())
    hopeless = record_outcomes(slow, [Outcome(slow[0].id, error="refused", permanent=True)], clock.now())

    assert (sent["sent"], hopeless["given_up"]) == (0, 0)
    assert failed["postponed"] == 1
    row = Delivery.objects.get()
    assert (row.status, row.last_error, row.tries) == (DeliveryState.SENT, "", 0)
    assert len(_events("MessageSent")) == 1
    assert _events("MessageGivenUp") == []


def test_what_could_not_be_tried_in_time_is_given_back(gateway: Gateway) -> None:
    enqueue(message(), now=clock.now())

    with mock.patch.object(delivery, "BUDGET", -1.0):
        done = tasks.deliver()
    row = Delivery.objects.get()
    tasks.deliver()

    assert done == 0
    assert (row.status, row.tries) == (DeliveryState.QUEUED, 0)
    assert list(gateway.mails) == [row.message_id]


def test_released_deliveries_that_ended_meanwhile_stay_ended(gateway: Gateway) -> None:
    enqueue(message(), now=clock.now())
    stale = list(Delivery.objects.all())
    tasks.deliver()
    before = Delivery.objects.values().get()

    release(stale, clock.now())

    assert Delivery.objects.values().get() == before


def test_a_clock_put_back_holds_nothing_up(gateway: Gateway, move_clock: Move) -> None:
    move_clock(timedelta(days=30))
    (key,) = enqueue(message(), now=clock.now())
    gateway.faults.append("500")
    tasks.deliver()
    assert gateway.mails == {}

    move_clock(timedelta(days=-30))
    tasks.deliver()

    assert list(gateway.mails) == [key]


def test_a_skew_between_machines_takes_no_lease_away(gateway: Gateway, move_clock: Move) -> None:
    enqueue(message(), now=clock.now())
    claim_due(clock.now())

    move_clock(timedelta(minutes=-10))
    taken = claim_due(clock.now())

    assert taken == []


def test_a_jump_of_years_sends_what_was_queued_before(gateway: Gateway, move_clock: Move) -> None:
    (key,) = enqueue(message(), now=clock.now())

    move_clock(timedelta(days=800))
    tasks.deliver()

    assert list(gateway.mails) == [key]
    assert Delivery.objects.get().status == DeliveryState.SENT


def test_the_oldest_goes_first() -> None:
    now = clock.now()
    for n in (2, 0, 1):
        enqueue(message(f"m{n}"), now=now - timedelta(minutes=10 - n))

    claimed = claim_due(now)

    assert [each.message.dedupe_key for each in claimed] == ["m0", "m1", "m2"]


def test_a_long_reason_is_kept_as_far_as_it_fits() -> None:
    enqueue(message(), now=clock.now())
    claimed = claim_due(clock.now())

    record_outcomes(claimed, [Outcome(claimed[0].id, error="x" * 5000, permanent=True)], clock.now())

    assert Delivery.objects.get().last_error == "x" * 500


def test_a_transport_error_is_temporary_unless_it_says_otherwise() -> None:
    assert TransportError("later").permanent is False
    assert TransportError("never", permanent=True).permanent is True


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_share_the_work_and_send_nothing_twice(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "BATCH", 10)
    monkeypatch.setattr(services, "LEASE", timedelta(hours=1))
    with transaction.atomic():
        ids = enqueue(*(message(f"m{n}") for n in range(60)), now=clock.now())
    start = threading.Barrier(3)
    done: list[int] = []

    def work() -> None:
        try:
            start.wait()
            done.append(tasks.deliver())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(done) == 60
    assert sorted(post["message_id"] for post in gateway.posts) == sorted(ids)
    assert len(_events("MessageSent")) == 60
