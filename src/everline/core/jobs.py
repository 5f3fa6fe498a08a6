"""Jobs and sweeps: what must happen soon, and what is looked for again and again.

A job is a wake-up written in the transaction that has work for it (`defer`); it carries only ids, takes
whatever is due, and may run twice. What is due stands in our own rows and is compared with `core.clock`; the
sweeps look at those rows on their schedule, so nothing is lost when a job is. The queue is Procrastinate.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from everline.core import clock

logger = logging.getLogger(__name__)

Job = Callable[..., Any]
F = TypeVar("F", bound=Job)


@dataclass(frozen=True)
class Sweep:
    """A function of the time that does what is due and says how much it did."""

    name: str
    run: Callable[[datetime], int]
    every: timedelta


_JOBS: dict[str, Job] = {}
_SWEEPS: dict[str, Sweep] = {}
#: A worker's app has a connection of its own; only through Django's is a job part of the open transaction.
_IN_TRANSACTION = JobManager(DjangoConnector(alias=DEFAULT_DB_ALIAS))
#: The job that runs the sweeps which are due.
TICK = "core.tick"
_MAX_ROUNDS = 200
_PATIENCE = 45.0


class NeverIdle(RuntimeError):
    """Work made new work without end."""


def job(name: str) -> Callable[[F], F]:
    """Register a function as the job of this name, `room.verb`."""

    def register(function: F) -> F:
        if name in _JOBS:
            raise ValueError(f"two jobs are called {name}")
        _JOBS[name] = function
        app.task(name=name)(function)
        return function

    return register


def sweep(name: str, *, every: timedelta) -> Callable[[Callable[[datetime], int]], Callable[[datetime], int]]:
    """Register a sweep, `room.verb`, that runs when `every` has passed since it last ran."""

    def register(function: Callable[[datetime], int]) -> Callable[[datetime], int]:
        if name in _SWEEPS:
            raise ValueError(f"two sweeps are called {name}")
        _SWEEPS[name] = Sweep(name, function, every)
        return function

    return register


def defer(name: str, **arguments: str | int) -> None:
    """Put a job on the queue, in the transaction that is open; it runs after the commit, or never.

    Raises:
        LookupError: no room registered a job of this name.
    """
    if name not in _JOBS:
        raise LookupError(f"no job is called {name}")
    configure_task(name=name, job_manager=_IN_TRANSACTION).defer(**arguments)


_CLAIM_DUE = """
INSERT INTO core_schedule AS s (name, last_run_at)
SELECT name, %(now)s FROM unnest(%(names)s::text[]) AS due (name)
ON CONFLICT (name) DO UPDATE SET last_run_at = EXCLUDED.last_run_at
WHERE s.last_run_at > %(now)s OR s.last_run_at <= %(now)s - (
    SELECT every FROM unnest(%(names)s::text[], %(every)s::interval[]) AS plan (name, every)
    WHERE plan.name = s.name
)
RETURNING s.name
"""


def run_due(now: datetime) -> list[str]:
    """Run the sweeps whose time has come; a jump of the clock runs each once. Returns those that did work."""
    sweeps = sorted(_SWEEPS.values(), key=lambda each: each.name)
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM_DUE,
            {"now": now, "names": [each.name for each in sweeps], "every": [each.every for each in sweeps]},
        )
        due = {row[0] for row in cursor.fetchall()}
    return [f"sweep:{each.name}" for each in sweeps if each.name in due and _run_sweep(each)]


def run_all_sweeps() -> list[str]:
    """Run every sweep now, whatever its schedule. Returns those that did something."""
    return [f"sweep:{name}" for name in sorted(_SWEEPS) if _run_sweep(_SWEEPS[name])]


def drain() -> tuple[list[str], bool]:
    """Run everything due until nothing is left, waiting for jobs that a living worker holds.

    Returns what was executed, in order, and whether all is idle.

    Raises:
        NeverIdle: after two hundred rounds there was still something to do.
    """
    executed: list[str] = []
    for _round in range(_MAX_ROUNDS):
        before = _last_event()
        done = [*_run_waiting_jobs(), *run_all_sweeps()]
        held = _wait_for_workers()
        executed += done
        if not done and not held and _last_event() == before:
            return executed, True
    raise NeverIdle(f"still busy after {_MAX_ROUNDS} rounds: {executed[-10:]}")


def _last_event() -> int | None:
    """Moves whenever a job begins or ends anywhere: what a worker just ended may have made new work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM procrastinate_events")
        [last] = cursor.fetchone()
    return None if last is None else int(last)


def _run_sweep(each: Sweep) -> int:
    try:
        return each.run(clock.now())
    except Exception:
        logger.exception("sweep %s failed", each.name)
        return 0


_TAKE_JOB = """
UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (
    SELECT id FROM procrastinate_jobs
    WHERE status = 'todo' AND task_name = ANY(%s) AND (scheduled_at IS NULL OR scheduled_at <= now())
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, task_name, args
"""


def _run_waiting_jobs() -> list[str]:
    executed: list[str] = []
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_JOB, [list(_JOBS)])
            row = cursor.fetchone()
        if row is None:
            return executed
        key, name, arguments = row
        status = "succeeded"
        try:
            _JOBS[name](**json.loads(arguments))
        except Exception:
            logger.exception("job %s failed", name)
            status = "failed"
        with connection.cursor() as cursor:
            cursor.execute("SELECT procrastinate_finish_job_v1(%s, %s, false)", [key, status])
        executed.append(f"job:{name}")


_HELD = """
SELECT count(*) FROM procrastinate_jobs AS j JOIN procrastinate_workers AS w ON w.id = j.worker_id
WHERE j.status = 'doing' AND j.task_name = ANY(%s) AND w.last_heartbeat > now() - interval '25 seconds'
"""


def _wait_for_workers() -> bool:
    """Wait until no living worker holds a job of ours; True when there was anything to wait for."""
    waited = False
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        with connection.cursor() as cursor:
            cursor.execute(_HELD, [[*_JOBS, TICK]])
            if cursor.fetchone() == (0,):
                break
        waited = True
        time.sleep(0.02)
    return waited


_FORGET = """
WITH old AS (
    SELECT id FROM procrastinate_jobs
    WHERE (status IN ('succeeded', 'failed', 'cancelled', 'aborted')
           OR (status = 'doing' AND worker_id IS NULL))
      AND id < (SELECT coalesce(max(id), 0) - 2000 FROM procrastinate_jobs)
    ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED
)
DELETE FROM procrastinate_jobs WHERE id IN (SELECT id FROM old)
"""


def forget_finished() -> int:
    """Drop ended jobs but the newest two thousand; a job whose worker died is a wake-up the sweeps repeat."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        return int(cursor.rowcount)
