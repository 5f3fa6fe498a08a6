"""Mails into the sandbox's mailbox: `EVERLINE_EMAIL_URL=sandbox:`."""

import base64

from everline.notifications.channels import gateway
from everline.notifications.types import Attachment, OutgoingMail


def connect(_url: str) -> "SandboxMail":
    """The sandbox of this data folder."""
    return SandboxMail()


class SandboxMail:
    """The mail gateway of the sandbox; it keeps one mail per `message_id`."""

    def send(self, mail: OutgoingMail) -> None:
        """Post the mail.

        Raises:
            TransportError: refused, unreachable, or no answer.
        """
        gateway.post(
            "/gateway/mail",
            {
                "message_id": mail.message_id,
                "kind": mail.kind,
                "to": mail.to,
                "from": f"{mail.sender_name} <{mail.sender}>",
                "subject": mail.rendered.subject,
                "text": mail.rendered.text,
                "html": mail.rendered.html,
                "attachments": [_as_json(each) for each in mail.attachments],
            },
        )


def _as_json(attachment: Attachment) -> dict[str, str]:
    return {
        "name": attachment.name,
        "type": attachment.type,
        "content_base64": base64.b64encode(attachment.content).decode(),
    }
