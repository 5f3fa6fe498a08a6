from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.db import transaction

from everline.core.http import Client, NoAnswer, NotSent, Response, retry_after
from everline.core.transactions import InsideTransaction, in_transaction, retrying


class _Peer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/drop":
            self.connection.close()
            return
        self.send_response(302 if self.path == "/away" else 418)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[Client]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Peer)
    Thread(target=server.serve_forever, daemon=True).start()
    client = Client(f"http://127.0.0.1:{server.server_port}")
    yield client
    client.close()
    server.shutdown()
    server.server_close()


def test_an_answer_of_any_status_is_an_answer(peer: Client) -> None:
    assert peer.request("GET", "/").status_code == 418


def test_redirects_are_not_followed(peer: Client) -> None:
    assert peer.request("GET", "/away").status_code == 302


def test_a_lost_answer_is_not_a_failure_to_send(peer: Client) -> None:
    with pytest.raises(NoAnswer):
        peer.request("GET", "/drop")


def test_a_refused_connection_was_never_sent() -> None:
    client = Client("http://127.0.0.1:1")

    with pytest.raises(NotSent):
        client.request("GET", "/")
    client.close()


@pytest.mark.django_db
def test_no_call_leaves_inside_a_transaction(peer: Client) -> None:
    # The test case's own transaction does not count (Django's private mark, pinned here).
    assert not in_transaction()
    assert peer.request("GET", "/").status_code == 418

    with transaction.atomic():
        assert in_transaction()
        with pytest.raises(InsideTransaction):
            peer.request("GET", "/")


@pytest.mark.django_db
def test_only_the_outermost_transaction_is_repeated() -> None:
    calls: list[int] = []

    @retrying
    def once() -> int:
        calls.append(1)
        return len(calls)

    with transaction.atomic():
        assert once() == 1
    assert calls == [1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0", 0.0), ("9" * 400, 3600.0), ("", None), ("soon", None), ("-1", None), ("１", None)],
)
def test_a_peer_may_ask_for_a_wait_of_an_hour_at_most(text: str, seconds: float | None) -> None:
    assert retry_after(Response(429, headers={"Retry-After": text.encode()})) == seconds
