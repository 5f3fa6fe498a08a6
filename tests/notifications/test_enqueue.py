import threading
from collections.abc import Callable
from datetime import datetime
from unittest import mock

import pytest
from django.db import IntegrityError, connection, transaction

from everline.core import clock, jobs
from everline.notifications.models import Delivery, Message
from everline.notifications.services import enqueue
from everline.notifications.states import DeliveryState
from tests.notifications.conftest import BRAND, CONFIRMATION, message

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return clock.now()


def test_a_message_is_kept_with_all_it_says_and_is_due_at_once(now: datetime) -> None:
    ids = enqueue(message(private={"link": "https://leb.example/secret"}), now=now)

    row = Message.objects.get()
    assert ids == [row.id]
    assert row.id.startswith("msg_")
    assert (row.kind, row.channel, row.to, row.locale) == (
        "order_confirmation",
        "email",
        "li@example.com",
        "en",
    )
    assert (row.brand, row.context) == (
        BRAND,
        CONFIRMATION,
    )
    assert row.private == {"link": "https://leb.example/secret"}
    assert (row.dedupe_key, row.reference, row.created_at) == ("confirm:1", "ord_0000000000001", now)
    delivery = Delivery.objects.get()
    assert (delivery.message_id, delivery.status, delivery.tries) == (row.id, DeliveryState.QUEUED, 0)
    assert delivery.queued_at == delivery.next_try_at == delivery.decided_at == now
    assert delivery.ended_at is None


def test_the_same_key_again_adds_nothing(now: datetime) -> None:
    enqueue(message(), now=now)

    again = enqueue(message(to="other@example.com"), now=now)

    assert again == []
    assert Message.objects.get().to == "li@example.com"
    assert Delivery.objects.count() == 1


def test_a_batch_adds_its_new_ones_only(now: datetime) -> None:
    enqueue(message("a"), now=now)

    added = enqueue(message("a"), message("b"), message("c"), message("b"), now=now)

    assert len(added) == 2
    assert sorted(Message.objects.values_list("dedupe_key", flat=True)) == ["a", "b", "c"]
    assert Delivery.objects.count() == 3


def test_a_hundred_messages_cost_one_statement_and_one_job(
    now: datetime, django_assert_num_queries: Callable[..., mock.MagicMock]
) -> None:
    with mock.patch.object(jobs, "defer") as deferred, django_assert_num_queries(1):
        added = enqueue(*(message(f"m{n}") for n in range(100)), now=now)

    assert len(set(added)) == 100
    deferred.assert_called_once_with("notifications.deliver")


def test_nothing_new_wakes_nobody(now: datetime) -> None:
    enqueue(message(), now=now)

    with mock.patch.object(jobs, "defer") as deferred:
        enqueue(message(), now=now)
        enqueue(now=now)

    assert not deferred.called


def test_a_roll_back_takes_message_and_job_with_it(now: datetime) -> None:
    with transaction.atomic():
        enqueue(message(), now=now)
        transaction.set_rollback(True)

    assert not Message.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("change", [{"kind": "spam"}, {"channel": "pigeon"}])
def test_an_unknown_kind_or_channel_is_refused(now: datetime, change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        enqueue(message(**change), now=now)

    assert not Message.objects.exists()


def test_text_in_any_script_survives(now: datetime) -> None:
    said = {
        **CONFIRMATION,
        "plan_name": "欧洲 30 天 “无限” 🚄 \\u0041 '; --",
    }

    enqueue(message(context=said), now=now)

    assert Message.objects.get().context == said


def test_the_database_refuses_an_end_without_time_or_reason(now: datetime) -> None:
    enqueue(message(), now=now)

    with pytest.raises(IntegrityError, match="delivery_ends_with_a_time"), transaction.atomic():
        Delivery.objects.update(status=DeliveryState.SENT)
    with pytest.raises(IntegrityError, match="delivery_given_up_says_why"), transaction.atomic():
        Delivery.objects.update(status=DeliveryState.GIVEN_UP, ended_at=now)

    assert str(Delivery.objects.get()).endswith("(queued)")
    assert str(Message.objects.get()).startswith("order_confirmation msg_")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_one_is_kept(now: datetime) -> None:
    start = threading.Barrier(5)
    added: list[str] = []

    def race() -> None:
        try:
            start.wait()
            with transaction.atomic():
                added.extend(enqueue(message(), now=now))
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(added) == 1
    assert Message.objects.get().id == added[0]
    assert Delivery.objects.count() == 1
