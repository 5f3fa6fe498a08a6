import re
from typing import Any

import pytest
from django.test import Client

from everline.core import clock
from everline.sandbox import engine
from everline.sandbox.models import Profile, SupplierOrder, Webhook
from everline.sandbox.provider.cards import luhn_valid
from everline.sandbox.supplier import numbers
from tests.sandbox.shop import Shop
from tests.sandbox.world import in_database, post

pytestmark = in_database
ICCID = "8988299000000000012"


def order(shop_api: Client, **changes: Any) -> Any:
    body = {"reference": "sup-1", "plan_code": "EU-30"} | changes
    return post(shop_api, "/supplier/v1/profiles", body)


def top_up(shop_api: Client, **changes: Any) -> Any:
    body = {"reference": "sup-2", "iccid": ICCID, "plan_code": "EU-30", "quantity": 1} | changes
    return post(shop_api, "/supplier/v1/topups", body)


def test_a_profile_has_numbers_with_valid_check_digits(shop_api: Client) -> None:
    made = order(shop_api).json()

    assert {key: made[key] for key in ("reference", "kind", "status", "failure")} == {
        "reference": "sup-1",
        "kind": "profile",
        "status": "done",
        "failure": None,
    }
    profile = made["profile"]
    assert made["iccid"] == profile["iccid"]
    assert re.fullmatch(r"89\d{17}", profile["iccid"])
    assert luhn_valid(profile["iccid"])
    assert re.fullmatch(r"\+\d{8,15}", profile["msisdn"])
    assert re.fullmatch(r"[-0-9A-Z]+", profile["matching_id"])
    assert profile["smdp_address"] == "smdp.sandbox.example"
    assert (profile["state"], profile["eid"], profile["confirmation_code"]) == ("released", None, None)
    assert profile["apn"]


def test_many_numbers_are_all_different_and_valid() -> None:
    iccids = {numbers.new_iccid() for _ in range(500)}
    eids = {numbers.new_eid() for _ in range(500)}

    assert len(iccids) == len(eids) == 500
    assert all(len(iccid) == 19 and luhn_valid(iccid) for iccid in iccids)
    assert all(len(eid) == 32 and int(eid) % 97 == 1 for eid in eids)


@pytest.mark.parametrize(("digits", "check"), [("7992739871", "3"), ("0", "0"), ("18", "2")])
def test_the_luhn_digit(digits: str, check: str) -> None:
    assert numbers.luhn_digit(digits) == check


def test_the_same_reference_is_the_same_order(shop_api: Client) -> None:
    assert order(shop_api).json() == order(shop_api).json()
    assert top_up(shop_api).json() == top_up(shop_api).json()
    assert SupplierOrder.objects.count() == 2
    assert Profile.objects.count() == 2


def test_the_same_reference_with_another_body_is_refused(shop_api: Client) -> None:
    order(shop_api)

    answers = [
        order(shop_api, plan_code="US-7"),
        top_up(shop_api, reference="sup-1"),
        post(shop_api, "/supplier/v1/topups", {"reference": "sup-1", "plan_code": "EU-30", "iccid": ICCID}),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert answers[0].json()["error"]["code"] == "idempotency_mismatch"
    assert SupplierOrder.objects.count() == 1


def test_one_reference_is_not_two_kinds_of_order(shop_api: Client) -> None:
    body = {"reference": "sup-1", "plan_code": "EU-30", "iccid": ICCID, "quantity": 1}

    statuses = [post(shop_api, f"/supplier/v1/{kind}", body).status_code for kind in ("profiles", "topups")]

    assert statuses == [200, 409]
    assert SupplierOrder.objects.get().kind == "profile"


def test_a_top_up_of_an_unknown_line_is_taken(shop_api: Client) -> None:
    made = top_up(shop_api, quantity=3).json()

    assert (made["kind"], made["status"], made["iccid"], made["profile"]) == ("topup", "done", ICCID, None)
    assert made["supplier_ref"].startswith("sup_")
    assert Profile.objects.get().iccid == ICCID


@pytest.mark.parametrize("iccid", ["898829900000000001", "8988299000000000012", "89882990000000000123"])
def test_iccids_of_18_to_20_digits_are_known(shop_api: Client, iccid: str) -> None:
    assert top_up(shop_api, iccid=iccid).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iccid": "8988"},
        {"iccid": "8" * 21},
        {"iccid": "89882990000000000１２"},
        {"iccid": None},
        {"iccid": 8988299000000000012},
        {"quantity": 0},
        {"quantity": "1"},
        {"quantity": 10_001},
        {"reference": ""},
        {"reference": "x" * 129},
        {"plan_code": None},
        {"plan_code": "a\x00"},
    ],
)
def test_a_top_up_of_the_wrong_shape_is_refused(shop_api: Client, changes: dict[str, Any]) -> None:
    assert top_up(shop_api, **changes).status_code == 400
    assert not SupplierOrder.objects.exists()
    assert not Profile.objects.exists()


def test_an_order_is_found_by_its_reference(shop_api: Client) -> None:
    made = order(shop_api, reference="sup-ord_1/2 é").json()

    assert shop_api.get("/supplier/v1/orders/sup-ord_1/2%20%C3%A9").json() == made
    assert shop_api.get("/supplier/v1/orders/none").status_code == 404


def test_a_revocation_takes_an_order_back_once(shop_api: Client, control: Client) -> None:
    top_up(shop_api)
    path = "/supplier/v1/revocations"

    first = post(shop_api, path, {"reference": "rev-1", "revokes": "sup-2"})
    again = post(shop_api, path, {"reference": "rev-1", "revokes": "sup-2"})
    other = post(shop_api, path, {"reference": "rev-2", "revokes": "sup-2"})
    unknown = post(shop_api, path, {"reference": "rev-3", "revokes": "none"})

    assert (first.json()["kind"], first.json()["status"], first.json()["iccid"]) == (
        "revocation",
        "done",
        ICCID,
    )
    assert first.json() == again.json()
    assert (other.status_code, unknown.status_code) == (409, 404)
    rows = control.get("/control/suppliers/orders").json()["data"]
    assert [(row["reference"], row["revoked"], row["revokes"]) for row in rows] == [
        ("sup-2", True, None),
        ("rev-1", False, "sup-2"),
    ]


def test_control_lists_orders_by_line(shop_api: Client, control: Client) -> None:
    order(shop_api)
    top_up(shop_api)

    everything = control.get("/control/suppliers/orders").json()["data"]
    mine = control.get(f"/control/suppliers/orders?iccid={ICCID}").json()["data"]

    assert [row["reference"] for row in everything] == ["sup-1", "sup-2"]
    assert [(row["reference"], row["plan_code"], row["quantity"]) for row in mine] == [("sup-2", "EU-30", 1)]


def test_reported_usage_reaches_the_shop_as_a_hint_and_is_fetched(
    shop: Shop, shop_api: Client, control: Client
) -> None:
    records = [
        {
            "id": "cdr-1",
            "service": "data",
            "quantity": 1_000_000,
            "at": "2026-11-22T10:00:00+08:00",
            "plmn": "26201",
        },
        {"service": "voice", "quantity": 60, "destination": "+4930123"},
    ]

    answer = post(control, "/control/suppliers/usage", {"iccid": ICCID, "records": records})
    engine.run_due(clock.now())

    assert answer.status_code == 201
    hint = shop.webhooks[0]
    assert hint.path == "/webhooks/suppliers/simulator"
    assert hint.json["type"] == "usage.reported"
    assert hint.json["data"] == {"iccid": ICCID, "reference": None}
    event = shop_api.get(f"/supplier/v1/events/{hint.json['id']}").json()
    assert (event["id"], event["type"], event["iccid"]) == (hint.json["id"], "usage.reported", ICCID)
    first, second = event["data"]["records"]
    assert first == {
        "id": "cdr-1",
        "service": "data",
        "quantity": 1_000_000,
        "at": "2026-11-22T02:00:00.000000Z",
        "plmn": "26201",
        "destination": None,
    }
    assert (second["service"], second["quantity"], second["destination"]) == ("voice", 60, "+4930123")
    assert second["id"].startswith("use_")


def test_one_record_may_stand_beside_the_iccid(control: Client) -> None:
    answer = post(control, "/control/suppliers/usage", {"iccid": ICCID, "quantity": 5})

    record = answer.json()["data"]["records"][0]
    assert (record["service"], record["quantity"], record["plmn"]) == ("data", 5, "")


@pytest.mark.parametrize(
    "body",
    [
        {"quantity": 5},
        {"iccid": "x", "quantity": 5},
        {"iccid": ICCID},
        {"iccid": ICCID, "records": []},
        {"iccid": ICCID, "records": "x"},
        {"iccid": ICCID, "records": [{"quantity": -1}]},
        {"iccid": ICCID, "records": [{"quantity": 1.5}]},
        {"iccid": ICCID, "records": [{"quantity": 2**63}]},
        {"iccid": ICCID, "records": [{"quantity": 1, "service": "fax"}]},
        {"iccid": ICCID, "records": [{"quantity": 1, "at": "now"}]},
        {"iccid": ICCID, "records": [{"quantity": 1, "plmn": "1"}]},
        {"iccid": ICCID, "records": [{"quantity": 1}] * 1001},
    ],
)
def test_usage_of_the_wrong_shape_is_refused(control: Client, body: dict[str, Any]) -> None:
    assert post(control, "/control/suppliers/usage", body).status_code == 400
    assert not Webhook.objects.exists()


def test_an_installed_profile_gets_an_eid_and_keeps_it(shop: Shop, shop_api: Client, control: Client) -> None:
    path = "/control/suppliers/profile"
    events = [
        post(control, path, {"iccid": ICCID, "profile_state": state}).json()
        for state in ("released", "downloaded", "installed", "enabled", "deleted")
    ]
    engine.run_due(clock.now())

    eids = [event["data"]["eid"] for event in events]
    assert eids[0] is None
    assert len(set(eids[1:])) == 1
    assert int(eids[1]) % 97 == 1
    assert [hint.json["type"] for hint in shop.webhooks] == ["profile.changed"] * 5
    fetched = shop_api.get(f"/supplier/v1/events/{events[-1]['id']}").json()
    assert fetched["data"] == {"profile_state": "deleted", "eid": eids[1]}
    assert top_up(shop_api).status_code == 409


def test_a_profile_event_may_name_the_eid(control: Client) -> None:
    eid = "89049032007108882600137544319616"

    answer = post(control, "/control/suppliers/profile", {"iccid": ICCID, "state": "installed", "eid": eid})

    assert answer.json()["data"]["eid"] == eid


@pytest.mark.parametrize(
    "body",
    [
        {"iccid": ICCID},
        {"profile_state": "installed"},
        {"iccid": ICCID, "profile_state": "gone"},
        {"iccid": ICCID, "profile_state": "installed", "eid": "123"},
    ],
)
def test_a_profile_event_of_the_wrong_shape_is_refused(control: Client, body: dict[str, Any]) -> None:
    assert post(control, "/control/suppliers/profile", body).status_code == 400
    assert not Profile.objects.exists()


@pytest.mark.parametrize("ident", ["sev_0000000000000", "x"])
def test_an_unknown_event_is_404(shop_api: Client, ident: str) -> None:
    assert shop_api.get(f"/supplier/v1/events/{ident}").status_code == 404
