"""What every supplier must do, held against each adapter and its real other side.

A new adapter joins by adding a `Side` to SIDES: how to build it, and how its network and misfortune act.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from everline.core.ids import new_id
from everline.suppliers.adapters.simulator.adapter import SimulatorSupplier
from everline.suppliers.adapters.simulator.config import Config
from everline.suppliers.errors import (
    BadSignature,
    NotKnown,
    OutcomeUnknown,
    Rejected,
    TemporarilyUnavailable,
)
from everline.suppliers.port import ConnectivitySupplier
from everline.suppliers.types import (
    PROFILE_CHANGED,
    USAGE_REPORTED,
    ProfileRequest,
    ResultState,
    RevocationRequest,
    TopUpRequest,
)
from tests.contracts.running import Running
from tests.sandbox.world import in_database

pytestmark = in_database  # so that the suite makes the database which the running sandbox uses

ICCID = "8988299000000000019"


@dataclass
class Side:
    """An adapter, and the hands of the network and of misfortune on its other side."""

    supplier: ConnectivitySupplier
    report_usage: Callable[[str, int], None]
    change_profile: Callable[[str, str], None]
    fault: Callable[[str, str], None]
    webhooks: Callable[[int], list[tuple[bytes, dict[str, str]]]]


def _simulator_side(sandbox: Running) -> Side:
    config = Config(sandbox.url, sandbox.api_key, sandbox.webhook_secret)
    sandbox.shop.received.clear()

    def tell(path: str, body: dict[str, Any]) -> None:
        sandbox.control(f"suppliers/{path}", body)

    def webhooks(count: int) -> list[tuple[bytes, dict[str, str]]]:
        return [(each.body, each.headers) for each in sandbox.shop.wait_for(count)]

    return Side(
        supplier=SimulatorSupplier(lambda: config),
        report_usage=lambda iccid, used: tell("usage", {"iccid": iccid, "service": "data", "quantity": used}),
        change_profile=lambda iccid, state: tell("profile", {"iccid": iccid, "state": state}),
        fault=lambda at, fault: sandbox.faults({"at": at, "fault": fault}),
        webhooks=webhooks,
    )


SIDES: dict[str, Callable[[Running], Side]] = {"simulator": _simulator_side}


@pytest.fixture(params=sorted(SIDES))
def side(request: pytest.FixtureRequest, sandbox: Running) -> Side:
    return SIDES[request.param](sandbox)


def reference() -> str:
    return f"sup-{new_id('ord')}-topup"


def test_it_says_what_it_can(side: Side) -> None:
    caps = side.supplier.caps

    assert caps.name
    assert caps.top_ups


def test_a_profile_comes_with_all_that_installs_it(side: Side) -> None:
    request = ProfileRequest(reference(), "eu-1")

    result = side.supplier.provision_profile(request)

    assert (result.reference, result.state) == (request.reference, ResultState.DONE)
    assert result.profile is not None
    assert result.profile.iccid == result.iccid
    assert result.profile.iccid.isdigit()
    assert result.profile.smdp_address
    assert result.profile.matching_id
    assert result.profile.state == "released"


def test_a_top_up_is_delivered_to_its_profile(side: Side) -> None:
    result = side.supplier.top_up(TopUpRequest(reference(), ICCID, "eu-1", 2))

    assert (result.state, result.iccid) == (ResultState.DONE, ICCID)
    assert result.supplier_ref


def test_the_same_reference_is_the_same_order(side: Side) -> None:
    profile, topup = ProfileRequest(reference(), "eu-1"), TopUpRequest(reference(), ICCID, "eu-1", 1)

    assert side.supplier.provision_profile(profile) == side.supplier.provision_profile(profile)
    assert side.supplier.top_up(topup) == side.supplier.top_up(topup)
    with pytest.raises(Rejected):
        side.supplier.top_up(TopUpRequest(topup.reference, ICCID, "eu-1", 2))


def test_an_order_can_be_asked_about_and_no_is_a_positive_answer(side: Side) -> None:
    request = TopUpRequest(reference(), ICCID, "eu-1", 1)
    with pytest.raises(NotKnown):
        side.supplier.fetch_order(request.reference)

    placed = side.supplier.top_up(request)

    assert side.supplier.fetch_order(request.reference) == placed


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        ("drop_before", OutcomeUnknown, False),
        ("drop_after", OutcomeUnknown, True),
        ("http_500", OutcomeUnknown, False),
        ("http_429", TemporarilyUnavailable, False),
    ],
)
@pytest.mark.parametrize("kind", ["topup", "profile"])
def test_scenario_11_misfortune_has_its_error_and_the_query_tells_the_truth(
    side: Side, kind: str, fault: str, error: type[Exception], made: bool
) -> None:
    ours = reference()
    side.fault(f"supplier.{kind}", fault)

    def place() -> ResultState:
        if kind == "topup":
            return side.supplier.top_up(TopUpRequest(ours, ICCID, "eu-1", 1)).state
        return side.supplier.provision_profile(ProfileRequest(ours, "eu-1")).state

    with pytest.raises(error):
        place()

    if made:
        assert side.supplier.fetch_order(ours).state == ResultState.DONE
    else:
        with pytest.raises(NotKnown):
            side.supplier.fetch_order(ours)
    assert place() == ResultState.DONE


def test_a_delivery_can_be_taken_back_once(side: Side) -> None:
    ours = reference()
    side.supplier.top_up(TopUpRequest(ours, ICCID, "eu-1", 1))

    results = [
        side.supplier.revoke(RevocationRequest(key, ours))
        for key in (f"rev-{ours}", f"rev-{ours}", f"x-{ours}")
    ]

    assert [each.state for each in results] == [ResultState.DONE] * 3


def test_what_was_never_delivered_cannot_be_taken_back(side: Side) -> None:
    with pytest.raises(NotKnown):
        side.supplier.revoke(RevocationRequest(f"rev-{reference()}", reference()))


def test_usage_and_profile_news_are_announced_and_fetched(side: Side) -> None:
    side.report_usage(ICCID, 1_048_576)
    side.change_profile(ICCID, "installed")

    hints = [hint for raw, headers in side.webhooks(2) for hint in side.supplier.parse_webhook(raw, headers)]

    assert {hint.iccid for hint in hints} == {ICCID}
    events = {hint.kind: side.supplier.fetch_event(hint.event_id) for hint in hints}
    (record,) = events[USAGE_REPORTED].usage
    assert (record.service, record.quantity) == ("data", 1_048_576)
    assert record.id
    assert events[PROFILE_CHANGED].profile_state == "installed"
    assert len(events[PROFILE_CHANGED].eid) == 32


def test_a_tampered_webhook_is_refused(side: Side) -> None:
    side.report_usage(ICCID, 1)
    ((raw, headers),) = side.webhooks(1)
    assert side.supplier.parse_webhook(raw, headers)

    for body, given in [(raw + b" ", headers), (raw, {})]:
        with pytest.raises(BadSignature):
            side.supplier.parse_webhook(body, given)


def test_an_event_it_never_announced_is_not_known(side: Side) -> None:
    with pytest.raises(NotKnown):
        side.supplier.fetch_event(new_id("sev"))
