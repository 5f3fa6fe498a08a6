"""A tiny HTTP peer on loopback that misbehaves as told: answers, drops, garbage."""

import json
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What to do with one request; `drop` reads it and closes without a word."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Peer:
    """Answers each request with the next of `answers`."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.asked: list[Asked] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            method, path, _version = stream.readline().decode().split(" ")
            headers: dict[str, str] = {}
            while (line := stream.readline().decode().strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", "0")))
        self.asked.append(Asked(method, path, headers, json.loads(body) if body else None))
        answer = self.answers.popleft()
        if answer.drop:
            return
        content = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
        lines = [f"HTTP/1.1 {answer.status} X", "Connection: close", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.cut:
            content = content[: len(content) // 2]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)
