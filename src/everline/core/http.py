"""The only way out: a client that refuses inside a transaction and tells "not sent" from "no answer"."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

import httpx

from everline.core.transactions import refuse_inside_transaction

#: Seconds to connect, and to wait for an answer. A provider that needs longer has an unknown outcome.
CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 20.0
_LONGEST_WAIT = 3600.0


#: An answer as `Client.request` gives it.
Response = httpx.Response

_open: "WeakSet[Client]" = WeakSet()


def close_all() -> None:
    """Give back every connection of this process; clients open new ones when they are used again."""
    for client in list(_open):
        client.close()


def retry_after(answer: Response) -> float | None:
    """Seconds that the peer asks us to wait, an hour at most; None where it names none (RFC 9110, 10.2.3)."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None


class NotSent(Exception):
    """The request never reached the other side: trying again is safe."""


class NoAnswer(Exception):
    """The request was or may have been sent and no answer came: the outcome is unknown."""


class Client:
    """A thin, thread-safe client for one peer; keeps connections open."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        timeout = httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT)
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=timeout, trust_env=False)
        _open.add(self)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, one answer of any status.

        Raises:
            InsideTransaction: a transaction is open.
            NotSent: no connection could be made.
            NoAnswer: the connection ended or the time ran out before an answer.
        """
        refuse_inside_transaction()
        try:
            return self._client.request(
                method,
                path,
                json=json,
                content=content,
                params=params,
                headers=headers,
                follow_redirects=False,
            )
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            raise NotSent(f"{method} {path}: {error!r}") from error
        except httpx.HTTPError as error:
            raise NoAnswer(f"{method} {path}: {error!r}") from error

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
