"""Text messages to any HTTPS address: `EVERLINE_SMS_URL=https://TOKEN@sms.example/send`.

`POST` with `Authorization: Bearer TOKEN`, the message's id as `Idempotency-Key`, and
`{"id", "kind", "to", "text"}`. Any 2xx means accepted; 400, 404, 413 and 422 mean never; everything else is
tried again. A few lines of glue at a carrier or an automation service turn it into their own call.
"""

from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from everline.core.http import Client, NoAnswer, NotSent
from everline.notifications.channels.port import TransportError
from everline.notifications.types import OutgoingSms

#: Seconds. Shorter than the lease on a delivery.
_READ_TIMEOUT = 10.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PERMANENT = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


def connect(url: str) -> "WebhookSms":
    """The service at this address.

    Raises:
        ImproperlyConfigured: no host, no token, or a token that would travel in clear.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EVERLINE_SMS_URL: {error}") from None
    if not parts.hostname or not parts.username:
        raise ImproperlyConfigured("EVERLINE_SMS_URL must look like https://TOKEN@host/path")
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ImproperlyConfigured("EVERLINE_SMS_URL: a token needs https://, unless the host is local")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    base = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WebhookSms(base, path, unquote(parts.username))


class WebhookSms:
    """One service that takes text messages as JSON."""

    def __init__(self, base: str, path: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = Client(base, headers=headers, read_timeout=_READ_TIMEOUT)
        self._path = path

    def send(self, sms: OutgoingSms) -> None:
        """Post the message.

        Raises:
            TransportError: refused, unreachable, or no answer.
        """
        body = {"id": sms.message_id, "kind": sms.kind, "to": sms.to, "text": sms.text}
        try:
            response = self._client.request(
                "POST", self._path, json=body, headers={"Idempotency-Key": sms.message_id}
            )
        except (NotSent, NoAnswer) as error:
            raise TransportError(f"{type(error).__name__}: {error}") from error
        if not response.is_success:
            raise TransportError(
                f"the SMS service answered {response.status_code}",
                permanent=response.status_code in _PERMANENT,
            )
