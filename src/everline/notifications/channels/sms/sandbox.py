"""Text messages into the sandbox: `EVERLINE_SMS_URL=sandbox:`."""

from everline.notifications.channels import gateway
from everline.notifications.types import OutgoingSms


def connect(_url: str) -> "SandboxSms":
    """The sandbox of this data folder."""
    return SandboxSms()


class SandboxSms:
    """The SMS gateway of the sandbox; it keeps one message per `message_id`."""

    def send(self, sms: OutgoingSms) -> None:
        """Post the message.

        Raises:
            TransportError: refused, unreachable, or no answer.
        """
        gateway.post(
            "/gateway/sms",
            {"message_id": sms.message_id, "kind": sms.kind, "to": sms.to, "text": sms.text},
        )
