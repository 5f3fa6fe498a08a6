"""A stand-in for the shop: it takes webhooks and the two test hooks, and can be told what to answer."""

import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Shop:
    """Listens on loopback until closed. `answers` are statuses to give, then 200 for ever."""

    def __init__(self, clock_file: Path) -> None:
        self.clock_file = clock_file
        self.received: list[Received] = []
        self.answers: deque[int] = deque()
        self.drains: deque[dict[str, Any]] = deque()
        self.shares_clock = True
        self._news = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                status, answer = outer.take(Received(self.path, dict(self.headers), self.rfile.read(size)))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def take(self, request: Received) -> tuple[int, dict[str, Any]]:
        with self._news:
            self.received.append(request)
            self._news.notify_all()
            if request.path == "/_sandbox/clock":
                if self.shares_clock:
                    self.clock_file.write_text(json.dumps(request.json["offset_seconds"]))
                return 200, {}
            if request.path == "/_sandbox/drain":
                return 200, self.drains.popleft() if self.drains else {"executed": [], "idle": True}
            return self.answers.popleft() if self.answers else 200, {}

    def hooks(self, path: str) -> list[Received]:
        return [request for request in self.received if request.path == path]

    @property
    def webhooks(self) -> list[Received]:
        return [request for request in self.received if request.path.startswith("/webhooks/")]

    def wait_for(self, count: int, seconds: float = 20) -> list[Received]:
        """The webhooks once there are `count` of them."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.webhooks) >= count, seconds), self.received
        return self.webhooks

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
