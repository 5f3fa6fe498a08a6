"""A small ASGI front of Django made for misbehaving on purpose.

Django's own handler runs each request in a new thread and cannot abort an answer. Here a fixed set of threads
keeps its database connections, slow answers (`delay` seconds) wait without holding a thread, and
`faults.Abort` ends the connection. The control API has threads of its own: a drain waits for the shop, which
calls this process meanwhile.
"""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import HttpResponse, HttpResponseBase

from everline.sandbox.engine import engine
from everline.sandbox.faults import Abort

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)

THREADS = 8
CONTROL_THREADS = 3
MAX_BODY = 16 * 1024 * 1024


class Dropped(ConnectionAbortedError):
    """Raised into the server so that it closes the connection."""


class Server:
    """The ASGI application: `lifespan` starts and stops the engine, `http` is answered by Django's views."""

    def __init__(self) -> None:
        self._django = BaseHandler()
        self._django.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox")
        self._control = ThreadPoolExecutor(CONTROL_THREADS, thread_name_prefix="sandbox-control")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, by the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            raise ValueError(f"the sandbox does not speak {scope['type']}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                engine.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await asyncio.get_running_loop().run_in_executor(None, engine.stop)
                self._threads.shutdown(wait=False, cancel_futures=True)
                self._control.shutdown(wait=False, cancel_futures=True)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        if len(body) > MAX_BODY:
            response: HttpResponseBase = HttpResponse("The body is too large.\n", status=413)
        else:
            pool = self._control if scope["path"].startswith("/control/") else self._threads
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(pool, self._respond, scope, body)
        delay = getattr(response, "delay", 0.0)
        if delay:
            await asyncio.sleep(delay)
        await _send(response, send)

    def _respond(self, scope: Scope, body: bytes) -> HttpResponseBase:
        close_old_connections()
        try:
            request = ASGIRequest(scope, io.BytesIO(body))
            request.get_host()
            return self._django.get_response(request)
        except UnicodeDecodeError:
            return HttpResponse("The path is not UTF-8.\n", status=400)
        except DisallowedHost:
            return HttpResponse("This host is not ours.\n", status=400)
        finally:
            close_old_connections()


async def _read(receive: Receive) -> bytes | None:
    """The request's body (just over the limit where it is longer); None when the client left."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        if size <= MAX_BODY:
            parts.append(part)
            size += len(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send(response: HttpResponseBase, send: Send) -> None:
    if isinstance(response, Abort):
        # Promise more than is sent, then fail: no client can take this for an answer.
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        raise Dropped("fault: the connection is aborted")
    assert isinstance(response, HttpResponse)
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    if not response.has_header("Content-Length"):
        headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
