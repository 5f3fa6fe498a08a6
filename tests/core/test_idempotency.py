from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everline.core import clock, idempotency
from everline.core.idempotency import Claim, InProgress, KeyRequired, KeyReused
from everline.core.models import IdempotencyRecord

PRINT = idempotency.fingerprint("test", {"a": 1})
OTHER = idempotency.fingerprint("test", {"a": 2})


def _claim(now: datetime, key: str | None = "k", owner: str = "cus_1", fingerprint: str = PRINT) -> Claim:
    return idempotency.claim(owner=owner, key=key, fingerprint=fingerprint, now=now)


@pytest.mark.parametrize("key", [None, "", "x" * 256, "snow☃", "tab\t", "nul\x00"])
def test_a_key_that_is_none_is_asked_for(key: str | None) -> None:
    with pytest.raises(KeyRequired):
        _claim(clock.now(), key)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.none() | st.text(max_size=5), max_size=5))
def test_the_order_of_members_is_no_difference(body: dict[str, Any]) -> None:
    turned = dict(reversed(list(body.items())))

    assert idempotency.fingerprint("x", body) == idempotency.fingerprint("x", turned)
    assert idempotency.fingerprint("x", body) != idempotency.fingerprint("y", body)


@pytest.mark.django_db
class TestKey:
    def test_begins_once_and_is_repeated_without_effect(self) -> None:
        now = clock.now()
        held = _claim(now)
        assert (held.object_id, held.status) == ("", None)

        idempotency.bind(held, "ord_1", status=201)

        assert _claim(now) == Claim(held.record_id, "ord_1", 201)

    def test_may_name_its_object_and_its_end_at_once(self) -> None:
        now = clock.now()

        held = idempotency.claim(
            owner="cus_1", key="k", fingerprint=PRINT, now=now, object_id="ord_1", status=201
        )
        again = idempotency.claim(
            owner="cus_1", key="k", fingerprint=PRINT, now=now, object_id="ord_2", status=201
        )

        assert held == again == Claim(held.record_id, "ord_1", 201)

    def test_that_is_at_work_says_on_what(self) -> None:
        now = clock.now()
        idempotency.claim(owner="cus_1", key="k", fingerprint=PRINT, now=now, object_id="att_1")

        with pytest.raises(InProgress) as caught:
            idempotency.claim(owner="cus_1", key="k", fingerprint=PRINT, now=now, object_id="att_2")

        assert (caught.value.object_id, caught.value.extra) == ("att_1", {})

    def test_stands_for_one_request(self) -> None:
        now = clock.now()
        _claim(now)

        with pytest.raises(KeyReused):
            _claim(now, fingerprint=OTHER)

    def test_belongs_to_its_owner(self) -> None:
        now = clock.now()
        held = _claim(now)

        assert _claim(now, owner="cus_2").record_id != held.record_id

    def test_keeps_others_out_while_it_is_held(self) -> None:
        now = clock.now()
        _claim(now)

        with pytest.raises(InProgress):
            _claim(now + timedelta(seconds=59))

    def test_is_continued_after_a_crash(self) -> None:
        now = clock.now()
        held = _claim(now)
        idempotency.bind(held, "att_1")

        again = _claim(now + timedelta(seconds=61))

        assert (again.object_id, again.status) == ("att_1", None)

    def test_is_continued_at_once_when_it_was_given_back(self) -> None:
        now = clock.now()
        held = _claim(now)
        idempotency.bind(held, "att_1")
        idempotency.release(held, now)

        assert _claim(now).object_id == "att_1"

    def test_that_has_ended_is_not_given_back(self) -> None:
        now = clock.now()
        held = _claim(now)
        idempotency.bind(held, "att_1")
        idempotency.close(held, 201)
        idempotency.release(held, now)

        assert _claim(now).status == 201

    def test_is_new_again_after_two_days(self) -> None:
        now = clock.now()
        idempotency.bind(_claim(now), "ord_1", status=201)

        late = _claim(now + timedelta(hours=48, seconds=1), fingerprint=OTHER)

        assert (late.object_id, late.status) == ("", None)

    def test_held_in_a_future_that_was_taken_back_binds_nobody(self) -> None:
        now = clock.now()
        _claim(now + timedelta(days=1))

        assert _claim(now).object_id == ""

    def test_is_forgotten_when_it_is_old(self) -> None:
        now = clock.now()
        _claim(now)

        assert idempotency.forget_old(now + timedelta(hours=47)) == 0
        assert idempotency.forget_old(now + timedelta(hours=49)) == 1
        assert not IdempotencyRecord.objects.exists()
