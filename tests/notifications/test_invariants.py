from datetime import timedelta

import pytest

from everline.core import clock
from everline.core.invariants import run_all
from everline.notifications import tasks
from everline.notifications.invariants import every_message_goes_its_way
from everline.notifications.models import Delivery
from everline.notifications.services import PATIENCE, claim_due, enqueue
from everline.notifications.states import DeliveryState
from tests.notifications.conftest import Gateway, message

pytestmark = pytest.mark.django_db

NAME = "notifications.sent_given_up_or_in_retry_window"


def test_messages_on_their_way_break_nothing(gateway: Gateway) -> None:
    now = clock.now()
    enqueue(message("sent"), message("given up"), message("waiting"), now=now)
    gateway.faults.extend(["", "400", "500"])
    tasks.deliver()
    enqueue(message("new"), now=now)
    claim_due(now)

    assert sorted(Delivery.objects.values_list("status", flat=True)) == [
        "given_up",
        "queued",
        "queued",
        "sent",
    ]
    assert run_all(now)[NAME] == []


def test_a_message_that_nobody_looks_for_is_found() -> None:
    now = clock.now()
    (key,) = enqueue(message(), now=now - timedelta(minutes=16))

    found = every_message_goes_its_way(now)

    assert found == [f"message {key} is queued and outside its retry window"]


def test_a_message_without_a_delivery_is_found() -> None:
    now = clock.now()
    (key,) = enqueue(message(), now=now)
    Delivery.objects.all().delete()

    assert every_message_goes_its_way(now) == [f"message {key} has no delivery"]


def test_a_try_that_is_too_far_away_is_found() -> None:
    now = clock.now()
    (key,) = enqueue(message(), now=now)
    Delivery.objects.update(next_try_at=now + timedelta(days=1))

    assert every_message_goes_its_way(now) == [f"message {key} is queued and outside its retry window"]


def test_a_message_that_is_tried_for_ever_is_found() -> None:
    now = clock.now()
    (key,) = enqueue(message(), now=now - PATIENCE - timedelta(hours=7))
    Delivery.objects.update(tries=40, decided_at=now, next_try_at=now + timedelta(hours=1))

    assert every_message_goes_its_way(now) == [f"message {key} is queued and outside its retry window"]


def test_an_ended_message_is_never_late() -> None:
    now = clock.now()
    enqueue(message(), now=now - timedelta(days=400))
    Delivery.objects.update(status=DeliveryState.SENT, ended_at=now - timedelta(days=400))

    assert every_message_goes_its_way(now) == []
