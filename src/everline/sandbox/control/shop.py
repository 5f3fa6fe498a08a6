"""The two calls from this world to the shop's own test hooks: move its clock, run what is due."""

import threading
from typing import Any

from everline.core.http import Client, NoAnswer, NotSent
from everline.sandbox.webhooks import shop_url
from everline.sandbox.wire import WireError, control_token

#: A drain of the shop may have a lot to do.
READ_TIMEOUT = 120.0

_lock = threading.Lock()
_clients: dict[str, Client] = {}


def _client() -> Client:
    url = shop_url()
    with _lock:
        if url not in _clients:
            _clients[url] = Client(url, read_timeout=READ_TIMEOUT)
        return _clients[url]


def call_shop(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST to one of the shop's hooks.

    Raises:
        WireError: 503, the shop is not there or refused.
    """
    headers = {"X-Sandbox-Token": control_token()}
    try:
        answer = _client().request("POST", path, json=body, headers=headers)
    except (NotSent, NoAnswer) as error:
        raise WireError(503, "shop_unreachable", f"The shop did not answer: {error}") from error
    if not answer.is_success:
        raise WireError(503, "shop_refused", f"The shop answered {answer.status_code} to {path}.")
    try:
        data = answer.json() if answer.content else {}
    except ValueError:
        data = {}
    return data if isinstance(data, dict) else {}
