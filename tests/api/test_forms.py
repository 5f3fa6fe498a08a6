"""How values look on the wire, and how what comes in is read: the small rules, one by one."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.test import RequestFactory
from pydantic import ValidationError

from everline.api.answers import instant, instant_or_none, money, no_content, reply
from everline.api.auth import client_address, own_origin, qr_signature
from everline.api.bodies import MAX_BULK_BYTES, MAX_BYTES, StrictParser, limit_of
from everline.api.errors import MalformedBody, UnsupportedMediaType, ValidationFailed
from everline.api.inputs import Filter, QueryInstant, QueryInt, field_errors
from everline.api.problems import is_for_programs
from everline.core.money import Money


def test_equal_instants_print_identically() -> None:
    whole = datetime(2027, 1, 10, 9, 30, tzinfo=UTC)
    elsewhere = whole.astimezone(timezone(timedelta(hours=8)))

    assert instant(whole) == instant(elsewhere) == "2027-01-10T09:30:00.000000Z"
    assert instant(whole + timedelta(microseconds=1)) == "2027-01-10T09:30:00.000001Z"
    assert len({len(instant(whole + timedelta(microseconds=each))) for each in (0, 1, 10, 1000)}) == 1
    assert instant_or_none(None) is None


def test_money_is_minor_units() -> None:
    assert money(Money(1999, "JPY")) == {"amount": 1999, "currency": "JPY"}


def test_answers_are_compact_json_in_utf8() -> None:
    answer = reply({"name": "日本"}, status=201, headers={"X-A": "b"})

    assert answer.content == '{"name":"日本"}'.encode()
    assert (answer.status_code, answer["Content-Type"], answer["X-A"]) == (201, "application/json", "b")
    assert (no_content().status_code, no_content().content) == (204, b"")
    assert "Content-Type" not in no_content().headers


class Query(Filter):
    number: QueryInt = 1
    moment: QueryInstant | None = None


@pytest.mark.parametrize("text", ["0", "7", "-3", "007", "999999999999999999"])
def test_integers_of_a_query(text: str) -> None:
    assert Query.model_validate({"number": text}).number == int(text)


@pytest.mark.parametrize(
    "text", ["", " 7", "7 ", "+7", "7.0", "1e3", "1_000", "٧", "0x10", "9" * 19, "--1", "None"]
)
def test_texts_that_are_no_integers(text: str) -> None:
    with pytest.raises(ValidationError):
        Query.model_validate({"number": text})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-10T09:30:00Z", datetime(2027, 1, 10, 9, 30, tzinfo=UTC)),
        ("2027-01-10t09:30:00z", datetime(2027, 1, 10, 9, 30, tzinfo=UTC)),
        ("2027-01-10T17:30:00+08:00", datetime(2027, 1, 10, 9, 30, tzinfo=UTC)),
        ("2027-01-10T09:30:00.25Z", datetime(2027, 1, 10, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2027-01-10T09:30:00.123456789-00:00", datetime(2027, 1, 10, 9, 30, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_instants_of_a_query(text: str, moment: datetime) -> None:
    assert Query.model_validate({"moment": text}).moment == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2027-01-10",
        "2027-01-10T09:30Z",
        "2027-01-10T09:30:00",
        "2027-01-10 09:30:00Z",
        "2027-13-10T09:30:00Z",
        "2027-02-29T09:30:00Z",
        "2027-01-10T24:30:00Z",
        "2027-W02-7T09:30:00Z",
        "20270110T093000Z",
        "1999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2027-01-10T09:30:00+99:99",
        "２０２７-01-10T09:30:00Z",
    ],
)
def test_texts_that_are_no_instants(text: str) -> None:
    with pytest.raises(ValidationError):
        Query.model_validate({"moment": text})


def test_refusals_of_the_framework_get_our_words() -> None:
    found = [
        {"loc": ("body", "body", "records", 3, "quantity"), "type": "int_from_float"},
        {"loc": ("body", "body", "plan"), "type": "missing"},
        {"loc": ("query", "limit"), "type": "less_than_equal"},
        {"loc": ("query", "term"), "type": "literal_error"},
        {"loc": ("body", "body"), "type": "model_type"},
        {"loc": ("body", "body", "email"), "type": "extra_forbidden"},
        {"loc": ("query", "from"), "type": "value_error"},
    ]

    errors = field_errors(found)

    assert [(each["field"], each["code"]) for each in errors] == [
        ("records.3.quantity", "wrong_type"),
        ("plan", "required"),
        ("limit", "out_of_range"),
        ("term", "unknown_value"),
        ("", "wrong_type"),
        ("email", "unknown_field"),
        ("from", "invalid"),
    ]
    assert all(each["message"] for each in errors)


def parsed(raw: bytes, content_type: str = "application/json") -> Any:
    return StrictParser().parse_body(RequestFactory().post("/", raw, content_type))


def test_json_is_read_as_it_is() -> None:
    assert parsed(b'{"a": [1, 2.5, null, true, "\\u4e2d"]}') == {"a": [1, 2.5, None, True, "中"]}
    assert parsed(b'{"n": -9223372036854775808}') == {"n": -(2**63)}


def test_numbers_beyond_64_bits_are_named_where_they_stand() -> None:
    with pytest.raises(ValidationFailed) as refused:
        parsed(b'{"records": [{"quantity": 1}, {"quantity": 9223372036854775808}]}')

    assert [(each["field"], each["code"]) for each in refused.value.errors] == [
        ("records.1.quantity", "out_of_range")
    ]


def test_a_flood_of_faults_is_cut_short() -> None:
    with pytest.raises(ValidationFailed) as refused:
        parsed(b"[" + b",".join([b'"\\u0000"'] * 500) + b"]")

    assert len(refused.value.errors) == 20


@pytest.mark.parametrize("raw", [b"[" * 21 + b"]" * 21, b"[" * 50_000, b'{"a":-Infinity}', b"\xe4\xb8"])
def test_what_is_no_json_for_us(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        parsed(raw)


def test_nesting_that_people_need_is_read() -> None:
    assert parsed(b"[" * 20 + b"]" * 20)


@pytest.mark.parametrize("content_type", ["text/json", "application/jsonp", "image/png"])
def test_other_kinds_of_bodies(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        parsed(b"{}", content_type)


def test_only_bulk_addresses_take_bulk() -> None:
    rf = RequestFactory()

    assert limit_of(rf.post("/api/v1/operator/usage-records")) == MAX_BULK_BYTES
    assert limit_of(rf.post("/api/v1/operator/usage-records/")) == MAX_BYTES
    assert limit_of(rf.post("/webhooks/payments/sandbox")) == MAX_BYTES


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/api", True),
        ("/api/v1/x", True),
        ("//api/v1", True),
        ("/webhooks/x", True),
        ("/", False),
        ("/apiary", False),
        ("/orders/api/", False),
        ("/_sandbox/clock", False),
    ],
)
def test_programs_and_people_have_their_own_addresses(path: str, ours: bool) -> None:
    assert is_for_programs(path) is ours


def test_callers_are_known_by_their_address(settings: Any) -> None:
    rf = RequestFactory()
    spoofed = rf.get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": "198.51.100.9, 203.0.113.5"})

    assert client_address(spoofed) == "192.0.2.1", "nobody stands before us: the header is hearsay"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client_address(spoofed) == "203.0.113.5", "what our proxy saw, not what the caller claims"
    assert client_address(rf.get("/", REMOTE_ADDR="192.0.2.1")) == "192.0.2.1"


def test_our_origin_is_what_the_caller_used(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    rf = RequestFactory()

    assert own_origin(rf.get("/", HTTP_HOST="shop.example:8443")) == "http://shop.example:8443"
    assert (
        own_origin(rf.get("/", HTTP_HOST="shop.example", HTTP_X_FORWARDED_PROTO="https"))
        == "https://shop.example"
    )


def test_addresses_of_qr_codes_are_not_guessed(settings: Any) -> None:
    one, other = qr_signature("ln_1"), qr_signature("ln_2")
    settings.SECRET_KEY = "another installation"

    assert len({one, other, qr_signature("ln_1")}) == 3
