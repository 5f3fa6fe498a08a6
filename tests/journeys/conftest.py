"""The shop in this process, answering on a port of its own, and the real sandbox as a process beside it."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from everline.config.supervisor.ports import claim
from everline.core import http
from tests.journeys.world import Sandbox, World

_START = 40


@pytest.fixture(scope="session")
def sandbox(live_server: Any, django_db_setup: None, django_db_blocker: Any) -> Iterator[Sandbox]:
    """The sandbox process, its own database beside the test database."""
    data_dir = Path(settings.EVERLINE_DATA_DIR)
    (data_dir / "sandbox-token").write_text(secrets.token_hex(16))
    with django_db_blocker.unblock():
        options = connection.get_connection_params()
        name = f"{connection.settings_dict['NAME']}_world"
    place = {key: options[key] for key in ("host", "port", "user", "password") if options.get(key)}
    with psycopg.connect(**place, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    port = claim("127.0.0.1", 0, "EVERLINE_SANDBOX_PORT")
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "everline.sandbox.settings",
        "EVERLINE_SANDBOX_DATABASE_URL": psycopg.conninfo.make_conninfo(**place, dbname=name),
        "EVERLINE_SANDBOX_PORT": str(port),
        "EVERLINE_SANDBOX_URL": url,
        "EVERLINE_SHOP_URL": live_server.url,
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
    }
    command = [sys.executable, "-m", "everline.config"]
    subprocess.run([*command, "prepare-sandbox"], env=environment, check=True, capture_output=True)
    with (data_dir / "sandbox.log").open("wb") as log:
        process = subprocess.Popen([*command, "sandbox"], env=environment, stdout=log, stderr=log)
    try:
        found = Sandbox(url, (data_dir / "sandbox-token").read_text())
        ends = time.monotonic() + _START
        while not found.answers():
            if process.poll() is not None or time.monotonic() > ends:
                pytest.fail(f"the sandbox did not start: {(data_dir / 'sandbox.log').read_text()[-3000:]}")
            time.sleep(0.05)
        (data_dir / "sandbox-url").write_text(url)
        yield found
    finally:
        http.close_all()
        found.http.close()
        process.terminate()
        process.wait(20)


@pytest.fixture
def world(transactional_db: None, live_server: Any, sandbox: Sandbox, settings: Any) -> Iterator[World]:
    """A shop with one brand and a small catalogue; nothing of an earlier test is on its way."""
    settings.EVERLINE_PUBLIC_URL = live_server.url
    data_dir = Path(settings.EVERLINE_DATA_DIR)
    (data_dir / "sandbox-token").write_text(sandbox.token)  # other suites play sandboxes of their own here
    (data_dir / "sandbox-url").write_text(sandbox.url)
    found = World(live_server.url, sandbox)
    yield found
    sandbox.forget_faults()
    sandbox.drain()
    found.check_truths()
