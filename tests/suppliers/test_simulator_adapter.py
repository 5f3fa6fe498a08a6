"""The simulator adapter against a peer that misbehaves: every answer has its place in the port."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from everline.core import clock, sandbox_link
from everline.core.sandbox_link import SandboxMissing
from everline.suppliers import registry
from everline.suppliers.adapters.simulator.adapter import SimulatorSupplier, build
from everline.suppliers.adapters.simulator.config import Config
from everline.suppliers.errors import (
    AuthConfig,
    BadSignature,
    NotKnown,
    OutcomeUnknown,
    Rejected,
    SupplierError,
    TemporarilyUnavailable,
)
from everline.suppliers.types import (
    EventHint,
    Failure,
    Profile,
    ProfileRequest,
    ResultState,
    RevocationRequest,
    TopUpRequest,
    UsageReport,
)
from tests.contracts.peer import Answer, Peer

PROFILE: dict[str, Any] = {
    "iccid": "8988299000000000001",
    "eid": None,
    "msisdn": "+882991",
    "smdp_address": "smdp.example",
    "matching_id": "AAAA-BBBB",
    "confirmation_code": None,
    "apn": "net",
    "state": "released",
}
ORDER: dict[str, Any] = {
    "reference": "sup-1",
    "kind": "topup",
    "status": "done",
    "supplier_ref": "s-1",
    "iccid": "8988299000000000001",
    "profile": None,
    "failure": None,
    "created_at": "2026-05-04T12:00:00Z",
}
TOPUP = TopUpRequest("sup-1", "8988299000000000001", "eu-1", 3)


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    yield running
    running.close()


@pytest.fixture
def adapter(peer: Peer) -> SimulatorSupplier:
    return SimulatorSupplier(lambda: Config(peer.url, "key", "secret"))


def test_a_top_up_sends_the_whole_request(adapter: SimulatorSupplier, peer: Peer) -> None:
    peer.answers.append(Answer(body=ORDER))

    result = adapter.top_up(TOPUP)

    assert (result.reference, result.state, result.supplier_ref) == ("sup-1", ResultState.DONE, "s-1")
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", "/supplier/v1/topups")
    assert asked.headers["authorization"] == "Bearer key"
    assert asked.body == {"reference": "sup-1", "iccid": TOPUP.iccid, "plan_code": "eu-1", "quantity": 3}


def test_a_profile_comes_with_what_installs_it(adapter: SimulatorSupplier, peer: Peer) -> None:
    peer.answers.append(Answer(body={**ORDER, "kind": "profile", "profile": PROFILE}))

    result = adapter.provision_profile(ProfileRequest("sup-1", "eu-1"))

    assert result.profile == Profile(
        iccid="8988299000000000001",
        smdp_address="smdp.example",
        matching_id="AAAA-BBBB",
        msisdn="+882991",
        apn="net",
    )
    assert peer.asked[0].body == {"reference": "sup-1", "plan_code": "eu-1"}


@pytest.mark.parametrize(
    ("status", "state"),
    [("pending", ResultState.PENDING), ("failed", ResultState.FAILED), ("queued", ResultState.UNKNOWN)],
)
def test_an_order_is_fetched_and_an_unknown_word_is_unknown(
    adapter: SimulatorSupplier, peer: Peer, status: str, state: ResultState
) -> None:
    failure = {"code": "no_stock", "message": "none", "permanent": True}
    peer.answers.append(Answer(body={**ORDER, "reference": "sup-1/x", "status": status, "failure": failure}))

    result = adapter.fetch_order("sup-1/x")

    assert (result.state, result.failure) == (state, Failure("no_stock", "none", permanent=True))
    assert peer.asked[0].path == "/supplier/v1/orders/sup-1%2Fx"


ERRORS: list[tuple[Answer, type[SupplierError]]] = [
    (Answer(drop=True), OutcomeUnknown),
    (Answer(body=ORDER, cut=True), OutcomeUnknown),
    (Answer(500), OutcomeUnknown),
    (Answer(503, raw=b"<html>"), OutcomeUnknown),
    (Answer(302), OutcomeUnknown),
    (Answer(404), OutcomeUnknown),
    (Answer(200, raw=b"garbage"), OutcomeUnknown),
    (Answer(200, body=[ORDER]), OutcomeUnknown),
    (Answer(200, body={}), OutcomeUnknown),
    (Answer(200, body={**ORDER, "reference": "sup-2"}), OutcomeUnknown),
    (Answer(200, body={**ORDER, "iccid": 8988}), OutcomeUnknown),
    (Answer(200, body={**ORDER, "status": {}}), OutcomeUnknown),
    (Answer(200, body={**ORDER, "profile": {"iccid": "1"}}), OutcomeUnknown),
    (Answer(200, body={**ORDER, "failure": "no"}), OutcomeUnknown),
    (Answer(429, headers={"Retry-After": "9"}), TemporarilyUnavailable),
    (Answer(400, {"error": {"code": "unknown_plan"}}), Rejected),
    (Answer(409, {"error": {"code": "profile_deleted"}}), Rejected),
    (Answer(422), Rejected),
    (Answer(401), AuthConfig),
    (Answer(403), AuthConfig),
]


@pytest.mark.parametrize(("answer", "expected"), ERRORS)
def test_every_answer_has_its_error(
    adapter: SimulatorSupplier, peer: Peer, answer: Answer, expected: type[SupplierError]
) -> None:
    peer.answers.append(answer)

    with pytest.raises(SupplierError) as raised:
        adapter.top_up(TOPUP)

    assert type(raised.value) is expected
    assert raised.value.retry_after == (9.0 if answer.status == 429 else None)


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(TemporarilyUnavailable):
        SimulatorSupplier(lambda: Config(url, "key", "secret")).top_up(TOPUP)


def test_without_a_sandbox_nothing_is_sent_and_no_webhook_is_believed() -> None:
    def missing() -> Config:
        raise SandboxMissing("none")

    with pytest.raises(TemporarilyUnavailable):
        SimulatorSupplier(missing).fetch_order("sup-1")
    with pytest.raises(BadSignature):
        SimulatorSupplier(missing).parse_webhook(b"{}", {})


def test_an_order_the_supplier_never_got_is_a_positive_no(adapter: SimulatorSupplier, peer: Peer) -> None:
    peer.answers += [Answer(404, {"error": {"code": "not_found"}})] * 2

    with pytest.raises(NotKnown):
        adapter.fetch_order("sup-1")
    with pytest.raises(NotKnown):
        adapter.revoke(RevocationRequest("rev-1", "sup-1"))


def test_what_was_revoked_before_is_done(adapter: SimulatorSupplier, peer: Peer) -> None:
    revoked = {**ORDER, "reference": "rev-1", "kind": "revocation"}
    peer.answers += [
        Answer(body=revoked),
        Answer(409, {"error": {"code": "already_revoked"}}),
        Answer(409, {"error": {"code": "idempotency_mismatch"}}),
    ]

    assert [adapter.revoke(RevocationRequest("rev-1", "sup-1")).state for _ in range(2)] == [
        ResultState.DONE
    ] * 2
    with pytest.raises(Rejected):
        adapter.revoke(RevocationRequest("rev-1", "sup-1"))
    assert peer.asked[0].body == {"reference": "rev-1", "revokes": "sup-1"}


USAGE: dict[str, Any] = {
    "id": "use_1",
    "service": "data",
    "quantity": 1024,
    "at": "2026-05-04T14:00:00+02:00",
    "plmn": "00101",
    "destination": None,
}


def test_an_event_says_what_was_used(adapter: SimulatorSupplier, peer: Peer) -> None:
    body = {"id": "sev_1", "type": "usage.reported", "iccid": "8988", "data": {"records": [USAGE]}}
    peer.answers.append(Answer(body=body))

    event = adapter.fetch_event("sev_1")

    at = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    assert event.usage == (UsageReport("use_1", "data", 1024, at, "00101"),)
    assert (event.kind, event.iccid) == ("usage.reported", "8988")


def test_an_event_says_how_a_profile_or_an_order_changed(adapter: SimulatorSupplier, peer: Peer) -> None:
    base = {"id": "sev_1", "iccid": "8988"}
    peer.answers += [
        Answer(body={**base, "type": "profile.changed", "data": {"profile_state": "enabled", "eid": "89"}}),
        Answer(body={**base, "type": "order.changed", "data": {"reference": "sup-1"}}),
    ]

    profile, order = adapter.fetch_event("sev_1"), adapter.fetch_event("sev_2")

    assert (profile.profile_state, profile.eid) == ("enabled", "89")
    assert order.reference == "sup-1"


@pytest.mark.parametrize(
    "record",
    [
        {**USAGE, "quantity": 1.5},
        {**USAGE, "quantity": "1024"},
        {**USAGE, "at": "2026-05-04T14:00:00"},
        {**USAGE, "at": "yesterday"},
        {**USAGE, "id": None},
        "record",
    ],
)
def test_an_unreadable_event_is_unknown(adapter: SimulatorSupplier, peer: Peer, record: object) -> None:
    body = {"id": "sev_1", "type": "usage.reported", "iccid": "8988", "data": {"records": [record]}}
    peer.answers.append(Answer(body=body))

    with pytest.raises(OutcomeUnknown):
        adapter.fetch_event("sev_1")


EVENT: dict[str, Any] = {
    "id": "sev_1",
    "type": "usage.reported",
    "data": {"iccid": "8988", "reference": None},
}


def signed(body: object, age: int = 0) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(body).encode()
    stamp = int(clock.real_now().timestamp()) - age
    return raw, {"Sandbox-Signature": sandbox_link.signature("secret", stamp, raw)}


def test_a_signed_event_is_a_hint(adapter: SimulatorSupplier) -> None:
    assert adapter.parse_webhook(*signed(EVENT)) == [EventHint("sev_1", "usage.reported", iccid="8988")]
    changed = {"id": "sev_2", "type": "order.changed", "data": {"iccid": "8988", "reference": "sup-1"}}
    assert adapter.parse_webhook(*signed(changed)) == [EventHint("sev_2", "order.changed", "8988", "sup-1")]
    assert adapter.parse_webhook(*signed({**EVENT, "type": "weather.changed"})) == []


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"{}", {}),
        signed(EVENT, age=400),
        (signed(EVENT)[0] + b" ", signed(EVENT)[1]),
        signed([]),
        signed({**EVENT, "data": 5}),
        signed({**EVENT, "id": None}),
        signed({"id": "sev_1"}),
    ],
)
def test_what_cannot_be_verified_or_read_is_refused(
    adapter: SimulatorSupplier, raw: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(BadSignature):
        adapter.parse_webhook(raw, headers)


def test_the_registry_builds_the_simulator(settings: Any, tmp_path: Path) -> None:
    settings.EVERLINE_DATA_DIR = tmp_path
    settings.EVERLINE_SUPPLIERS = ["simulator"]
    registry._load.cache_clear()

    assert registry.default_supplier() == "simulator"
    assert isinstance(registry.supplier("simulator"), SimulatorSupplier)
    with pytest.raises(AuthConfig):
        registry.supplier("airalo")
    with pytest.raises(TemporarilyUnavailable):
        build().fetch_order("sup-1")
