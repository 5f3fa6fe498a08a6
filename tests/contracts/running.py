"""A sandbox as a process of its own, for suites that hold an adapter against its real other side."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from django.db import connections

from everline.core import sandbox_link
from everline.sandbox.db import alias
from tests.sandbox.shop import Shop

TOKEN = "contracts-token"
LAUNCH = """
import sys
from granian.constants import Interfaces, Loops
from granian.server import Server
Server("everline.sandbox.asgi:application", address="127.0.0.1", port=int(sys.argv[1]),
       interface=Interfaces.ASGI, loop=Loops.asyncio, websockets=False, workers_kill_timeout=10).serve()
"""


@dataclass
class Running:
    """The sandbox's address, the shop that it calls, and the hands of a tester on its control API."""

    url: str
    shop: Shop
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"X-Sandbox-Token": TOKEN}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False)

    @property
    def api_key(self) -> str:
        return sandbox_link.api_key(TOKEN)

    @property
    def webhook_secret(self) -> str:
        return sandbox_link.webhook_secret(TOKEN)

    def submit(self, page: str, **form: str) -> None:
        """Send a hosted page's form as a customer's browser would."""
        with httpx.Client(timeout=20, trust_env=False) as browser:
            answer = browser.post(page, data=form)
        assert answer.status_code in {200, 303}, answer.text[:500]

    def faults(self, *entries: dict[str, Any]) -> None:
        assert self.http.post("/control/faults", json={"seed": 1, "plan": list(entries)}).is_success

    def control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/control/{path}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())


@contextlib.contextmanager
def running_sandbox(folder: Path) -> Iterator[Running]:
    """Start a sandbox on a free port with the suite's sandbox database; it ends with the block."""
    (folder / "sandbox-token").write_text(TOKEN)
    shop = Shop(folder / "clock-offset")
    port = _free_port()
    environment = os.environ | {
        "EVERLINE_DATA_DIR": str(folder),
        "EVERLINE_HOST": "127.0.0.1",
        "EVERLINE_MODE": "sandbox",
        "EVERLINE_SANDBOX_DATABASE_URL": _database_url(),
        "EVERLINE_SHOP_URL": shop.url,
    }
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(port)], env=environment, stdout=log, stderr=log
        )
    try:
        running = Running(f"http://127.0.0.1:{port}", shop)
        _wait_until_ready(process, running.url)
        yield running
        running.http.close()
    finally:
        process.terminate()
        process.wait(30)
        shop.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _database_url() -> str:
    settings = connections[alias()].settings_dict
    user, host, port = settings["USER"], settings["HOST"], settings["PORT"]
    password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    if host.startswith("/"):
        return f"postgresql://{user}{password}@/{settings['NAME']}?host={host}"
    return f"postgresql://{user}{password}@{host}:{port}/{settings['NAME']}"


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the sandbox ended at once"
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
    raise AssertionError("the sandbox did not come up")
