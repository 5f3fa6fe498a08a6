"""What the sandbox may ask of the shop: loopback, with the token, in sandbox mode, and nobody else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from everline.core import clock, jobs

TOKEN = "a-control-token"
PATHS = ["/_sandbox/clock", "/_sandbox/drain"]


@pytest.fixture(autouse=True)
def _token(settings: Any) -> Iterator[None]:
    path = Path(settings.EVERLINE_DATA_DIR) / "sandbox-token"
    kept = path.read_text() if path.exists() else None
    path.write_text(TOKEN)
    yield
    path.write_text(kept) if kept is not None else path.unlink()


def ask(path: str, body: Any = None, token: str = TOKEN, **environ: Any) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    headers = {"X-Sandbox-Token": token} if token else {}
    return Client(raise_request_exception=False).generic(
        "POST", path, raw, "application/json", headers=headers, **environ
    )


def test_the_clock_moves_for_everybody() -> None:
    answer = ask("/_sandbox/clock", {"offset_seconds": 3600})

    assert answer.status_code == 200
    assert abs(clock.offset() - timedelta(hours=1)) < timedelta(seconds=1)
    assert clock.now() - clock.real_now() > timedelta(minutes=59)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"offset_seconds": "soon"},
        {"offset_seconds": None},
        {"offset_seconds": 1e12},
        {"offset_seconds": 1e400},
        [],
        b"",
        b"nonsense",
        {"offset_seconds": {}},
    ],
)
def test_an_offset_that_is_none_moves_nothing(body: Any) -> None:
    answer = ask("/_sandbox/clock", body)

    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]["code"] == "invalid_offset"
    assert clock.offset() == timedelta(0)


def test_a_drain_runs_what_is_due(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "drain", lambda: (["job:orders.settle"], True))

    answer = ask("/_sandbox/drain")

    assert json.loads(answer.content) == {"executed": ["job:orders.settle"], "idle": True}


def test_work_without_end_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise jobs.NeverIdle("still busy")

    monkeypatch.setattr(jobs, "drain", never)

    assert ask("/_sandbox/drain").status_code == 503


@pytest.mark.parametrize("path", PATHS)
def test_strangers_are_kept_out(path: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "drain", lambda: pytest.fail("a stranger drained"))
    body = {"offset_seconds": 60}

    assert ask(path, body, token="").status_code == 401
    assert ask(path, body, token="wrong").status_code == 401
    assert ask(path, body, token="tök").status_code == 401
    assert ask(path, body, REMOTE_ADDR="10.0.0.7").status_code == 404
    assert ask(path, body, REMOTE_ADDR="").status_code == 404
    assert Client().get(path).status_code == 405
    settings.EVERLINE_MODE = "live"
    assert ask(path, body).status_code == 404
    settings.EVERLINE_MODE = "sandbox"
    assert clock.offset() == timedelta(0)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_has_many_names(address: str) -> None:
    assert ask("/_sandbox/clock", {"offset_seconds": 0}, REMOTE_ADDR=address).status_code == 200


def test_the_process_says_that_it_answers() -> None:
    answer = Client().get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")
