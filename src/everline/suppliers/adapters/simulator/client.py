"""The wire: requests with our key, answers as JSON objects, everything else as the port's errors."""

import atexit
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from everline.core.http import Client, NoAnswer, NotSent, retry_after
from everline.core.sandbox_link import SandboxMissing
from everline.suppliers.adapters.simulator.config import NAME, PREFIX, READ_TIMEOUT, Config
from everline.suppliers.errors import (
    AuthConfig,
    NotKnown,
    OutcomeUnknown,
    Rejected,
    SupplierError,
    TemporarilyUnavailable,
)

if TYPE_CHECKING:
    from httpx import Response

_TOO_MANY = 429
_REFUSALS: dict[int, type[SupplierError]] = {
    400: Rejected,
    401: AuthConfig,
    403: AuthConfig,
    404: NotKnown,
    409: Rejected,
    422: Rejected,
}


def call(
    load: Callable[[], Config], method: str, path: str, *, json: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One request. Raises the errors of the port; an answer that is no JSON object is OutcomeUnknown."""
    try:
        config = load()
        answer = _client(config.base_url, config.api_key).request(method, PREFIX + path, json=json)
    except (SandboxMissing, NotSent) as error:
        raise TemporarilyUnavailable(NAME, "not_reached", str(error)) from error
    except NoAnswer as error:
        raise OutcomeUnknown(NAME, "no_answer", str(error)) from error
    if answer.is_success:
        return _object(answer)
    raise _refusal(answer)


@cache
def _client(base_url: str, api_key: str) -> Client:
    """One client, with its open connections, for each address that was ever used: there are few."""
    client = Client(base_url, headers={"Authorization": f"Bearer {api_key}"}, read_timeout=READ_TIMEOUT)
    atexit.register(client.close)
    return client


def _object(answer: "Response") -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise OutcomeUnknown(NAME, "unreadable_answer", answer.text[:200])
    return body


def _refusal(answer: "Response") -> SupplierError:
    code, message = _words(answer)
    if answer.status_code == _TOO_MANY:
        return TemporarilyUnavailable(NAME, code or "too_many", message, retry_after=retry_after(answer))
    kind = _REFUSALS.get(answer.status_code, OutcomeUnknown)
    return kind(NAME, code or f"http_{answer.status_code}", message)


def _words(answer: "Response") -> tuple[str, str]:
    try:
        error = answer.json()["error"]
        return str(error.get("code", "")), str(error.get("message", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "", ""
