"""The sandbox adapter against a peer that misbehaves: every answer has its place among the port's errors."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from everline.core import clock, sandbox_link
from everline.core.money import Money
from everline.core.sandbox_link import SandboxMissing
from everline.payments import registry
from everline.payments.errors import (
    AlreadyDone,
    AuthConfig,
    BadSignature,
    Declined,
    IdempotencyConflict,
    InvalidRequest,
    MethodUnavailable,
    NotKnown,
    OutcomeUnknown,
    ProviderError,
    TemporarilyUnavailable,
    Unsupported,
)
from everline.payments.port import ListsChanges, TracksRefunds
from everline.payments.providers.sandbox.adapter import SandboxProvider, build
from everline.payments.providers.sandbox.config import Config
from everline.payments.types import (
    AttemptSpec,
    Done,
    Failure,
    Method,
    MethodRef,
    PaymentState,
    Redirect,
    RefundState,
)
from tests.contracts.peer import Answer, Peer

SPEC = AttemptSpec(
    attempt_id="att_0123456789ABC",
    payable="ord_0123456789ABC",
    key="att_0123456789ABC",
    amount=Money(1999, "USD"),
    method="card",
    return_url="https://shop.example/back",
    cancel_url="https://shop.example/cancel",
    locale="zh-hans",
    description="月 套餐",
    expires_at=datetime(2026, 5, 5, 12, 0, tzinfo=UTC),
)
PAYMENT: dict[str, Any] = {
    "id": "pay_1",
    "reference": SPEC.attempt_id,
    "order": SPEC.payable,
    "status": "requires_action",
    "method": None,
    "amount": 1999,
    "currency": "USD",
    "captured": 0,
    "refunded": 0,
    "redirect_url": "http://127.0.0.1/pay/1",
    "failure": None,
    "version": 1,
}
REFUND: dict[str, Any] = {
    "id": "rfd_1",
    "payment": "pay_1",
    "reference": "ref_0123456789ABC",
    "status": "pending",
    "amount": 500,
    "currency": "USD",
}


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    yield running
    running.close()


@pytest.fixture
def adapter(peer: Peer) -> SandboxProvider:
    return SandboxProvider(lambda: Config(peer.url, "key", "secret"))


def test_start_sends_the_whole_intent_and_gives_the_page(adapter: SandboxProvider, peer: Peer) -> None:
    peer.answers.append(Answer(body=PAYMENT))

    assert adapter.start(SPEC) == Redirect("pay_1", "http://127.0.0.1/pay/1")

    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", "/provider/v1/payments")
    assert asked.headers["authorization"] == "Bearer key"
    assert asked.headers["idempotency-key"] == SPEC.key
    assert asked.body == {
        "reference": "att_0123456789ABC",
        "order": "ord_0123456789ABC",
        "method": "card",
        "amount": 1999,
        "currency": "USD",
        "return_url": "https://shop.example/back",
        "cancel_url": "https://shop.example/cancel",
        "locale": "zh-hans",
        "description": "月 套餐",
        "expires_at": "2026-05-05T12:00:00+00:00",
    }


def test_an_address_is_sent_in_characters_the_provider_takes(adapter: SandboxProvider, peer: Peer) -> None:
    peer.answers.append(Answer(body=PAYMENT))

    adapter.start(replace(SPEC, return_url="https://shop.example/a b?x={1}&y=%20|#z"))

    assert peer.asked[0].body["return_url"] == "https://shop.example/a%20b?x=%7B1%7D&y=%20%7C#z"


@pytest.mark.parametrize(
    ("changes", "state", "failure"),
    [
        ({"status": "captured", "captured": 1999}, PaymentState.CAPTURED, None),
        ({"status": "processing"}, PaymentState.PROCESSING, None),
        (
            {"status": "failed", "failure": {"code": "lost_card", "message": "no", "hard": True}},
            PaymentState.FAILED,
            Failure("lost_card", "no", hard=True),
        ),
        ({"status": "requires_action", "redirect_url": None}, PaymentState.REQUIRES_ACTION, None),
        ({"status": "requires_capture"}, PaymentState.UNKNOWN, None),
        ({"status": "FAILED"}, PaymentState.UNKNOWN, None),
        ({"status": ""}, PaymentState.UNKNOWN, None),
    ],
)
def test_what_is_no_page_is_a_snapshot_and_an_unknown_word_is_unknown(
    adapter: SandboxProvider,
    peer: Peer,
    changes: dict[str, Any],
    state: PaymentState,
    failure: Failure | None,
) -> None:
    peer.answers.append(Answer(body={**PAYMENT, **changes}))

    started = adapter.start(SPEC)

    assert isinstance(started, Done)
    assert (started.snapshot.state, started.snapshot.failure) == (state, failure)


def test_a_captured_payment_tells_its_method(adapter: SandboxProvider, peer: Peer) -> None:
    method = {"kind": "card", "brand": "visa", "last4": "4242", "wallet": None}
    peer.answers.append(Answer(body={**PAYMENT, "status": "captured", "captured": 1999, "method": method}))

    snapshot = adapter.fetch("pay_1")

    assert snapshot.method == Method("card", "visa", "4242", "")
    assert (snapshot.amount, snapshot.captured) == (Money(1999, "USD"), Money(1999, "USD"))
    assert peer.asked[0].path == "/provider/v1/payments/pay_1"


ERRORS: list[tuple[Answer, type[ProviderError]]] = [
    (Answer(drop=True), OutcomeUnknown),
    (Answer(body=PAYMENT, cut=True), OutcomeUnknown),
    (Answer(500, {"error": {"code": "internal"}}), OutcomeUnknown),
    (Answer(502, raw=b"<html>bad gateway"), OutcomeUnknown),
    (Answer(503), OutcomeUnknown),
    (Answer(599), OutcomeUnknown),
    (Answer(302, headers={"Location": "http://127.0.0.1:1/"}), OutcomeUnknown),
    (Answer(200, raw=b""), OutcomeUnknown),
    (Answer(200, raw=b"not json"), OutcomeUnknown),
    (Answer(200, raw=b"\xff\xfe"), OutcomeUnknown),
    (Answer(200, body=[PAYMENT]), OutcomeUnknown),
    (Answer(200, body=None), OutcomeUnknown),
    (Answer(200, body={}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "amount": "1999"}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "amount": 19.99}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "captured": True}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "currency": "ZZZ"}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "currency": 840}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "id": None}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "status": ["captured"]}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "method": "card"}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "failure": {"message": "?"}}), OutcomeUnknown),
    (Answer(200, body={**PAYMENT, "redirect_url": 5}), OutcomeUnknown),
    (Answer(429, {"error": {"code": "slow_down"}}, headers={"Retry-After": "7"}), TemporarilyUnavailable),
    (Answer(400, {"error": {"code": "bad_url", "message": "url"}}), InvalidRequest),
    (Answer(422, {"error": {"code": "bad"}}), InvalidRequest),
    (Answer(401, {"error": {"code": "unauthorized"}}), AuthConfig),
    (Answer(403), AuthConfig),
    (Answer(402, {"error": {"code": "insufficient_funds"}}), Declined),
    (Answer(404, {"error": {"code": "not_found"}}), NotKnown),
    (Answer(409, {"error": {"code": "idempotency_mismatch"}}), IdempotencyConflict),
    (Answer(409, {"error": {"code": "already_captured"}}), AlreadyDone),
    (Answer(409, {"error": "text"}), AlreadyDone),
]


@pytest.mark.parametrize(("answer", "expected"), ERRORS)
def test_every_answer_has_its_error(
    adapter: SandboxProvider, peer: Peer, answer: Answer, expected: type[ProviderError]
) -> None:
    peer.answers.append(answer)

    with pytest.raises(ProviderError) as raised:
        adapter.start(SPEC)

    assert type(raised.value) is expected
    assert raised.value.provider == "sandbox"
    assert len(peer.asked) == 1


def test_429_says_when_to_come_back(adapter: SandboxProvider, peer: Peer) -> None:
    peer.answers += [Answer(429, headers={"Retry-After": "7"}), Answer(429, headers={"Retry-After": "soon"})]

    waits = []
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailable) as raised:
            adapter.fetch("pay_1")
        waits.append(raised.value.retry_after)

    assert waits == [7.0, None]


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(TemporarilyUnavailable):
        SandboxProvider(lambda: Config(url, "key", "secret")).start(SPEC)


def test_without_a_sandbox_nothing_is_sent_and_no_webhook_is_believed() -> None:
    def missing() -> Config:
        raise SandboxMissing("none")

    adapter = SandboxProvider(missing)

    assert adapter.caps.redirect_origins == ()
    with pytest.raises(TemporarilyUnavailable):
        adapter.start(SPEC)
    with pytest.raises(BadSignature):
        adapter.parse_webhook(b"{}", {})


def test_find_answers_a_list_and_an_empty_one_is_a_positive_no(adapter: SandboxProvider, peer: Peer) -> None:
    peer.answers += [Answer(body={"data": [PAYMENT]}), Answer(body={"data": []})]

    found = adapter.find(SPEC.attempt_id, SPEC.expires_at)

    assert [each.ref for each in found] == ["pay_1"]
    assert adapter.find(SPEC.attempt_id, SPEC.expires_at) == []
    assert peer.asked[0].path == f"/provider/v1/payments?reference={SPEC.attempt_id}"


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": ["x"]}, {"data": {}}])
def test_an_unreadable_list_is_no_positive_no(
    adapter: SandboxProvider, peer: Peer, body: dict[str, Any]
) -> None:
    peer.answers.append(Answer(body=body))

    with pytest.raises(OutcomeUnknown):
        adapter.find(SPEC.attempt_id, SPEC.expires_at)


def test_refund_sends_our_reference_and_the_key(adapter: SandboxProvider, peer: Peer) -> None:
    peer.answers.append(Answer(body=REFUND))

    refund = adapter.refund("pay_1", Money(500, "USD"), "expired", "ref_0123456789ABC.2")

    assert (refund.ref, refund.refund_id, refund.payment_ref) == ("rfd_1", "ref_0123456789ABC", "pay_1")
    assert (refund.state, refund.amount) == (RefundState.PENDING, Money(500, "USD"))
    (asked,) = peer.asked
    assert asked.path == "/provider/v1/payments/pay_1/refunds"
    assert asked.headers["idempotency-key"] == "ref_0123456789ABC.2"
    assert asked.body == {"reference": "ref_0123456789ABC", "amount": 500, "reason": "expired"}


@pytest.mark.parametrize(
    ("status", "state"),
    [("succeeded", RefundState.SUCCEEDED), ("failed", RefundState.FAILED), ("reversed", RefundState.UNKNOWN)],
)
def test_refunds_are_fetched_and_found(
    adapter: SandboxProvider, peer: Peer, status: str, state: RefundState
) -> None:
    body = {**REFUND, "status": status}
    peer.answers += [Answer(body=body), Answer(body={"data": [body]})]

    assert adapter.fetch_refund("rfd_1").state == state
    assert [each.state for each in adapter.find_refund("ref_0123456789ABC")] == [state]
    assert [asked.path for asked in peer.asked] == [
        "/provider/v1/refunds/rfd_1",
        "/provider/v1/refunds?reference=ref_0123456789ABC",
    ]


@pytest.mark.parametrize("changes", [{"amount": "500"}, {"currency": None}, {"reference": None}])
def test_an_unreadable_refund_is_unknown(
    adapter: SandboxProvider, peer: Peer, changes: dict[str, Any]
) -> None:
    peer.answers.append(Answer(body={**REFUND, **changes}))

    with pytest.raises(OutcomeUnknown):
        adapter.fetch_refund("rfd_1")


def test_cancel_has_a_key(adapter: SandboxProvider, peer: Peer) -> None:
    failure = {"code": "cancelled", "message": "", "hard": False}
    peer.answers.append(Answer(body={**PAYMENT, "status": "failed", "failure": failure}))

    assert adapter.cancel("pay_1", "att_1.cancel").failure == Failure("cancelled")
    assert peer.asked[0].path == "/provider/v1/payments/pay_1/cancel"
    assert peer.asked[0].headers["idempotency-key"] == "att_1.cancel"


def test_changes_are_listed_page_by_page(adapter: SandboxProvider, peer: Peer) -> None:
    pages = [
        {"data": [PAYMENT], "next_cursor": "c 2"},
        {"data": [{**PAYMENT, "id": "pay_2"}], "next_cursor": None},
    ]
    peer.answers += [Answer(body=page) for page in pages]

    found = list(adapter.list_changes(SPEC.expires_at, SPEC.expires_at))

    assert [each.ref for each in found] == ["pay_1", "pay_2"]
    assert "cursor" not in peer.asked[0].path
    assert peer.asked[1].path.endswith("&cursor=c+2") or peer.asked[1].path.endswith("&cursor=c%202")


def test_saved_methods_are_not_offered(adapter: SandboxProvider) -> None:
    with pytest.raises(Unsupported):
        adapter.charge_saved(SPEC, MethodRef("cus", "pm"))

    assert not adapter.caps.save_method
    assert isinstance(adapter, TracksRefunds)
    assert isinstance(adapter, ListsChanges)


EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "payment.captured",
    "created": "2026-05-04T12:00:00Z",
    "data": {"payment": "pay_1", "reference": "att_1", "refund": None, "refund_reference": None},
}


def signed(
    body: dict[str, Any] | bytes, secret: str = "secret", age: int = 0
) -> tuple[bytes, dict[str, str]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = int(clock.real_now().timestamp()) - age
    return raw, {"Sandbox-Signature": sandbox_link.signature(secret, stamp, raw)}


def test_a_signed_event_is_a_hint_and_its_news_is_not_read(adapter: SandboxProvider) -> None:
    raw, headers = signed(EVENT)

    (hint,) = adapter.parse_webhook(raw, headers)

    assert (hint.event_id, hint.kind, hint.ref, hint.attempt_id) == (
        "evt_1",
        "payment.changed",
        "pay_1",
        "att_1",
    )
    lower = {name.lower(): value for name, value in headers.items()}
    assert adapter.parse_webhook(raw, lower) == [hint]


def test_a_refund_event_names_the_refund(adapter: SandboxProvider) -> None:
    data = {**EVENT["data"], "refund": "rfd_1", "refund_reference": "ref_1"}

    (hint,) = adapter.parse_webhook(*signed({**EVENT, "type": "refund.failed", "data": data}))

    assert (hint.kind, hint.refund_ref, hint.refund_id) == ("refund.changed", "rfd_1", "ref_1")


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"{}", {}),
        (b"{}", {"Sandbox-Signature": ""}),
        (b"{}", {"Sandbox-Signature": "t=1,v1=00"}),
        (b"{}", {"Sandbox-Signature": "nonsense"}),
        signed(EVENT, secret="other"),
        signed(EVENT, age=301),
        signed(EVENT, age=-400),
        (signed(EVENT)[0] + b" ", signed(EVENT)[1]),
        signed(b"not json"),
        signed(b"[]"),
        signed({**EVENT, "data": None}),
        signed({**EVENT, "id": 5}),
        signed({"type": "payment.captured"}),
    ],
)
def test_what_cannot_be_verified_or_read_is_refused(
    adapter: SandboxProvider, raw: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(BadSignature):
        adapter.parse_webhook(raw, headers)


def test_the_registry_builds_the_sandbox_and_chooses_by_method(settings: Any, tmp_path: Path) -> None:
    settings.EVERLINE_DATA_DIR = tmp_path
    settings.EVERLINE_PAYMENT_PROVIDERS = ["sandbox"]
    registry._load.cache_clear()

    assert registry.choose_provider("apple_pay", Money(1, "KWD")) == "sandbox"
    assert isinstance(registry.provider("sandbox"), SandboxProvider)
    with pytest.raises(MethodUnavailable):
        registry.choose_provider("wallet", Money(1, "USD"))
    with pytest.raises(AuthConfig):
        registry.provider("stripe")


def test_the_config_is_read_from_the_data_folder(settings: Any, tmp_path: Path) -> None:
    settings.EVERLINE_DATA_DIR = tmp_path
    (tmp_path / "sandbox-token").write_text("token")
    (tmp_path / "sandbox-url").write_text("http://127.0.0.1:7\n")

    assert build().caps.redirect_origins == ("http://127.0.0.1:7",)

    (tmp_path / "sandbox-url").write_text("http://127.0.0.1:8")
    assert build().caps.redirect_origins == ("http://127.0.0.1:8",)


def test_specs_are_plain_values() -> None:
    assert replace(SPEC, key="other") != SPEC
