from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connections

from everline.sandbox.db import alias
from tests.contracts.running import Running, running_sandbox


@pytest.fixture(scope="module")
def sandbox(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One real sandbox for a module's tests; each test makes its own objects in it, and they end with it."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running
    tables = ", ".join(model._meta.db_table for model in apps.get_app_config("sandbox").get_models())
    with django_db_blocker.unblock(), connections[alias()].cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults that a test ordered do not outlive it."""
    yield
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox").http.delete("/control/faults")
