"""Pages travel compressed; streams, small answers and answers with secrets do not."""

import gzip
from collections.abc import Callable, Iterator

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from everline.config.compression import SMALLEST, CompressionMiddleware
from everline.portal.gate import holds_secrets

PAGE = b"<p>A page of some length.</p>" * 100


def through(response: HttpResponseBase, **headers: str) -> HttpResponseBase:
    request = RequestFactory().get("/", headers={"accept-encoding": "gzip, br", **headers})
    return CompressionMiddleware(lambda _request: response)(request)


def test_a_page_is_compressed_and_reads_the_same() -> None:
    answer = through(HttpResponse(PAGE))

    assert isinstance(answer, HttpResponse)
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert int(answer["Content-Length"]) == len(answer.content) < len(PAGE) / 4
    assert gzip.decompress(answer.content) == PAGE


def test_the_same_page_has_another_length_each_time() -> None:
    lengths = {through(HttpResponse(PAGE))["Content-Length"] for _ in range(40)}

    assert len(lengths) > 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: HttpResponse(b"x" * (SMALLEST - 1)),
        lambda: HttpResponse(PAGE, content_type="application/json"),
        lambda: HttpResponse(PAGE, content_type="application/problem+json"),
        lambda: HttpResponse(PAGE, content_type="application/pdf"),
        lambda: HttpResponse(PAGE, headers={"Cache-Control": "private, no-store, no-transform"}),
        lambda: HttpResponse(PAGE, headers={"Content-Encoding": "br"}),
        lambda: StreamingHttpResponse(iter([PAGE]), content_type="text/event-stream"),
        lambda: StreamingHttpResponse(iter([PAGE])),
    ],
    ids=["small", "json", "problem", "pdf", "secret", "compressed already", "events", "stream"],
)
def test_other_answers_stay_as_they_are(make: Callable[[], HttpResponseBase]) -> None:
    before = make()
    encoding = before.headers.get("Content-Encoding")

    answer = through(before)

    assert answer.headers.get("Content-Encoding") == encoding
    if isinstance(answer, HttpResponse):
        assert answer.content == make().content  # type: ignore[attr-defined]


def test_a_stream_is_not_held_back() -> None:
    sent: list[str] = []

    def events() -> Iterator[bytes]:
        for number in range(3):
            sent.append(f"sent {number}")
            yield b"data: x\n\n"

    answer = through(StreamingHttpResponse(events(), content_type="text/event-stream"))

    assert isinstance(answer, StreamingHttpResponse)
    next(iter(answer.streaming_content))  # type: ignore[arg-type]
    assert sent == ["sent 0"]


def test_who_cannot_read_it_gets_the_page_as_it_is() -> None:
    answer = through(HttpResponse(PAGE), **{"accept-encoding": "identity"})

    assert "Content-Encoding" not in answer


def test_the_shops_pages_are_compressed_and_its_tokens_are_not(db: None) -> None:
    page = Client(headers={"accept-encoding": "gzip"}).get("/sign-in/")
    plans = Client(headers={"accept-encoding": "gzip"}).get("/api/v1/openapi.json")

    assert page["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plans


def test_pages_tell_browsers_what_they_may_do(db: None) -> None:
    page = Client().get("/sign-in/")

    assert page["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page["Cross-Origin-Resource-Policy"] == "same-origin"
    assert page["Referrer-Policy"] == "same-origin"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["X-Frame-Options"] == "DENY"
    assert "publickey-credentials-get=(self)" in page["Permissions-Policy"]
    assert "camera=()" in page["Permissions-Policy"]
    assert "Strict-Transport-Security" not in page


def test_pages_with_secrets_say_so() -> None:
    view = holds_secrets(lambda _request: HttpResponse(PAGE, headers={"Cache-Control": "private, no-store"}))

    answer = view(RequestFactory().get("/"))

    assert set(answer["Cache-Control"].split(", ")) == {"private", "no-store", "no-transform"}
    assert "Content-Encoding" not in through(answer)
