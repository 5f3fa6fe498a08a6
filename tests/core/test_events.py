from datetime import timedelta

import pytest
from django.db import transaction

from everline.core import clock, events
from everline.core.events import event
from everline.core.models import OutboxEvent

pytestmark = pytest.mark.django_db


@event("test.Happened")
class Happened:
    what: str
    amount: int


class Heard:
    def __init__(self) -> None:
        self.batches: list[list[Happened]] = []
        self.poison = ""

    def __call__(self, batch: list[Happened]) -> None:
        if any(each.what == self.poison for each in batch):
            raise RuntimeError("cannot handle this")
        self.batches.append(batch)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    found = Heard()
    monkeypatch.setattr(events, "handlers", lambda: {Happened: (found,)})
    return found


def test_news_is_written_with_its_transaction_or_not_at_all(heard: Heard) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        events.publish(Happened(what="lost", amount=1))
        raise RuntimeError

    assert events.dispatch(clock.now()) == 0
    assert heard.batches == []


def test_news_of_one_kind_is_handed_over_together_and_once(heard: Heard) -> None:
    events.publish(Happened(what="a", amount=1), Happened(what="b", amount=2))

    assert events.dispatch(clock.now()) == 2
    assert events.dispatch(clock.now()) == 0
    assert heard.batches == [[Happened(what="a", amount=1), Happened(what="b", amount=2)]]


def test_one_bad_event_stops_only_itself(heard: Heard) -> None:
    heard.poison = "c"
    events.publish(*(Happened(what=letter, amount=0) for letter in "abcde"))
    now = clock.now()

    done = events.dispatch(now)

    assert done == 4
    assert sorted(each.what for batch in heard.batches for each in batch) == ["a", "b", "d", "e"]
    [stuck] = OutboxEvent.objects.filter(dispatched_at=None)
    assert (stuck.tries, stuck.payload["what"]) == (1, "c")
    assert "cannot handle" in stuck.error
    assert stuck.next_try_at > now


def test_a_stuck_event_is_tried_again_ever_more_rarely(heard: Heard) -> None:
    heard.poison = "c"
    events.publish(Happened(what="c", amount=0))
    now = clock.now()
    events.dispatch(now)

    later = now + timedelta(seconds=6)
    events.dispatch(later)

    [stuck] = OutboxEvent.objects.all()
    assert stuck.tries == 2
    assert stuck.next_try_at >= later + timedelta(seconds=10)
    heard.poison = ""
    assert events.dispatch(later + timedelta(days=1)) == 1


def test_handled_news_is_forgotten_after_a_month(heard: Heard) -> None:
    events.publish(Happened(what="a", amount=1))
    now = clock.now()
    events.dispatch(now)

    assert events.forget_old(now + timedelta(days=29)) == 0
    assert events.forget_old(now + timedelta(days=31)) == 1


def test_two_events_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="two events"):

        @event("test.Happened")
        class Again:
            what: str


def test_the_table_of_handlers_names_only_events() -> None:
    table = events.handlers()

    assert set(table) <= set(events._NAMES)
    assert all(callable(handler) for found in table.values() for handler in found)
