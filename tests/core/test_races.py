"""The kit under real threads and real transactions: one wins, the others are told, nothing is done twice."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction

from everline.core import clock, events, idempotency, inbox, ratelimit
from everline.core.errors import RateLimited
from everline.core.events import event
from everline.core.idempotency import Claim, InProgress, KeyReused
from everline.core.ids import new_id, to_int
from everline.core.models import IdempotencyRecord, InboxHint, OutboxEvent, RateWindow, Transition
from everline.core.states import IllegalTransition, transition, transition_many
from everline.payments.models import Attempt
from everline.payments.states import AttemptStatus as A
from tests.core.racing import at_once, failures

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 8
PRINT = idempotency.fingerprint("test", {"a": 1})
OTHER = idempotency.fingerprint("test", {"a": 2})


def _claim(now: datetime, *, fingerprint: str = PRINT, object_id: str = "") -> Claim:
    return idempotency.claim(owner="cus_1", key="k", fingerprint=fingerprint, now=now, object_id=object_id)


class TestIdempotency:
    def test_scenario_9_of_eight_claims_at_once_one_is_new(self) -> None:
        now = clock.now()

        results = at_once(*[lambda: _claim(now)] * WORKERS)

        won = [each for each in results if isinstance(each, Claim)]
        assert [(each.object_id, each.status) for each in won] == [("", None)]
        assert [type(each) for each in failures(results)] == [InProgress] * (WORKERS - 1)
        assert IdempotencyRecord.objects.count() == 1

    def test_scenario_9_claims_that_make_their_object_at_once_all_get_the_same_one(self) -> None:
        now = clock.now()
        names = [f"ord_{number}" for number in range(WORKERS)]

        def make(name: str) -> Claim:
            with transaction.atomic():
                return idempotency.claim(
                    owner="cus_1", key="k", fingerprint=PRINT, now=now, object_id=name, status=201
                )

        results = at_once(*[lambda name=name: make(name) for name in names])

        assert failures(results) == []
        assert {(each.object_id, each.status) for each in results} == {
            (IdempotencyRecord.objects.get().object_id, 201)
        }
        made = [name for name, each in zip(names, results, strict=True) if each.object_id == name]
        assert len(made) == 1

    def test_scenario_9_another_request_with_the_key_never_wins_afterwards(self) -> None:
        now = clock.now()

        results = at_once(*[lambda p=p: _claim(now, fingerprint=p) for p in [PRINT, OTHER] * 4])

        [held] = [each for each in results if isinstance(each, Claim)]
        kept = IdempotencyRecord.objects.get(pk=held.record_id).fingerprint
        kinds = Counter(type(each) for each in failures(results))
        assert kept in {PRINT, OTHER}
        assert kinds == {InProgress: 3, KeyReused: 4}

    def test_scenario_10_a_dead_workers_key_is_continued_by_one(self) -> None:
        now = clock.now()
        idempotency.bind(_claim(now), "att_1")

        results = at_once(*[lambda: _claim(now + timedelta(seconds=61))] * WORKERS)

        assert [each.object_id for each in results if isinstance(each, Claim)] == ["att_1"]
        busy = failures(results)
        assert {type(each) for each in busy} == {InProgress}
        assert {each.object_id for each in busy} == {"att_1"}

    def test_a_claim_waits_for_the_transaction_that_holds_the_key_and_sees_its_end(self) -> None:
        now = clock.now()
        held, may_end = threading.Event(), threading.Event()

        def first() -> Claim:
            with transaction.atomic():
                mine = _claim(now)
                held.set()
                assert may_end.wait(30)
                idempotency.bind(mine, "ord_1", status=201)
                return mine

        def second() -> Claim:
            assert held.wait(30)
            threading.Timer(0.05, may_end.set).start()
            return _claim(now)

        one, two = at_once(first, second)

        assert two == Claim(one.record_id, "ord_1", 201)

    def test_a_claim_that_was_rolled_back_leaves_the_key_free(self) -> None:
        now = clock.now()

        def broken() -> Claim:
            with transaction.atomic():
                _claim(now)
                raise RuntimeError("died")

        results = at_once(*[broken] * 4, lambda: _claim(now))

        assert {type(each) for each in failures(results)} <= {RuntimeError, InProgress}
        assert isinstance(_claim(now + idempotency.LEASE), Claim)
        assert IdempotencyRecord.objects.get().object_id == ""


class TestInbox:
    def _store(self, event_id: str) -> bool:
        return inbox.store(source="payments:test", event_id=event_id, kind="x", job="core.dispatch")

    def test_scenario_2_one_webhook_on_eight_workers_is_stored_once(self) -> None:
        results = at_once(*[lambda: self._store("evt_1")] * WORKERS)

        assert sorted(map(bool, results)) == [False] * (WORKERS - 1) + [True]
        assert failures(results) == []
        assert InboxHint.objects.count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'core.dispatch'")
            assert cursor.fetchone() == (1,)

    def test_scenario_2_workers_take_disjoint_hints_and_leave_none(self) -> None:
        for number in range(40):
            self._store(f"evt_{number}")
        now = clock.now()
        keys = [each.id for each in inbox.pending(source="payments:", now=now)]

        def take() -> set[int]:
            with transaction.atomic():
                return inbox.take(keys, now)

        results = at_once(*[take] * WORKERS)

        assert failures(results) == []
        taken = [key for each in results for key in each]
        assert sorted(taken) == sorted(keys)
        assert inbox.pending(source="payments:", now=now) == []

    def test_hints_held_by_one_worker_are_passed_over_not_waited_for(self) -> None:
        for number in range(4):
            self._store(f"evt_{number}")
        now = clock.now()
        keys = [each.id for each in inbox.pending(source="payments:", now=now)]
        held, done = threading.Event(), threading.Event()

        def slow() -> set[int]:
            with transaction.atomic():
                mine = inbox.take(keys[:2], now)
                held.set()
                assert done.wait(30)
                return mine

        def quick() -> set[int]:
            assert held.wait(30)
            mine = inbox.take(keys, now)
            done.set()
            return mine

        first, second = at_once(slow, quick)

        assert (first, second) == (set(keys[:2]), set(keys[2:]))

    def test_a_postponement_that_comes_too_late_wakes_nothing(self) -> None:
        self._store("evt_1")
        now = clock.now()
        [hint] = inbox.pending(source="payments:", now=now)

        results = at_once(
            *[lambda: inbox.take([hint.id], now)] * 4,
            *[lambda: inbox.postpone(hint.id, "no answer", now)] * 4,
        )

        assert failures(results) == []
        hint.refresh_from_db()
        assert hint.processed_at == now
        assert sum(len(each) for each in results if each) == 1


def _attempt(status: A = A.CREATED) -> Attempt:
    now = clock.now()
    return Attempt.objects.create(
        payable=new_id("ord"),
        provider="sandbox",
        method="card",
        amount_minor=100,
        currency="USD",
        status=status,
        locale="en",
        created_at=now,
        expires_at=now + timedelta(hours=1),
        next_check_at=now,
    )


class TestStates:
    def test_one_of_eight_moves_and_the_others_find_it_there(self) -> None:
        attempt = _attempt()
        rows = [Attempt.objects.get(pk=attempt.pk) for _ in range(WORKERS)]

        results = at_once(*[lambda row=row: transition(row, to=A.PROCESSING, actor="w") for row in rows])

        assert sorted(results) == [False] * (WORKERS - 1) + [True]
        assert {row.status for row in rows} == {"processing"}
        assert Transition.objects.count() == 1

    def test_scenario_3_of_contradicting_moves_those_that_come_too_late_are_refused(self) -> None:
        attempt = _attempt(A.PROCESSING)
        targets = [A.FAILED, A.UNKNOWN] * 4
        rows = [Attempt.objects.get(pk=attempt.pk) for _ in targets]

        results = at_once(
            *[lambda row=row, to=to: transition(row, to=to) for row, to in zip(rows, targets, strict=True)]
        )

        moves = list(Transition.objects.order_by("id").values_list("from_state", "to_state"))
        assert len(moves) == sum(each is True for each in results)
        assert {type(each) for each in failures(results)} <= {IllegalTransition}
        attempt.refresh_from_db()
        assert moves[0][0] == "processing"
        assert moves[-1][1] == attempt.status
        assert all(before[1] == later[0] for before, later in pairwise(moves))

    def test_sets_that_overlap_move_every_row_once(self) -> None:
        keys = [_attempt().pk for _ in range(20)]
        sets = [keys, keys[::-1], keys[5:15], keys[10:] + keys[:10]]

        def move(chosen: list[str]) -> list[str]:
            with transaction.atomic():
                return transition_many(Attempt, chosen, to=A.UNKNOWN, reason="race")

        results = at_once(*[lambda chosen=chosen: move(chosen) for chosen in sets])

        assert failures(results) == []
        assert sorted(key for each in results for key in each) == sorted(keys)
        assert Transition.objects.count() == 20
        assert set(Transition.objects.values_list("object_id", flat=True)) == {
            to_int("att", key) for key in keys
        }

    def test_a_move_that_is_rolled_back_lets_another_one_happen(self) -> None:
        attempt = _attempt()

        def broken() -> bool:
            with transaction.atomic():
                transition(Attempt.objects.get(pk=attempt.pk), to=A.FAILED)
                raise RuntimeError("died")

        results = at_once(*[broken] * 3)
        moved = transition(Attempt.objects.get(pk=attempt.pk), to=A.PROCESSING)

        assert [type(each) for each in results] == [RuntimeError] * 3
        assert moved
        assert list(Transition.objects.values_list("to_state", flat=True)) == ["processing"]


@event("test.Raced")
class Raced:
    number: int


class TestOutbox:
    def test_each_event_is_handled_once_by_two_workers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[int] = []
        monkeypatch.setattr(events, "BATCH", 7)
        monkeypatch.setattr(
            events, "handlers", lambda: {Raced: (lambda batch: seen.extend(each.number for each in batch),)}
        )
        with transaction.atomic():
            events.publish(*(Raced(number=number) for number in range(60)))
        now = clock.now()

        results = at_once(*[lambda: events.dispatch(now)] * 4)

        assert failures(results) == []
        events.dispatch(now)  # what one worker held when the others looked
        assert sorted(seen) == list(range(60))
        assert not OutboxEvent.objects.filter(dispatched_at=None).exists()

    def test_effects_of_a_handler_that_fails_are_taken_back_with_the_mark(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def keep(batch: list[Raced]) -> None:
            for each in batch:
                RateWindow.objects.create(key=f"seen-{each.number}", window_start=clock.now(), count=1)
            if any(each.number == 3 for each in batch):
                raise RuntimeError("three")

        monkeypatch.setattr(events, "handlers", lambda: {Raced: (keep,)})
        events.publish(*(Raced(number=number) for number in range(6)))
        now = clock.now()

        results = at_once(*[lambda: events.dispatch(now)] * 3)

        assert failures(results) == []
        assert set(RateWindow.objects.values_list("key", flat=True)) == {
            f"seen-{number}" for number in (0, 1, 2, 4, 5)
        }
        assert [row.payload for row in OutboxEvent.objects.filter(dispatched_at=None)] == [{"number": 3}]


class TestRateLimit:
    def test_tries_at_once_are_all_counted_and_no_more_pass_than_may(self) -> None:
        now = clock.now()

        def knock() -> bool:
            ratelimit.hit("door", "ann", limit=5, per=timedelta(minutes=1), now=now)
            return True

        results = at_once(*[knock] * 16)

        assert sum(each is True for each in results) == 5
        assert [type(each) for each in failures(results)] == [RateLimited] * 11
        assert RateWindow.objects.get().count == 16

    def test_keys_do_not_disturb_each_other(self) -> None:
        now = clock.now()

        def knock(name: str) -> bool:
            ratelimit.hit("door", name, limit=4, per=timedelta(minutes=1), now=now)
            return True

        results = at_once(*[lambda name=name: knock(name) for name in ["ann", "bob"] * 4])

        assert failures(results) == []
        assert set(RateWindow.objects.values_list("count", flat=True)) == {4}
