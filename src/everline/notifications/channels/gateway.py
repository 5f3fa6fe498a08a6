"""The sandbox's gateways, for the channels that have a transport into it."""

import threading
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from everline.core import sandbox_link
from everline.core.http import Client, NoAnswer, NotSent
from everline.notifications.channels.port import TransportError

#: Seconds. Shorter than the lease on a delivery, so that no second worker takes it meanwhile.
_READ_TIMEOUT = 10.0
#: Answers that say something about this message, not about the moment.
PERMANENT = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)

#: A cache alone would let threads that come at once make a client each.
_ONE_AT_A_TIME = threading.Lock()


def post(path: str, body: Mapping[str, Any]) -> None:
    """Hand a message to a gateway of this data folder's sandbox; it is looked up at each sending.

    Raises:
        TransportError: refused, unreachable, or no answer.
    """
    try:
        with _ONE_AT_A_TIME:
            client = client_for(sandbox_link.base_url(), sandbox_link.token())
        response = client.request("POST", path, json=dict(body))
    except (sandbox_link.SandboxMissing, NotSent, NoAnswer) as error:
        raise TransportError(f"{type(error).__name__}: {error}") from error
    if not response.is_success:
        raise TransportError(
            f"the gateway answered {response.status_code}", permanent=response.status_code in PERMANENT
        )


@lru_cache(maxsize=2)
def client_for(base_url: str, token: str) -> Client:
    """The one client of this process for a sandbox."""
    headers = {"Authorization": f"Bearer {sandbox_link.api_key(token)}"}
    return Client(base_url, headers=headers, read_timeout=_READ_TIMEOUT)
