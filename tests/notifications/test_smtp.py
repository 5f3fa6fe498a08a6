import email
import email.policy
import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from everline.core.transactions import InsideTransaction
from everline.notifications.channels.email.smtp import SmtpConfig, as_mime, connect
from everline.notifications.channels.port import TransportError
from everline.notifications.types import OutgoingMail, Rendered

MAIL = OutgoingMail(
    message_id="msg_0000000000001",
    kind="welcome",
    to="li@example.com",
    sender_name="leb卡",
    sender="no-reply@leb.example",
    rendered=Rendered(subject="欢迎使用leb卡", text="您好：\n.\n结束\n", html="<p>您好</p>\n"),
)


@dataclass
class Server:
    """A mail server in small. `replies` maps a command to what it answers instead of yes."""

    port: int = 0
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    replies: dict[str, deque[str]] = field(default_factory=dict)
    logins: list[str] = field(default_factory=list)

    def reply(self, command: str, usual: str) -> str:
        queue = self.replies.get(command)
        return queue.popleft() if queue else usual


class _Session(socketserver.StreamRequestHandler):
    state: Server

    def handle(self) -> None:
        self.sender = self.recipient = ""
        self._say(self.state.reply("CONNECT", "220 ready"))
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            answer = self.state.reply(command, "250 ok")
            if answer == "drop":
                return
            if not self._obey(command, line, answer):
                return

    def _obey(self, command: str, line: str, answer: str) -> bool:
        if command == "EHLO":
            answer = "250-here\r\n250 AUTH PLAIN" if answer == "250 ok" else answer
        elif command == "MAIL":
            self.sender = line.partition(":")[2].split()[0].strip("<>")
        elif command == "RCPT":
            self.recipient = line.partition(":")[2].split()[0].strip("<>")
        elif command == "AUTH":
            self.state.logins.append(line)
            answer = "235 welcome" if answer == "250 ok" else answer
        elif command == "DATA" and answer == "250 ok":
            return self._data()
        self._say(answer)
        return command != "QUIT"

    def _data(self) -> bool:
        self._say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        answer = self.state.reply("BODY", "250 accepted")
        if answer.startswith("250") or answer == "drop":
            self.state.mails.append((self.sender, self.recipient, b"".join(lines)))
        if answer == "drop":
            return False
        self._say(answer)
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("Session", (_Session,), {"state": state})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as listener:
        listener.daemon_threads = True
        state.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        listener.shutdown()
        thread.join()


def _send(server: Server, user: str = "") -> None:
    connect(f"smtp://{user}127.0.0.1:{server.port}").send(MAIL)


def _parsed(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_mail_arrives_with_text_html_and_chinese(server: Server) -> None:
    _send(server)

    ((sender, recipient, raw),) = server.mails
    mail = _parsed(raw)
    assert (sender, recipient) == ("no-reply@leb.example", "li@example.com")
    assert (mail["To"], mail["From"]) == ("li@example.com", "leb卡 <no-reply@leb.example>")
    assert mail["Subject"] == "欢迎使用leb卡"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert raw.isascii()
    assert mail["Date"].datetime.tzinfo is not None
    assert text.get_content() == "您好：\r\n.\r\n结束\r\n"
    assert html.get_content() == "<p>您好</p>\r\n"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_message_id_is_the_same_in_every_try(server: Server) -> None:
    server.replies["BODY"] = deque(["drop"])

    with pytest.raises(TransportError) as lost:
        _send(server)
    _send(server)

    first, second = (_parsed(raw)["Message-ID"] for _, _, raw in server.mails)
    assert first == second == "<msg_0000000000001@leb.example>"
    assert not lost.value.permanent


@pytest.mark.parametrize(
    ("command", "answer", "permanent"),
    [
        ("CONNECT", "554 go away", False),
        ("CONNECT", "421 busy", False),
        ("EHLO", "drop", False),
        ("MAIL", "451 later", False),
        ("MAIL", "550 you may not send", False),
        ("MAIL", "drop", False),
        ("RCPT", "450 mailbox busy", False),
        ("RCPT", "550 no such mailbox", True),
        ("DATA", "451 later", False),
        ("BODY", "452 full", False),
        ("BODY", "554 refused as spam", True),
        ("BODY", "drop", False),
    ],
)
def test_a_refusal_is_permanent_only_where_it_speaks_of_this_mail(
    server: Server, command: str, answer: str, *, permanent: bool
) -> None:
    server.replies[command] = deque([answer])
    if command == "EHLO":
        server.replies["HELO"] = deque(["drop"])

    with pytest.raises(TransportError) as refused:
        _send(server)

    assert refused.value.permanent is permanent
    assert str(refused.value)
    assert len(server.mails) == (1 if (command, answer) == ("BODY", "drop") else 0)


@pytest.mark.parametrize("farewell", ["500 what", "drop"])
def test_a_rude_farewell_does_not_unsend_the_mail(server: Server, farewell: str) -> None:
    server.replies["QUIT"] = deque([farewell])

    _send(server)

    assert len(server.mails) == 1


def test_a_server_that_is_not_there_is_worth_another_try(server: Server) -> None:
    with pytest.raises(TransportError) as refused:
        connect("smtp://127.0.0.1:1").send(MAIL)

    assert not refused.value.permanent


def test_user_and_password_are_shown_to_a_local_server(server: Server) -> None:
    _send(server, user="shop:p%40ss@")

    assert len(server.logins) == 1
    assert len(server.mails) == 1


def test_a_wrong_password_loses_no_mail(server: Server) -> None:
    server.replies["AUTH"] = deque(["535 wrong"] * 3)

    with pytest.raises(TransportError) as refused:
        _send(server, user="shop:wrong@")

    assert not refused.value.permanent
    assert server.mails == []


def test_a_server_without_tls_gets_nothing_when_tls_was_asked_for(server: Server) -> None:
    with pytest.raises(TransportError) as refused:
        connect(f"smtp://127.0.0.1:{server.port}/?starttls=yes").send(MAIL)

    assert not refused.value.permanent
    assert server.mails == []


@pytest.mark.django_db
def test_no_mail_leaves_inside_a_transaction(server: Server) -> None:
    with pytest.raises(InsideTransaction), transaction.atomic():
        _send(server)

    assert server.mails == []


@pytest.mark.parametrize(
    ("url", "config"),
    [
        ("smtp://mail.example", SmtpConfig("mail.example", 25, False, False, "", "")),
        ("smtps://mail.example", SmtpConfig("mail.example", 465, True, False, "", "")),
        (
            "smtp://shop%40leb:s%2Fecret@mail.example:587/?starttls=yes",
            SmtpConfig("mail.example", 587, False, True, "shop@leb", "s/ecret"),
        ),
        ("smtp://a:b@localhost:2525", SmtpConfig("localhost", 2525, False, False, "a", "b")),
    ],
)
def test_a_url_says_where_and_how(url: str, config: SmtpConfig) -> None:
    assert SmtpConfig.from_url(url) == config


@pytest.mark.parametrize(
    "url", ["smtp://", "smtp:///x", "smtp://mail.example:99999", "smtp://user:password@mail.example"]
)
def test_a_url_that_cannot_be_used_stops_the_start(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EVERLINE_EMAIL_URL"):
        connect(url)


def test_names_cannot_add_headers() -> None:
    wicked = OutgoingMail(
        message_id="msg_1",
        kind="welcome",
        to="li@example.com",
        sender_name='leb", <all@example.com>',
        sender="no-reply@leb.example",
        rendered=Rendered("hello", "text", "<p></p>"),
    )

    mime = as_mime(wicked)

    assert mime["From"].addresses[0].addr_spec == "no-reply@leb.example"
    assert len(mime["From"].addresses) == 1
