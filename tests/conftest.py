"""The suite's ground: a real PostgreSQL, a data folder of its own, a clock that starts right."""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import pytest_django
from django.db import connections
from django.db.backends.base.operations import BaseDatabaseOperations

from everline.accounts import fronts
from everline.accounts.services import ensure_default_brand
from everline.core import clock
from everline.orders.live import listener

pytest_plugins = ["tests.suites"]

# The same examples in every run: what lands must not depend on dice. To hunt: HYPOTHESIS_PROFILE=hunt.
hypothesis.settings.register_profile("suite", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("hunt", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


EMPTY_QUEUE = "TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE"


@pytest.fixture(autouse=True)
def _true_clock() -> Iterator[None]:
    """Every test starts and ends at the machine's time."""
    clock.reset()
    yield
    clock.reset()


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's brands go with its transaction: the next test must not remember them."""
    monkeypatch.setattr(fronts, "REMEMBERED_SECONDS", 0.0)


@pytest.fixture(autouse=True, scope="session")
def _flushing_is_allowed() -> Iterator[None]:
    """Let the suite empty append-only tables between tests: their triggers rest while Django flushes.

    The queue's tables are not Django's to empty; they are emptied with the shop's.
    """
    flush = BaseDatabaseOperations.execute_sql_flush

    def with_resting_triggers(self: Any, sql_list: list[str]) -> None:
        queue = [EMPTY_QUEUE] if self.connection.alias == "default" else []
        flush(self, ["SET LOCAL session_replication_role = replica", *sql_list, *queue])
        if self.connection.alias == "default":
            ensure_default_brand()  # a migration makes it: no shop is without one

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", with_resting_triggers)
        yield


LEFT_BEHIND = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """Let nobody hold the database when it goes: no listener for news, no last thread of a live server."""
    yield
    listener.stop()
    with django_db_blocker.unblock(), connections["default"].cursor() as cursor:
        cursor.execute(LEFT_BEHIND)
