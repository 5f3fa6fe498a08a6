"""Mails into the sandbox's mailbox: `EVERLINE_EMAIL_URL=sandbox:`."""

import threading
from functools import lru_cache
from http import HTTPStatus

from everline.core import sandbox_link
from everline.core.http import Client, NoAnswer, NotSent
from everline.notifications.channels.port import TransportError
from everline.notifications.types import OutgoingMail

#: Seconds. Shorter than the lease on a delivery, so that no second worker takes it meanwhile.
_READ_TIMEOUT = 10.0
#: Answers that say something about this mail, not about the moment.
_PERMANENT = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}

#: A cache alone would let threads that come at once make a client each.
_ONE_AT_A_TIME = threading.Lock()


def connect(_url: str) -> "SandboxMail":
    """The sandbox of this data folder; it is looked up at each sending, because it may start after us."""
    return SandboxMail()


class SandboxMail:
    """The mail gateway of the sandbox; it keeps one mail per `message_id`."""

    def send(self, mail: OutgoingMail) -> None:
        """Post the mail.

        Raises:
            TransportError: refused, unreachable, or no answer.
        """
        body = {
            "message_id": mail.message_id,
            "kind": mail.kind,
            "to": mail.to,
            "from": f"{mail.sender_name} <{mail.sender}>",
            "subject": mail.rendered.subject,
            "text": mail.rendered.text,
            "html": mail.rendered.html,
            "attachments": [],
        }
        try:
            with _ONE_AT_A_TIME:
                client = _client(sandbox_link.base_url(), sandbox_link.token())
            response = client.request("POST", "/gateway/mail", json=body)
        except (sandbox_link.SandboxMissing, NotSent, NoAnswer) as error:
            raise TransportError(f"{type(error).__name__}: {error}") from error
        if not response.is_success:
            raise TransportError(
                f"the gateway answered {response.status_code}", permanent=response.status_code in _PERMANENT
            )


@lru_cache(maxsize=2)
def _client(base_url: str, token: str) -> Client:
    headers = {"Authorization": f"Bearer {sandbox_link.api_key(token)}"}
    return Client(base_url, headers=headers, read_timeout=_READ_TIMEOUT)
