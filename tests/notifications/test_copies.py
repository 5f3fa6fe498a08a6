from datetime import timedelta

import pytest

from everline.core import clock, ids
from everline.core.audit import ReasonMissing
from everline.core.errors import NotFound
from everline.core.models import AuditEntry, Transition
from everline.notifications.copies import NotGivenUp, SecretWiped, copy_message, retry_delivery
from everline.notifications.models import Delivery, Message
from everline.notifications.services import claim_due, enqueue
from everline.notifications.types import Message as NewMessage

pytestmark = pytest.mark.django_db


def written(kind: str = "order_expired", key: str = "order_expired:1") -> Message:
    message = NewMessage(
        kind=kind,
        to="li@example.com",
        locale="en",
        brand={"name_en": "leb"},
        context={"plan_name": "Japan"},
        dedupe_key=key,
        reference="ord_1",
    )
    [added] = enqueue(message, now=clock.now())
    return Message.objects.get(pk=added)


def given_up(message: Message) -> Delivery:
    Delivery.objects.filter(message=message).update(
        status="given_up", last_error="mailbox full", tries=9, ended_at=clock.now()
    )
    return Delivery.objects.get(message=message)


def again(message: Message, reason: str = "mailbox works") -> Delivery:
    return retry_delivery(message_id=message.id, actor="sue@example.com", reason=reason, now=clock.now())


def test_a_copy_says_the_same_to_another_address() -> None:
    first = written()

    key = copy_message(
        original=first.dedupe_key, to={"email": "new@example.com"}, suffix="7", now=clock.now()
    )

    copy = Message.objects.get(pk=key)
    assert (copy.to, copy.dedupe_key) == ("new@example.com", "order_expired:1:copy:7")
    assert (copy.context, copy.locale, copy.brand) == (first.context, first.locale, first.brand)
    assert Delivery.objects.get(message=copy).status == "queued"


def test_what_is_not_there_or_has_no_address_is_not_copied() -> None:
    first = written()

    assert copy_message(original="other", to={"email": "a@b.example"}, suffix="1", now=clock.now()) is None
    assert copy_message(original=first.dedupe_key, to={"email": ""}, suffix="1", now=clock.now()) is None
    assert Message.objects.count() == 1


def test_a_new_chance_is_as_good_as_a_first_one() -> None:
    message = written()
    given_up(message)
    clock.set_offset(timedelta(days=10))

    delivery = again(message)

    assert (delivery.status, delivery.tries, delivery.ended_at) == ("queued", 0, None)
    assert delivery.queued_at > clock.real_now() + timedelta(days=9)
    assert [each.pk for each in claim_due(clock.now())] == [delivery.pk]
    assert Transition.objects.get(label="notifications.delivery").actor == "sue@example.com"
    assert AuditEntry.objects.get().before == {"status": "given_up", "error": "mailbox full", "tries": 9}


def test_only_what_was_given_up_gets_one() -> None:
    message = written()

    with pytest.raises(NotGivenUp):
        again(message)
    with pytest.raises(NotFound):
        retry_delivery(message_id=ids.new_id("msg"), actor="sue", reason="because", now=clock.now())

    assert not AuditEntry.objects.exists()


def test_a_secret_that_is_gone_is_not_sent_as_a_hole() -> None:
    message = written("welcome", "welcome:1")
    given_up(message)

    with pytest.raises(SecretWiped):
        again(message)

    assert Delivery.objects.get(message=message).status == "given_up"


def test_without_a_reason_it_stays_given_up() -> None:
    message = written()
    given_up(message)

    with pytest.raises(ReasonMissing):
        again(message, reason=" ")

    assert Delivery.objects.get(message=message).status == "given_up"
