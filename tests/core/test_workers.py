"""Draining beside other workers, dead and alive; transactions that PostgreSQL wants repeated."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from everline.core import clock, jobs, transactions
from everline.core.models import RateWindow
from everline.core.transactions import retrying
from tests.core.racing import at_once, failures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ran(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """One job of our own and no sweeps; what it did, in order."""
    done: list[str] = []
    monkeypatch.setattr(jobs, "_SWEEPS", {})
    monkeypatch.setattr(jobs, "_JOBS", {"core.dispatch": lambda what="": done.append(what)})
    yield done
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute("DELETE FROM procrastinate_workers")


def _sql(statement: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _held_job(heartbeat: str) -> object:
    """A job that another worker began, and when that worker was last heard of."""
    [(worker,)] = _sql(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s::interval) RETURNING id",
        heartbeat,
    )
    [(key,)] = _sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)"
        " VALUES ('default', 'core.dispatch', 'doing', %s) RETURNING id",
        worker,
    )
    return key


def _statuses() -> list[object]:
    return [row[0] for row in _sql("SELECT status::text FROM procrastinate_jobs ORDER BY id")]


def test_a_job_held_by_a_dead_worker_does_not_hold_the_drain(ran: list[str]) -> None:
    _held_job("2 minutes")
    jobs.defer("core.dispatch", what="mine")

    executed, idle = jobs.drain()

    assert (executed, idle) == (["job:core.dispatch"], True)
    assert ran == ["mine"]
    assert _statuses() == ["doing", "succeeded"]


def test_a_job_whose_worker_is_forgotten_does_not_hold_the_drain(ran: list[str]) -> None:
    key = _held_job("1 second")
    _sql("UPDATE procrastinate_jobs SET worker_id = NULL WHERE id = %s", key)

    assert jobs.drain() == ([], True)
    assert ran == []


def test_a_living_workers_job_is_waited_for_and_what_it_made_is_done_too(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _held_job("1 second")
    waits: list[float] = []

    def the_other_worker_ends(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            jobs.defer("core.dispatch", what="made by the other")
            _sql("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", key)

    monkeypatch.setattr(jobs.time, "sleep", the_other_worker_ends)

    executed, idle = jobs.drain()

    assert (executed, idle) == (["job:core.dispatch"], True)
    assert len(waits) == 3
    assert ran == ["made by the other"]


def test_a_worker_that_dies_while_it_is_waited_for_is_given_up(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _held_job("1 second")

    def it_dies(seconds: float) -> None:
        _sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '26 seconds'")

    monkeypatch.setattr(jobs.time, "sleep", it_dies)

    assert jobs.drain() == ([], True)
    assert ran == []


def test_jobs_of_strangers_are_neither_run_nor_waited_for(ran: list[str]) -> None:
    _held_job("1 second")
    _sql("UPDATE procrastinate_jobs SET task_name = 'somebody.elses'")
    _sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
        " VALUES ('default', 'another.apps', 'todo')"
    )

    assert jobs.drain() == ([], True)
    assert _statuses() == ["doing", "todo"]


def test_a_job_for_later_stays_for_later(ran: list[str]) -> None:
    _sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
        " VALUES ('default', 'core.dispatch', 'todo', now() + interval '1 hour')"
    )

    assert jobs.drain() == ([], True)
    assert ran == []
    assert _statuses() == ["todo"]


def test_two_drains_at_once_run_every_job_once(ran: list[str]) -> None:
    names = [f"job {number}" for number in range(30)]
    for name in names:
        jobs.defer("core.dispatch", what=name)

    results = at_once(*[jobs.drain] * 4)

    assert failures(results) == []
    assert sorted(ran) == sorted(names)
    assert set(_statuses()) == {"succeeded"}


def test_a_schedule_that_is_due_for_many_workers_runs_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    jobs.sweep("test.hourly", every=timedelta(hours=1))(lambda _now: runs.append("x") or 1)
    now = clock.now()

    results = at_once(*[lambda: jobs.run_due(now)] * 6)

    assert failures(results) == []
    assert runs == ["x"]
    assert sum(each == ["sweep:test.hourly"] for each in results) == 1


class TestRetrying:
    """Two rows, and workers who want them."""

    @pytest.fixture(autouse=True)
    def _rows(self) -> None:
        for key in ("a", "b"):
            RateWindow.objects.create(key=key, window_start=clock.now(), count=0)

    def _counts(self) -> list[int]:
        return list(RateWindow.objects.order_by("key").values_list("count", flat=True))

    def test_a_real_deadlock_is_tried_again_and_both_get_through(self) -> None:
        gate = threading.Barrier(2)
        tries: list[str] = []

        @retrying
        def both(first: str, second: str) -> str:
            tries.append(first)
            with transaction.atomic():
                _sql("UPDATE core_ratewindow SET count = count + 1 WHERE key = %s", first)
                if len(tries) <= 2:
                    gate.wait(30)
                _sql("UPDATE core_ratewindow SET count = count + 1 WHERE key = %s", second)
            return first

        results = at_once(lambda: both("a", "b"), lambda: both("b", "a"))

        assert results == ["a", "b"]
        assert len(tries) == 3
        assert self._counts() == [2, 2]

    def test_a_real_serialization_failure_is_tried_again(self) -> None:
        gate = threading.Barrier(2)
        tries: list[int] = []

        @retrying
        def count_up() -> int:
            tries.append(1)
            early = len(tries) <= 2
            with transaction.atomic():
                _sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                [(seen,)] = _sql("SELECT count FROM core_ratewindow WHERE key = 'a'")
                if early:
                    gate.wait(30)
                _sql("UPDATE core_ratewindow SET count = %s WHERE key = 'a'", int(str(seen)) + 1)
            return 1

        results = at_once(count_up, count_up)

        assert results == [1, 1]
        assert len(tries) == 3
        assert self._counts() == [2, 0], "no update was lost"

    def test_the_patience_ends_and_the_last_error_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses: list[float] = []
        monkeypatch.setattr(transactions.time, "sleep", pauses.append)
        tries: list[int] = []

        @retrying
        def hopeless() -> None:
            tries.append(1)
            with transaction.atomic():
                _sql("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")

        with pytest.raises(OperationalError, match="again"):
            hopeless()

        assert (len(tries), len(pauses)) == (6, 5)
        assert sum(pauses) < 1

    @pytest.mark.parametrize("code", ["55P03", "57014", "23505", "22012"])
    def test_what_another_try_does_not_help_is_told_at_once(self, code: str) -> None:
        tries: list[int] = []

        @retrying
        def broken() -> None:
            tries.append(1)
            with transaction.atomic():
                _sql(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")

        with pytest.raises(DatabaseError):
            broken()

        assert len(tries) == 1

    def test_inside_a_transaction_only_the_outermost_repeats(self) -> None:
        inner_tries: list[int] = []
        outer_tries: list[int] = []

        @retrying
        def inner() -> None:
            inner_tries.append(1)
            if len(inner_tries) == 1:
                _sql("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$")

        @retrying
        def outer() -> None:
            outer_tries.append(1)
            with transaction.atomic():
                _sql("UPDATE core_ratewindow SET count = count + 1 WHERE key = 'a'")
                inner()

        outer()

        assert (len(outer_tries), len(inner_tries)) == (2, 2)
        assert self._counts() == [1, 0], "the first try left nothing behind"
