from collections.abc import Iterator

import pytest

from tests.contracts.running import Running, running_sandbox


@pytest.fixture(scope="module")
def sandbox(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One real sandbox for a module's tests; each test makes its own objects in it."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults that a test ordered do not outlive it."""
    yield
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox").http.delete("/control/faults")
