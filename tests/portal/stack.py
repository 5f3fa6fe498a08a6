"""The whole product as processes of its own, on free ports and a throw-away data folder."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
_START = 120
_STOP = 30


@dataclass(frozen=True)
class Stack:
    """Where it answers, and how to steer its sandbox."""

    url: str
    sandbox_url: str
    sandbox_token: str
    data_dir: Path

    def control(self, method: str, path: str, **arguments: Any) -> Any:
        """One call of the sandbox's control API."""
        headers = {"X-Sandbox-Token": self.sandbox_token}
        answer = httpx.request(
            method,
            f"{self.sandbox_url}/control{path}",
            headers=headers,
            timeout=60,
            trust_env=False,
            **arguments,
        )
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json()


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Start it and wait until it says that it is ready; stop it afterwards."""
    data_dir = Path(tempfile.mkdtemp(prefix="everline-stack-"))
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("EVERLINE_", "DJANGO_"))
    }
    environment = clean | {
        "EVERLINE_DATA_DIR": str(data_dir),
        "EVERLINE_PORT": "0",
        "PYTHONPATH": str(ROOT / "src"),
    }
    with (data_dir / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "everline.config", "run"], env=environment, stdout=log, stderr=log
        )
    try:
        _wait(process, data_dir / "run.log")
        read = {
            name: (data_dir / name).read_text().strip()
            for name in ("shop-url", "sandbox-url", "sandbox-token")
        }
        yield Stack(read["shop-url"], read["sandbox-url"], read["sandbox-token"], data_dir)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP)
        shutil.rmtree(data_dir, ignore_errors=True)


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _START
    while "Everline is ready" not in log.read_text():
        if process.poll() is not None or time.monotonic() > ends:
            pytest.fail(f"the stack did not start: {log.read_text()[-3000:]}")
        time.sleep(0.1)
