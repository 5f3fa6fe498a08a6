"""A supplier that answers nonsense: the outcome is unknown, what is kept can be stored, no other suffers."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everline.core import clock, inbox, sandbox_link
from everline.suppliers import services
from everline.suppliers.adapters.simulator import mapping
from everline.suppliers.adapters.simulator.adapter import SimulatorSupplier
from everline.suppliers.adapters.simulator.config import Config
from everline.suppliers.errors import BadSignature, OutcomeUnknown, SupplierError, TemporarilyUnavailable
from everline.suppliers.models import SupplierOrder
from everline.suppliers.services.outcomes import pause
from everline.suppliers.states import SupplierOrderStatus
from everline.suppliers.types import (
    Failure,
    Profile,
    ResultState,
    SupplierOutcome,
    SupplierResult,
    TopUpRequest,
)
from tests.contracts.peer import Answer, Peer
from tests.suppliers.fakes import NOW, FakeSupplier

STABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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
PROFILE: dict[str, Any] = {
    "iccid": "8988299000000000001",
    "smdp_address": "smdp.example",
    "matching_id": "AAAA-BBBB",
    "state": "released",
}
RECORD: dict[str, Any] = {
    "id": "r-1",
    "service": "data",
    "quantity": 10,
    "at": "2026-05-04T12:00:00Z",
    "plmn": "44010",
    "destination": None,
}
EVENT: dict[str, Any] = {
    "id": "sev_1",
    "type": "usage.reported",
    "iccid": "8988",
    "data": {"records": [RECORD]},
}
TOPUP = TopUpRequest("sup-1", "8988299000000000001", "eu-1", 3)
LONE = "\ud800"
WRONG: list[Any] = [None, 7, 7.5, True, [], {}, ["x"], {"x": 1}, "nul\x00", f"half {LONE}"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    yield running
    running.close()


@pytest.fixture
def adapter(peer: Peer) -> SimulatorSupplier:
    return SimulatorSupplier(lambda: Config(peer.url, "key", "secret"))


def _event(**record: Any) -> dict[str, Any]:
    return {**EVENT, "data": {"records": [{**RECORD, **record}]}}


# Members of the wrong kind, and members that are missing


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("member", ["reference", "supplier_ref", "iccid", "profile", "failure"])
def test_an_order_with_a_wrong_member_is_read_whole_or_not_at_all(member: str, wrong: Any) -> None:
    try:
        result = mapping.result({**ORDER, member: wrong})
    except OutcomeUnknown:
        return

    assert not wrong, "only what is empty may pass as absent"
    assert member != "reference"
    assert result.state is ResultState.DONE


@pytest.mark.parametrize("wrong", [None, 7, True, "", "DONE", "done ", "completed", "nul\x00"])
def test_a_status_nobody_knows_is_unknown_and_never_failed(wrong: Any) -> None:
    assert mapping.result({**ORDER, "status": wrong}).state is ResultState.UNKNOWN


@pytest.mark.parametrize("member", ["reference", "status"])
def test_an_order_without_what_matters_is_unreadable(member: str) -> None:
    body = {name: value for name, value in ORDER.items() if name != member}

    with pytest.raises(OutcomeUnknown):
        mapping.result(body)


@pytest.mark.parametrize("member", ["iccid", "smdp_address", "matching_id"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_profile_that_installs_nothing_is_unreadable(member: str, wrong: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        mapping.result({**ORDER, "profile": {**PROFILE, member: wrong}})


@pytest.mark.parametrize("permanent", [None, 0, 1, "true", "yes", [True]])
def test_only_a_plain_true_is_a_refusal_for_good(permanent: Any) -> None:
    failure = {"code": "no_stock", "permanent": permanent}

    result = mapping.result({**ORDER, "status": "failed", "failure": failure})

    assert result.failure == Failure("no_stock", "", permanent=False)


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        *[("id", wrong) for wrong in WRONG],
        *[("service", wrong) for wrong in WRONG],
        *[("plmn", wrong) for wrong in WRONG],
        *[("quantity", wrong) for wrong in (None, "10", 10.0, 1e400, True, [10], {})],
        *[("at", wrong) for wrong in (None, 7, "", "now", "2026-05-04", "2026-05-04T12:00:00", "2026-13-01")],
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_record_with_a_wrong_member_makes_its_event_unreadable(member: str, wrong: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        mapping.event(_event(**{member: wrong}))


def test_a_huge_quantity_is_handed_on_and_refused_by_whoever_counts() -> None:
    [report] = mapping.event(_event(quantity=10**30)).usage

    assert report.quantity == 10**30


@STABLE
@given(JSON)
def test_any_json_is_an_order_or_unreadable(body: Any) -> None:
    for read in (mapping.result, mapping.event):
        for value in (body, {**ORDER, "profile": body}, {**EVENT, "data": body}):
            try:
                read(value)
            except OutcomeUnknown:
                continue


@STABLE
@given(st.dictionaries(st.sampled_from(["id", "type", "data", "iccid", "records"]), JSON, max_size=5))
def test_any_signed_json_is_news_or_refused(body: dict[str, Any]) -> None:
    adapter = SimulatorSupplier(lambda: Config("http://127.0.0.1:9", "key", "secret"))
    raw = json.dumps(body).encode()
    stamp = int(clock.real_now().timestamp())
    headers = {"Sandbox-Signature": sandbox_link.signature("secret", stamp, raw)}

    try:
        hints = adapter.parse_webhook(raw, headers)
    except BadSignature:
        return
    for hint in hints:
        assert hint.event_id.encode()


# Answers that are no answers


@pytest.mark.parametrize(
    "answer",
    [
        Answer(raw=b""),
        Answer(raw=b"null"),
        Answer(raw=b"[]"),
        Answer(raw=b'"done"'),
        Answer(raw=b"NaN"),
        Answer(raw=json.dumps(ORDER).encode()[:-9]),
        Answer(raw=b"\xff\xfe\x00\x00 not utf-8"),
        Answer(raw=b"\x00\x00\x00"),
        Answer(raw=b'{"reference": "sup-1", "status": ' + b"9" * 5_000 + b"}"),
        Answer(raw=b"<html>busy</html>", headers={"Content-Type": "text/html; charset=klingon"}),
        Answer(body={**ORDER, "supplier_ref": LONE}),
        Answer(body={**ORDER, "reference": "SUP-1"}),
        Answer(201, raw=b"{}"),
        Answer(204, raw=b""),
        Answer(500, raw=b"\x00" * 50),
        Answer(502, body={"error": "down"}),
        Answer(502, body={"error": {"code": None, "message": LONE}}),
        Answer(418, body={"error": []}),
    ],
)
def test_an_answer_that_is_none_leaves_the_outcome_unknown(
    adapter: SimulatorSupplier, peer: Peer, answer: Answer
) -> None:
    peer.answers.append(answer)

    with pytest.raises(OutcomeUnknown):
        adapter.top_up(TOPUP)


@pytest.mark.parametrize(
    "kind", ["text/html", "application/octet-stream", "application/json; charset=utf-8", ""]
)
def test_a_good_answer_under_a_wrong_name_is_good(adapter: SimulatorSupplier, peer: Peer, kind: str) -> None:
    peer.answers.append(Answer(body=ORDER, headers={"Content-Type": kind}))

    assert adapter.top_up(TOPUP).state is ResultState.DONE


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("9", 9.0),
        ("0", 0.0),
        ("-1", None),
        ("9.5", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_a_wish_to_wait_is_read_where_it_is_seconds(
    adapter: SimulatorSupplier, peer: Peer, wish: str, seconds: float | None
) -> None:
    peer.answers.append(Answer(429, headers={"Retry-After": wish}))

    with pytest.raises(TemporarilyUnavailable) as raised:
        adapter.top_up(TOPUP)

    assert raised.value.retry_after == seconds


@pytest.mark.parametrize("wish", ["86400", "9" * 12, "9" * 30, "9" * 400])
def test_an_absurd_wish_to_wait_keeps_no_order_from_its_deadline(
    adapter: SimulatorSupplier, peer: Peer, wish: str
) -> None:
    peer.answers.append(Answer(429, headers={"Retry-After": wish}))

    with pytest.raises(SupplierError) as raised:
        adapter.top_up(TOPUP)

    outcome = SupplierOutcome("sup_1", error="wait", retry_after=raised.value.retry_after)
    assert pause(1, outcome) <= timedelta(hours=1)
    assert pause(1, outcome) > timedelta(minutes=1)


# What is kept of nonsense


@pytest.mark.django_db
class TestKept:
    def _claimed(self, count: int = 1) -> list[SupplierOrder]:
        for number in range(count):
            specs = services.specs_for_renewal(
                order=f"ord_{number}", iccid="8988299000000000009", plan_code="eu-1", quantity=1
            )
            services.request_orders(specs=specs, now=NOW)
        return sorted(services.claim_due(now=NOW), key=lambda row: row.order)

    def _record(self, *outcomes: SupplierOutcome) -> None:
        with transaction.atomic():
            services.record_outcomes(outcomes=outcomes, now=NOW)

    @pytest.mark.parametrize(
        "text", ["\x00\x01binary", f"half {LONE} a pair", "很长" * 5_000, "a\nb\tc", "'; --"]
    )
    def test_any_error_text_can_be_kept(self, supplier: FakeSupplier, text: str) -> None:
        [row] = self._claimed()

        self._record(SupplierOutcome(row.id, error=text))

        row.refresh_from_db()
        assert row.status == SupplierOrderStatus.UNKNOWN
        assert 0 < len(row.last_error) <= 300

    @pytest.mark.parametrize("text", ["\x00", f"x{LONE}", "y" * 1_000])
    def test_any_failure_can_be_kept_and_is_final(self, supplier: FakeSupplier, text: str) -> None:
        [row] = self._claimed()
        failure = Failure(f"code {text}", f"message {text}", permanent=True)

        self._record(
            SupplierOutcome(row.id, SupplierResult(row.reference, ResultState.FAILED, failure=failure))
        )

        row.refresh_from_db()
        assert row.status == SupplierOrderStatus.FAILED
        assert row.failure_code.startswith("code ")
        assert row.failure_message.startswith("message ")
        assert len(row.failure_code) <= 60

    def test_nonsense_about_one_order_spoils_no_other(self, supplier: FakeSupplier) -> None:
        strange, good = self._claimed(2)

        self._record(
            SupplierOutcome(strange.id, error="\x00" * 400, retry_after=float("inf")),
            SupplierOutcome(good.id, SupplierResult(good.reference, ResultState.DONE, "s-1", "8988")),
        )

        strange.refresh_from_db()
        good.refresh_from_db()
        assert (strange.status, good.status) == (SupplierOrderStatus.UNKNOWN, SupplierOrderStatus.DONE)
        assert strange.next_try_at <= NOW + timedelta(hours=1)

    def test_long_names_are_cut_and_the_profile_is_kept_as_it_came(self, supplier: FakeSupplier) -> None:
        [row] = self._claimed()
        profile = Profile("8" * 20, "smdp.example" * 30, "M" * 300, confirmation_code="4711")

        self._record(
            SupplierOutcome(
                row.id, SupplierResult(row.reference, ResultState.DONE, "r" * 999, "8" * 99, profile)
            )
        )

        row.refresh_from_db()
        assert (len(row.supplier_ref), len(row.line_iccid)) == (200, 22)
        assert row.result["matching_id"] == "M" * 300
        assert row.result["confirmation_code"] == "4711"

    @pytest.mark.parametrize("text", [f"sev_{LONE}", "sev_\x00", "s" * 201])
    def test_an_event_that_cannot_be_stored_is_refused_at_the_door(
        self, adapter: SimulatorSupplier, text: str
    ) -> None:
        for body in (
            {"id": text, "type": "usage.reported", "data": {"iccid": "8988"}},
            {"id": "sev_1", "type": "order.changed", "data": {"reference": text}},
        ):
            raw = json.dumps(body).encode()
            stamp = int(clock.real_now().timestamp())
            headers = {"Sandbox-Signature": sandbox_link.signature("secret", stamp, raw)}
            with pytest.raises(BadSignature):
                adapter.parse_webhook(raw, headers)
        assert inbox.pending(source="suppliers:", now=clock.now()) == []
