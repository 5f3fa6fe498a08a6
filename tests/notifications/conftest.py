import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from everline.core import clock, sandbox_link
from everline.notifications.channels import gateway as sandbox
from everline.notifications.samples import sample_context
from everline.notifications.types import Kind, Message

BRAND = {
    "id": "leb",
    "name_en": "leb card",
    "name_zh": "leb卡",
    "mail_from": "no-reply@leb.example",
    "support_email": "support@leb.example",
}
OLD_END = "2026-11-30T15:59:59+00:00"
NEW_END = "2026-12-30T15:59:59+00:00"
CONTEXTS: dict[Kind, dict[str, Any]] = {kind: sample_context(kind, "en") for kind in Kind}
#: What `message` carries; no file, because nobody's order stands behind it.
CONFIRMATION = {**CONTEXTS[Kind.ORDER_CONFIRMATION], "receipt_attached": False}


def message(key: str = "confirm:1", **changes: Any) -> Message:
    """A confirmation for Li, or what the test makes of it."""
    values: dict[str, Any] = {
        "kind": Kind.ORDER_CONFIRMATION,
        "to": "li@example.com",
        "locale": "en",
        "brand": BRAND,
        "context": CONFIRMATION,
        "dedupe_key": key,
        "reference": "ord_0000000000001",
    }
    return Message(**{**values, **changes})


@dataclass
class Gateway:
    """The sandbox's mail gateway in small: keeps one mail per message id; `faults` are used up in order."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    mails: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: deque[str] = field(default_factory=deque)
    keys: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        for each in (self.posts, self.mails, self.texts, self.faults, self.keys):
            each.clear()  # type: ignore[attr-defined]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        gateway = self.gateway
        with gateway.lock:
            fault = gateway.faults.popleft() if gateway.faults else ""
            gateway.posts.append(body)
            gateway.keys.add(self.headers["Authorization"])
            kept = {"/gateway/mail": gateway.mails, "/gateway/sms": gateway.texts}.get(self.path)
            if fault in {"", "drop_after"} and kept is not None:
                kept.setdefault(body["message_id"], body)
        if fault.startswith("drop"):
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.send_response(int(fault or 202))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="session")
def _server() -> Iterator[Gateway]:
    gateway = Gateway()
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    server = _Server(("127.0.0.1", 0), handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield gateway
    sandbox.client_for(gateway.url, "test-token").close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def gateway(_server: Gateway) -> Iterator[Gateway]:
    _server.reset()
    folder = Path(settings.EVERLINE_DATA_DIR)
    (folder / "sandbox-token").write_text("test-token")
    (folder / "sandbox-url").write_text(_server.url + "/")
    assert sandbox_link.base_url() == _server.url
    yield _server
    (folder / "sandbox-token").unlink(missing_ok=True)
    (folder / "sandbox-url").unlink(missing_ok=True)


@pytest.fixture
def move_clock() -> Callable[[timedelta], datetime]:
    """Put the business clock forward or back; returns the new time."""

    def move(by: timedelta) -> datetime:
        clock.set_offset(clock.offset() + by)
        return clock.now()

    return move
