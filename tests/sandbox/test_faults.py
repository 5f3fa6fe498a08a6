from typing import Any

import pytest
from django.test import Client

from everline.sandbox import faults
from everline.sandbox.faults import Abort, At, Fault
from everline.sandbox.models import FaultEntry, Message, Payment, Refund, SupplierOrder, Webhook
from tests.sandbox.world import Starter, fetch, in_database, pay, plan, post, wanted

pytestmark = in_database
PAYMENTS = "/provider/v1/payments"
ICCID = "8988299000000000012"


def charge(shop_api: Client, key: str = "k") -> Any:
    return post(shop_api, PAYMENTS, wanted(reference="att_1", expires_at="2040-01-01T00:00:00Z"), key=key)


def top_up(shop_api: Client, reference: str = "sup-1") -> Any:
    body = {"reference": reference, "iccid": ICCID, "plan_code": "EU-30", "quantity": 1}
    return post(shop_api, "/supplier/v1/topups", body)


def profile(shop_api: Client) -> Any:
    return post(shop_api, "/supplier/v1/profiles", {"reference": "sup-1", "plan_code": "EU-30"})


def mail(shop_api: Client) -> Any:
    return post(shop_api, "/gateway/mail", {"message_id": "m1", "kind": "welcome", "to": "a@example.com"})


def sms(shop_api: Client) -> Any:
    return post(
        shop_api, "/gateway/sms", {"message_id": "m1", "kind": "code", "to": "+15550100", "text": "1"}
    )


def push(shop_api: Client) -> Any:
    return post(shop_api, "/gateway/push", {"message_id": "m1", "to": "device", "text": "1"})


CALLS = [
    ("charge", charge, Payment),
    ("supplier.topup", top_up, SupplierOrder),
    ("supplier.profile", profile, SupplierOrder),
    ("mail", mail, Message),
    ("sms", sms, Message),
    ("push", push, Message),
]


def test_without_a_plan_nothing_fails(shop_api: Client, control: Client) -> None:
    assert faults.fire(At.CHARGE) is None
    assert control.get("/control/faults").json() == {"seed": 0, "plan": []}


@pytest.mark.parametrize(("at", "call", "model"), CALLS)
def test_drop_before_does_nothing_and_answers_nothing(
    shop_api: Client, control: Client, at: str, call: Any, model: Any
) -> None:
    plan(control, {"at": at, "fault": "drop_before"})

    dropped = call(shop_api)

    assert isinstance(dropped, Abort)
    assert not model.objects.exists()
    assert call(shop_api).status_code in {200, 202}
    assert model.objects.count() == 1


@pytest.mark.parametrize(("at", "call", "model"), CALLS)
def test_drop_after_does_it_and_answers_nothing(
    shop_api: Client, control: Client, at: str, call: Any, model: Any
) -> None:
    plan(control, {"at": at, "fault": "drop_after"})

    dropped = call(shop_api)

    assert isinstance(dropped, Abort)
    assert model.objects.count() == 1
    assert call(shop_api).status_code in {200, 202}
    assert model.objects.count() == 1


@pytest.mark.parametrize(("at", "call", "model"), CALLS)
def test_http_500_does_nothing(shop_api: Client, control: Client, at: str, call: Any, model: Any) -> None:
    plan(control, {"at": at, "fault": "http_500", "times": 2})

    assert [call(shop_api).status_code for _ in range(2)] == [500, 500]
    assert not model.objects.exists()
    assert call(shop_api).status_code in {200, 202}


@pytest.mark.parametrize(("at", "call", "model"), CALLS)
def test_http_500_saved_breaks_the_key_for_good(
    shop_api: Client, control: Client, at: str, call: Any, model: Any
) -> None:
    plan(control, {"at": at, "fault": "http_500_saved"})

    assert [call(shop_api).status_code for _ in range(3)] == [500, 500, 500]
    control.delete("/control/faults")
    assert call(shop_api).status_code == 500
    assert not model.objects.exists()


def test_a_broken_key_leaves_other_keys_and_the_search_alone(shop_api: Client, control: Client) -> None:
    plan(control, {"at": "charge", "fault": "http_500_saved"})
    charge(shop_api, key="broken")

    assert shop_api.get(f"{PAYMENTS}?reference=att_1").json()["data"] == []
    assert charge(shop_api, key="fresh").status_code == 200
    assert len(shop_api.get(f"{PAYMENTS}?reference=att_1").json()["data"]) == 1


@pytest.mark.parametrize(("at", "call", "model"), CALLS)
def test_http_429_says_when_to_come_back(
    shop_api: Client, control: Client, at: str, call: Any, model: Any
) -> None:
    plan(control, {"at": at, "fault": "http_429", "seconds": 7})

    answer = call(shop_api)

    assert (answer.status_code, answer["Retry-After"]) == (429, "7")
    assert not model.objects.exists()


@pytest.mark.parametrize(("at", "call", "model"), CALLS)
def test_slow_does_it_and_answers_late(
    shop_api: Client, control: Client, at: str, call: Any, model: Any
) -> None:
    plan(control, {"at": at, "fault": "slow", "seconds": 2.5})

    answer = call(shop_api)

    assert answer.delay == 2.5
    assert answer.status_code in {200, 202}
    assert model.objects.count() == 1


def test_slow_keeps_back_a_refusal_too(shop_api: Client, control: Client) -> None:
    charge(shop_api)
    plan(control, {"at": "charge", "fault": "slow"})

    answer = post(shop_api, PAYMENTS, wanted(amount=1), key="k")

    assert (answer.status_code, answer.delay) == (409, 5.0)


def test_drop_after_a_refusal_is_a_drop(shop_api: Client, control: Client) -> None:
    charge(shop_api)
    plan(control, {"at": "charge", "fault": "drop_after"})

    assert isinstance(post(shop_api, PAYMENTS, wanted(amount=1), key="k"), Abort)


def test_decline_answers_the_start_as_failed(shop_api: Client, control: Client) -> None:
    plan(control, {"at": "charge", "fault": "decline"})

    answer = charge(shop_api).json()

    assert (answer["status"], answer["failure"]["code"]) == ("failed", "generic_decline")
    assert answer["redirect_url"] is None
    assert Webhook.objects.get().type == "payment.failed"
    assert charge(shop_api).json() == answer
    assert charge(shop_api, key="other").json()["status"] == "requires_action"


def test_fetch_faults_strike_every_read(shop_api: Client, control: Client, start: Starter) -> None:
    payment = start()
    plan(
        control, {"at": "fetch", "fault": "http_500", "times": 3}, {"at": "fetch", "fault": "http_500_saved"}
    )
    paths = [f"{PAYMENTS}/{payment['id']}", f"{PAYMENTS}?reference=x", "/provider/v1/refunds?reference=x"]

    assert [shop_api.get(path).status_code for path in paths] == [500, 500, 500]
    assert shop_api.get(paths[0]).status_code == 500
    assert shop_api.get(paths[0]).status_code == 200


@pytest.mark.parametrize(("fault", "made"), [("drop_before", 0), ("drop_after", 1), ("http_500", 0)])
def test_refund_faults(
    shop_api: Client, control: Client, start: Starter, browser: Client, fault: str, made: int
) -> None:
    payment = start()
    pay(browser, payment)
    plan(control, {"at": "refund", "fault": fault})
    path, body = f"{PAYMENTS}/{payment['id']}/refunds", {"reference": "ref_1", "amount": 5, "reason": ""}

    first = post(shop_api, path, body, key="ref_1")

    assert first.status_code == 500
    assert isinstance(first, Abort) == fault.startswith("drop")
    assert Refund.objects.count() == made
    assert post(shop_api, path, body, key="ref_1").status_code == 200
    assert Refund.objects.count() == 1
    assert fetch(shop_api, payment)["refunded"] == 5


def test_entries_are_spent_in_their_order(shop_api: Client, control: Client) -> None:
    plan(
        control,
        {"at": "charge", "fault": "http_500"},
        {"at": "mail", "fault": "http_500"},
        {"at": "charge", "fault": "http_429", "times": 2},
    )

    statuses = [charge(shop_api).status_code for _ in range(4)]

    assert statuses == [500, 429, 429, 200]
    left = control.get("/control/faults").json()["plan"]
    assert [(entry["at"], entry["remaining"]) for entry in left] == [
        ("charge", 0),
        ("mail", 1),
        ("charge", 0),
    ]


def test_a_new_plan_takes_the_place_of_the_old(shop_api: Client, control: Client) -> None:
    plan(control, {"at": "charge", "fault": "http_500", "times": 99})
    plan(control, {"at": "mail", "fault": "http_500"})

    assert charge(shop_api).status_code == 200
    assert mail(shop_api).status_code == 500


def test_delete_ends_the_plan(shop_api: Client, control: Client) -> None:
    plan(control, {"at": "charge", "fault": "http_500", "times": 99})

    answer = control.delete("/control/faults")

    assert answer.json() == {"seed": 0, "plan": []}
    assert charge(shop_api).status_code == 200


def test_a_seed_repeats_its_chances(control: Client) -> None:
    def draws(seed: int) -> list[bool]:
        plan(control, {"at": "fetch", "fault": "http_500", "times": 999, "probability": 0.5}, seed=seed)
        return [faults.fire(At.FETCH) is not None for _ in range(40)]

    first, again, other = draws(7), draws(7), draws(8)

    assert first == again
    assert first != other
    assert 5 < sum(first) < 35


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plan": {}},
        {"plan": ["drop"]},
        {"plan": [{}]},
        {"plan": [{"at": "charge"}]},
        {"plan": [{"at": "nowhere", "fault": "slow"}]},
        {"plan": [{"at": "charge", "fault": "explode"}]},
        {"plan": [{"at": "charge", "fault": "slow", "times": 0}]},
        {"plan": [{"at": "charge", "fault": "slow", "times": "2"}]},
        {"plan": [{"at": "charge", "fault": "slow", "seconds": -1}]},
        {"plan": [{"at": "charge", "fault": "slow", "seconds": 100_000}]},
        {"plan": [{"at": "charge", "fault": "slow", "probability": 2}]},
        {"plan": [{"at": "charge", "fault": "lose"}]},
        {"plan": [{"at": "refund", "fault": "decline"}]},
        {"plan": [{"at": "webhook", "fault": "decline"}]},
        {"seed": "x", "plan": []},
        {"seed": 2**63, "plan": []},
    ],
)
def test_a_plan_of_the_wrong_shape_changes_nothing(control: Client, body: dict[str, Any]) -> None:
    plan(control, {"at": "mail", "fault": "http_500"})

    answer = post(control, "/control/faults", body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert FaultEntry.objects.get().at == "mail"


@pytest.mark.parametrize("at", list(At))
@pytest.mark.parametrize(
    "fault", [f for f in Fault if f not in faults.WEBHOOK_ONLY and f is not Fault.DECLINE]
)
def test_the_general_faults_may_strike_anywhere(control: Client, at: str, fault: str) -> None:
    plan(control, {"at": at, "fault": fault})

    assert control.get("/control/faults").json()["plan"][0] == {
        "at": at,
        "fault": fault,
        "times": 1,
        "remaining": 1,
        "seconds": None,
        "probability": 1.0,
    }
