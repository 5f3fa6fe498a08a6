"""Whatever goes wrong, programs get a problem document with a stable code, and nothing is written."""

import io
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from everline.api.problems import problem, status_of
from everline.core.errors import DomainError, Kind
from tests.api.world import Api, World, faulty_fields, refusal

BODY_PATHS = ["/customers", "/sessions", "/quotes", "/orders"]


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/plans", "/api/v1/nothing", "/api/v1/plans/",
     "/api/v1/lines/x/y/z", "/api/v1/docs", "/api/v1/payment-methods", "/api/v1/sessions/codes",
     "/api/v1/operator/customers", "/api//v1/plans"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_addresses_that_do_not_exist(anyone: Api, path: str, method: str) -> None:
    assert refusal(anyone.call(method, path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/me", {"GET", "PATCH"}),
        ("GET", "/sessions", {"POST"}),
        ("POST", "/plans", {"GET"}),
        ("TRACE", "/plans", {"GET"}),
        ("DELETE", "/orders", {"GET", "POST"}),
        ("OPTIONS", "/customers", {"POST"}),
        ("GET", "/operator/usage-records", {"POST"}),
        ("POST", "/openapi.json", {"GET"}),
    ],
)
def test_methods_that_an_address_does_not_take(
    anyone: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = anyone.call(method, path)

    assert refusal(answer) == (405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", BODY_PATHS)
@pytest.mark.parametrize(
    "raw",
    [b"{", b"nonsense", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1} x', b"\xff\xfe{\x00}\x00",
     '{"é": "\u00e9"}'.encode("latin-1"), b"[" * 100_000, b'{"a":' * 1000 + b"1" + b"}" * 1000,
     b'{"a": ' + b"9" * 5000 + b"}",
     b"\xef\xbb\xbf{}", b'{"a\\u0000": 1}', b"\x00"],
)  # fmt: skip
def test_a_body_that_is_no_json(
    signed_in: tuple[Api, Any], nothing_written: None, path: str, raw: bytes
) -> None:
    api, _ = signed_in

    assert refusal(api.post(path, raw=raw, key="k")) == (400, "malformed_body")


@pytest.mark.parametrize("path", BODY_PATHS)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
    ],
)
def test_a_body_of_another_kind(
    signed_in: tuple[Api, Any], nothing_written: None, path: str, content_type: str
) -> None:
    api, _ = signed_in

    answer = api.post(path, raw=b'{"a": 1}', content_type=content_type, key="k")

    assert refusal(answer) == (415, "unsupported_media_type")


def test_json_by_another_name_is_json(world: World, anyone: Api) -> None:
    body = json.dumps({"login": "a@example.com", "password": "x"}).encode()

    for content_type in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.shop+json"):
        assert refusal(anyone.post("/sessions", raw=body, content_type=content_type)) == (
            401,
            "invalid_credentials",
        )


@pytest.mark.parametrize("path", [*BODY_PATHS, "/orders/ord_0000000000000/attempts", "/nothing"])
def test_a_huge_body_is_refused(world: World, nothing_written: None, path: str) -> None:
    api = Api()

    answer = api.post(path, raw=b'{"a": "' + b"x" * (256 * 1024) + b'"}', key="k")

    assert refusal(answer) == (413, "body_too_large")
    assert answer.json()["max_bytes"] == 256 * 1024


def test_a_body_in_chunks_is_read_and_measured(world: World, anyone: Api) -> None:
    body = json.dumps({"login": "a@example.com", "password": "x"}).encode()

    def send(path: str, raw: bytes) -> Any:
        coming: dict[str, Any] = {"wsgi.input": io.BytesIO(raw), "CONTENT_LENGTH": ""}
        return anyone.post(path, raw=raw, HTTP_TRANSFER_ENCODING="chunked", **coming)

    read = send("/sessions", body)
    huge = send("/sessions", b"x" * 300_000)
    webhook = send("/webhooks/payments/sandbox", b"x" * 300_000)

    assert refusal(read) == (401, "invalid_credentials")
    assert refusal(huge) == refusal(webhook) == (413, "body_too_large")


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "²", " "])
def test_a_length_that_is_none(world: World, anyone: Api, length: str) -> None:
    answer = anyone.post("/sessions", raw=b"{}", CONTENT_LENGTH=length)

    assert 400 <= answer.status_code < 500
    refusal(answer)


@pytest.mark.parametrize("path", BODY_PATHS)
@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b'"text"', b"5", b"true", b"[{}]"])
def test_a_body_that_is_no_object(
    signed_in: tuple[Api, Any], nothing_written: None, path: str, raw: bytes
) -> None:
    api, _ = signed_in

    answer = api.post(path, raw=raw, key="k")

    assert refusal(answer) == (422, "validation_failed")
    assert [each["field"] for each in answer.json()["errors"]] == [""]


def test_whoever_is_nobody_learns_nothing_about_bodies(world: World, anyone: Api) -> None:
    assert refusal(anyone.post("/quotes", raw=b"nonsense")) == (401, "login_required")


def test_every_field_at_fault_is_named(world: World) -> None:
    api, _ = world.signed_in()

    answer = api.post("/quotes", {"line": 5, "plan": [], "quantity": "two"})

    assert faulty_fields(answer) == {"line": "wrong_type", "plan": "wrong_type", "quantity": "wrong_type"}
    assert all(each["message"] for each in answer.json()["errors"])


def test_texts_and_numbers_that_nothing_can_store(world: World) -> None:
    api, _ = world.signed_in()

    answer = api.post(
        "/quotes", raw=b'{"plan": "\\ud800", "line": "a\\u0000b", "quantity": 99999999999999999999}'
    )

    assert refusal(answer) == (422, "validation_failed")
    assert faulty_fields(answer) == {
        "plan": "invalid_text",
        "line": "invalid_text",
        "quantity": "out_of_range",
    }


def test_whole_surrogate_pairs_are_letters(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)

    answer = api.patch(f"/lines/{line.id}", raw=b'{"label": "\\ud83d\\udcf1 \\u4e2d"}')

    assert answer.json()["label"] == "📱 中"


def test_details_come_in_the_language_asked_for(anyone: Api) -> None:
    english = anyone.get("/me").json()
    codes = {anyone.get("/me", headers={"Accept-Language": tag}).json()["code"] for tag in ("zh", "en", "fr")}

    chinese = anyone.get("/me", headers={"Accept-Language": "zh-CN"}).json()

    assert english["detail"] == "Sign in to continue."
    assert chinese["detail"] != english["detail"]
    assert not chinese["detail"].isascii()
    assert anyone.get("/me", headers={"Accept-Language": "fr"}).json()["detail"] == chinese["detail"]
    assert codes == {"login_required"}, "codes have no language"


@pytest.mark.parametrize("path", ["/plans", "/nothing", "/me", "/openapi.json"])
def test_every_answer_names_its_request(world: World, anyone: Api, path: str) -> None:
    own = anyone.get(path)["X-Request-Id"]
    other = anyone.get(path)["X-Request-Id"]
    given = anyone.get(path, headers={"X-Request-Id": "trace-0001.abc"})
    insane = anyone.get(path, headers={"X-Request-Id": "a b\tc"})

    assert own.startswith("req_")
    assert own != other
    assert given["X-Request-Id"] == "trace-0001.abc"
    assert insane["X-Request-Id"].startswith("req_")
    assert given["Cache-Control"] == "no-store"


def test_pages_and_health_name_their_request_too(anyone: Api) -> None:
    assert anyone.call("GET", "/_sandbox/nothing")["X-Request-Id"].startswith("req_")


def test_a_bug_is_a_document_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = world.signed_in()
    monkeypatch.setattr("everline.api.routes.lines.lines_for_customer", lambda *_, **__: 1 / 0)

    answer = api.get("/lines")

    assert refusal(answer) == (500, "internal_error")
    assert "division" not in answer.content.decode()


def test_a_database_that_is_away_is_no_bug(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = world.signed_in()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("could not connect")

    monkeypatch.setattr("everline.api.routes.lines.lines_for_customer", away)
    answer = api.get("/lines")

    assert refusal(answer) == (503, "temporarily_unavailable")
    assert answer["Retry-After"] == "2"


def test_a_host_that_is_not_ours(anyone: Api, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]

    assert refusal(anyone.get("/nothing", HTTP_HOST="evil.example")) == (400, "bad_request")


def test_foreign_hosts_cannot_fill_the_log(
    world: World, client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]

    answers = [client.get(path, HTTP_HOST="evil.example") for path in ("/api/v1/plans", "/sign-in/", "/")]

    assert [answer.status_code for answer in answers] == [400] * 3
    assert caplog.records == []
    with caplog.at_level("ERROR", logger="django.security.DisallowedHost"):
        client.get("/", HTTP_HOST="evil.example")
    assert len(caplog.records) == 1, "whoever looks for a forgotten name finds it"


def test_a_document_in_the_place_of_a_compressed_page_is_said_to_be_plain(anyone: Api, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]

    answer = anyone.get("/nothing", HTTP_HOST="evil.example", HTTP_ACCEPT_ENCODING="gzip")

    assert refusal(answer) == (400, "bad_request")
    assert "Content-Encoding" not in answer
    assert answer["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize(
    ("kind", "status"),
    [(Kind.INVALID, 422), (Kind.UNPROCESSABLE, 422), (Kind.UNAUTHENTICATED, 401), (Kind.FORBIDDEN, 403),
     (Kind.NOT_FOUND, 404), (Kind.CONFLICT, 409), (Kind.DECLINED, 402), (Kind.RATE_LIMITED, 429),
     (Kind.UNAVAILABLE, 503)],
)  # fmt: skip
def test_every_kind_has_its_status(kind: Kind, status: int) -> None:
    error = type("Some", (DomainError,), {"kind": kind, "code": "some"})()

    assert status_of(error) == status


def test_extra_members_never_hide_the_standard_ones(rf: Any) -> None:
    class Refusal(DomainError):
        code = "some"
        kind = Kind.CONFLICT
        message = "Look at %(order)s."

    document = json.loads(problem(rf.get("/"), Refusal(status="paid", order="ord_1", retry_after=3)).content)

    assert (document["status"], document["current_status"]) == (409, "paid")
    assert (document["order"], document["detail"]) == ("ord_1", "Look at ord_1.")
