from datetime import timedelta

import pytest
from django.db import transaction

from everline.core import clock, inbox
from everline.core.models import InboxHint

pytestmark = pytest.mark.django_db


def _store(event_id: str = "evt_1", source: str = "payments:test", kind: str = "payment.changed") -> bool:
    return inbox.store(
        source=source,
        event_id=event_id,
        kind=kind,
        job="core.dispatch",
        object_ref="pay_1",
        reference="att_1",
        body=b"\x00raw",
        headers={"x": "y"},
    )


def test_a_hint_is_kept_raw_and_once() -> None:
    assert _store()
    assert not _store()
    assert _store(source="payments:other")

    row = InboxHint.objects.filter(source="payments:test").get()
    assert (bytes(row.body), row.headers, row.processed_at) == (b"\x00raw", {"x": "y"}, None)


def test_what_waits_is_found_by_sender_and_kind_oldest_first() -> None:
    for number in range(3):
        _store(f"evt_{number}")
    _store("evt_s", source="suppliers:test", kind="usage")
    now = clock.now()

    found = inbox.pending(source="payments:", now=now, kinds=["payment.changed"])

    assert [each.event_id for each in found] == ["evt_0", "evt_1", "evt_2"]
    assert inbox.pending(source="payments:", now=now, kinds=["refund.changed"]) == []
    assert len(inbox.pending(source="payments:", now=now, limit=2)) == 2


def test_taking_is_part_of_the_transaction_that_has_the_effects() -> None:
    _store()
    now = clock.now()
    [hint] = inbox.pending(source="payments:", now=now)

    with pytest.raises(RuntimeError), transaction.atomic():
        assert inbox.take([hint.id], now) == {hint.id}
        raise RuntimeError

    assert [each.id for each in inbox.pending(source="payments:", now=now)] == [hint.id]
    assert inbox.take([hint.id], now) == {hint.id}
    assert inbox.take([hint.id], now) == set()


def test_what_cannot_be_applied_says_why_and_waits_longer_each_time() -> None:
    _store()
    now = clock.now()
    [hint] = inbox.pending(source="payments:", now=now)

    inbox.postpone(hint.id, "the provider does not answer", now)
    inbox.postpone(hint.id, "again", now)

    hint.refresh_from_db()
    assert (hint.tries, hint.error) == (2, "again")
    assert hint.next_try_at == now + timedelta(seconds=20)
    assert inbox.pending(source="payments:", now=now) == []
    assert inbox.pending(source="payments:", now=now + timedelta(seconds=21)) == [hint]


def test_an_applied_hint_is_not_postponed() -> None:
    _store()
    now = clock.now()
    [hint] = inbox.pending(source="payments:", now=now)
    inbox.take([hint.id], now)

    inbox.postpone(hint.id, "too late", now)

    hint.refresh_from_db()
    assert (hint.tries, hint.error) == (0, "")
