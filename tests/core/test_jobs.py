from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from everline.core import clock, jobs
from everline.core.models import Schedule
from everline.core.tasks import forget

pytestmark = pytest.mark.django_db


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Registers of their own: what the product's rooms registered stays out of these tests."""
    monkeypatch.setattr(jobs, "_SWEEPS", {})
    return Log()


def _register(monkeypatch: pytest.MonkeyPatch, name: str, function: Callable[..., None]) -> None:
    monkeypatch.setitem(jobs._JOBS, name, function)


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        return int(cursor.fetchone()[0])


def test_a_job_is_written_with_the_transaction_or_not_at_all() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        jobs.defer("core.dispatch")
        assert _waiting() == 1
        raise RuntimeError

    assert _waiting() == 0


def test_a_job_nobody_knows_is_refused() -> None:
    with pytest.raises(LookupError, match="unheard"):
        jobs.defer("unheard.of")


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="two jobs"):
        jobs.job("core.dispatch")(lambda: None)
    with pytest.raises(ValueError, match="two sweeps"):
        jobs.sweep("core.dispatch", every=timedelta(seconds=1))(lambda _now: 0)


def test_drain_runs_jobs_and_sweeps_until_nothing_is_left(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [2]

    def sweep(now: datetime) -> int:
        if not left[0]:
            return 0
        left[0] -= 1
        jobs.defer("core.dispatch")
        return 1

    _register(monkeypatch, "core.dispatch", lambda: log.lines.append("dispatched"))
    jobs.sweep("test.sweep", every=timedelta(hours=1))(sweep)

    executed, idle = jobs.drain()

    assert idle
    assert executed == ["sweep:test.sweep", "job:core.dispatch", "sweep:test.sweep", "job:core.dispatch"]
    assert log.lines == ["dispatched", "dispatched"]
    assert _waiting() == 0


def test_a_failing_job_stops_nobody(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    _register(monkeypatch, "core.dispatch", fail)
    jobs.defer("core.dispatch")
    jobs.defer("core.dispatch")

    executed, idle = jobs.drain()

    assert (executed, idle) == (["job:core.dispatch"] * 2, True)


def test_work_without_end_is_reported(log: Log) -> None:
    jobs.sweep("test.endless", every=timedelta(hours=1))(lambda _now: 1)

    with pytest.raises(jobs.NeverIdle):
        jobs.drain()


def test_a_schedule_runs_when_its_time_has_come_and_once_after_a_jump(log: Log) -> None:
    jobs.sweep("test.hourly", every=timedelta(hours=1))(lambda now: log.lines.append(now.isoformat()) or 1)
    now = clock.now()

    assert jobs.run_due(now) == ["sweep:test.hourly"]
    assert jobs.run_due(now + timedelta(minutes=59)) == []
    assert jobs.run_due(now + timedelta(days=40)) == ["sweep:test.hourly"]
    assert jobs.run_due(now + timedelta(days=40)) == []
    assert len(log.lines) == 2


def test_scenario_22_a_clock_that_steps_back_stops_no_schedule(log: Log) -> None:
    jobs.sweep("test.hourly", every=timedelta(hours=1))(lambda _now: 1)
    now = clock.now()
    jobs.run_due(now)

    back = now - timedelta(days=1)

    assert jobs.run_due(back) == ["sweep:test.hourly"]
    assert Schedule.objects.get(name="test.hourly").last_run_at == back


def test_a_failing_sweep_stops_nobody(log: Log) -> None:
    def fail(_now: datetime) -> int:
        raise RuntimeError("broken")

    jobs.sweep("test.a_broken", every=timedelta(hours=1))(fail)
    jobs.sweep("test.b_good", every=timedelta(hours=1))(lambda _now: 1)

    assert jobs.run_due(clock.now()) == ["sweep:test.b_good"]


def test_old_jobs_are_forgotten_and_new_ones_kept() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
            " SELECT 'default', 'old', 'succeeded' FROM generate_series(1, 2500)"
        )

    assert forget(clock.now()) == 0

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone()[0] == 2001  # the newest and the two thousand before it


def test_a_job_belongs_to_the_open_transaction_in_a_worker_too() -> None:
    assert isinstance(app.connector, DjangoConnector)
    as_a_worker = app.replace_connector(app.connector.get_worker_connector())

    with as_a_worker, pytest.raises(RuntimeError), transaction.atomic():
        jobs.defer("core.dispatch")
        assert _waiting() == 1
        raise RuntimeError

    assert _waiting() == 0


def test_drain_looks_again_after_a_job_that_ended_meanwhile(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_due() -> list[str]:
        log.lines.append("round")
        return []

    monkeypatch.setattr(jobs, "run_all_sweeps", nothing_due)
    monkeypatch.setattr(jobs, "_last_event", iter([1, 2, 2, 2]).__next__)

    assert jobs.drain() == ([], True)
    assert log.lines == ["round", "round"]
