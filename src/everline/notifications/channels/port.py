"""What a channel's transport must do. A transport is a module with `connect(url) -> Transport`."""

from typing import Protocol

from everline.notifications.types import OutgoingMail, OutgoingSms


class TransportError(Exception):
    """The transport did not take the message, or did not say so; `permanent` means that it never will."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class EmailTransport(Protocol):
    """Hands over one e-mail. Called from several threads at once, never inside a transaction."""

    def send(self, mail: OutgoingMail) -> None:
        """Return once the other side has accepted the mail.

        A mail may come again with the same `message_id` after an answer was lost: where the other side can
        deduplicate, that id is its key.

        Raises:
            TransportError: refused, unreachable, or no answer.
        """


class SmsTransport(Protocol):
    """Hands over one text message. Called from several threads at once, never inside a transaction."""

    def send(self, sms: OutgoingSms) -> None:
        """Return once the other side has accepted the message; `message_id` is its key, as for e-mail.

        Raises:
            TransportError: refused, unreachable, or no answer.
        """
