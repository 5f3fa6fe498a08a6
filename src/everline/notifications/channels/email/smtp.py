"""Mails over SMTP: `smtp://user:password@host:587/?starttls=yes` or `smtps://user:password@host`.

RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 8314 (implicit TLS). SMTP cannot deduplicate: when the answer after
DATA is lost, the mail goes out again with the same Message-ID, which mail programs use to show it once.
"""

import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from everline.core import clock
from everline.core.transactions import refuse_inside_transaction
from everline.notifications.channels.port import TransportError
from everline.notifications.types import OutgoingMail

_TIMEOUT = 10.0
_PORTS = {"smtp": 25, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
#: Replies from here on are permanent (RFC 5321, 4.2.1).
_PERMANENT = 500
_YES = {"yes", "1", "true", "on"}


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """Where and how to hand over mail."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool
    user: str
    password: str

    @classmethod
    def from_url(cls, url: str) -> "SmtpConfig":
        """Read the URL.

        Raises:
            ImproperlyConfigured: no host, a wrong port, or a password that would travel in clear.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise ImproperlyConfigured(f"EVERLINE_EMAIL_URL: {error}") from None
        if not parts.hostname:
            raise ImproperlyConfigured("EVERLINE_EMAIL_URL: smtp:// needs a host")
        config = cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            implicit_tls=parts.scheme == "smtps",
            starttls=parse_qs(parts.query).get("starttls", [""])[0].lower() in _YES,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )
        if config.user and not (config.implicit_tls or config.starttls or config.host in _LOOPBACK):
            raise ImproperlyConfigured(
                "EVERLINE_EMAIL_URL: a password needs smtps:// or ?starttls=yes, unless the host is local"
            )
        return config


def connect(url: str) -> "SmtpMail":
    """The server of this URL; a connection is made per mail.

    Raises:
        ImproperlyConfigured: the URL cannot be used.
    """
    return SmtpMail(SmtpConfig.from_url(url))


class SmtpMail:
    """One SMTP server."""

    def __init__(self, config: SmtpConfig) -> None:
        self._config = config

    def send(self, mail: OutgoingMail) -> None:
        """Hand the mail over.

        Raises:
            TransportError: refused or unreachable; permanent where the server said so about this mail.
        """
        refuse_inside_transaction()
        message = as_mime(mail)
        try:
            server = self._open()
        except (OSError, smtplib.SMTPException) as error:
            raise TransportError(f"cannot reach the mail server: {error!r}") from error
        try:
            server.send_message(message, from_addr=mail.sender, to_addrs=[mail.to])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise TransportError(
                f"{code} {text.decode(errors='replace')}", permanent=code >= _PERMANENT
            ) from error
        except smtplib.SMTPDataError as error:
            raise TransportError(str(error), permanent=error.smtp_code >= _PERMANENT) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TransportError(repr(error)) from error
        finally:
            # The mail is accepted or refused by now: whatever the farewell brings changes nothing.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _open(self) -> smtplib.SMTP:
        config = self._config
        if config.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                config.host, config.port, timeout=_TIMEOUT, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(config.host, config.port, timeout=_TIMEOUT)
        try:
            if config.starttls:
                server.starttls(context=ssl.create_default_context())
            if config.user:
                server.login(config.user, config.password)
        except BaseException:
            server.close()
            raise
        return server


def as_mime(mail: OutgoingMail) -> EmailMessage:
    """The mail as text with an HTML alternative, and its files; its Message-ID is the message's own id."""
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = _literal(mail.rendered.subject)
    message["From"] = Address(display_name=_literal(mail.sender_name), addr_spec=mail.sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Message-ID"] = f"<{mail.message_id}@{mail.sender.rpartition('@')[2]}>"
    message["Date"] = clock.real_now()
    message["Auto-Submitted"] = "auto-generated"
    # Base 64: not every server takes eight bits (RFC 6152).
    message.set_content(mail.rendered.text, cte="base64")
    message.add_alternative(mail.rendered.html, subtype="html", cte="base64")
    for each in mail.attachments:
        main, _, sub = each.type.partition("/")
        message.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
    return message


def _literal(text: str) -> str:
    """Text that is not taken for encoded words (RFC 2047): decoded ones could hold line breaks."""
    return text.replace("=?", "= ?")
