from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from everline.core import clock
from everline.sandbox import engine
from everline.sandbox.models import Refund, Webhook
from tests.sandbox.world import Starter, fetch, in_database, pay, post

pytestmark = in_database


@pytest.fixture
def refund(shop_api: Client) -> Any:
    def do(payment: dict[str, Any], amount: Any = 1999, *, reference: str = "ref_1", key: str = "") -> Any:
        body = {"reference": reference, "amount": amount, "reason": "requested_by_customer"}
        return post(shop_api, f"/provider/v1/payments/{payment['id']}/refunds", body, key=key or reference)

    return do


@pytest.fixture
def paid(start: Starter, browser: Client) -> Any:
    def do(number: str = "4242424242424242") -> dict[str, Any]:
        payment = start()
        pay(browser, payment, number)
        Webhook.objects.all().delete()
        return payment

    return do


def test_a_refund_succeeds_at_once(refund: Any, paid: Any, shop_api: Client) -> None:
    payment = paid()

    answer = refund(payment, 500)

    made = answer.json()
    assert (made["status"], made["amount"], made["currency"]) == ("succeeded", 500, "USD")
    assert (made["payment"], made["reference"]) == (payment["id"], "ref_1")
    assert fetch(shop_api, payment)["refunded"] == 500
    assert fetch(shop_api, payment)["status"] == "captured"
    assert Webhook.objects.get().type == "refund.succeeded"
    assert shop_api.get(f"/provider/v1/refunds/{made['id']}").json() == made
    assert shop_api.get("/provider/v1/refunds?reference=ref_1").json() == {"data": [made]}


def test_the_same_key_refunds_once(refund: Any, paid: Any, shop_api: Client) -> None:
    payment = paid()

    first, again = refund(payment, 500), refund(payment, 500)
    other = refund(payment, 600)

    assert first.json() == again.json()
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert fetch(shop_api, payment)["refunded"] == 500


def test_no_more_than_was_captured_comes_back(refund: Any, paid: Any, shop_api: Client) -> None:
    payment = paid()
    refund(payment, 1500, reference="ref_1")

    over = refund(payment, 500, reference="ref_2")
    exact = refund(payment, 499, reference="ref_3")

    assert (over.status_code, over.json()["error"]["code"]) == (400, "amount_too_large")
    assert exact.status_code == 200
    assert fetch(shop_api, payment)["refunded"] == 1999
    assert Refund.objects.count() == 2


def test_a_refused_refund_may_be_tried_again_with_its_key(refund: Any, paid: Any) -> None:
    payment = paid()

    assert refund(payment, 2000).status_code == 400
    assert refund(payment, 1999).status_code == 200


def test_an_unpaid_payment_has_nothing_to_refund(refund: Any, start: Starter) -> None:
    answer = refund(start())

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payment_not_captured")


@pytest.mark.parametrize("amount", [0, -1, "5", 1.5, None, True, 2**64])
def test_a_refund_needs_a_whole_amount(refund: Any, paid: Any, amount: Any) -> None:
    assert refund(paid(), amount).status_code == 400
    assert not Refund.objects.exists()


def test_unknown_refunds(shop_api: Client) -> None:
    assert shop_api.get("/provider/v1/refunds/rfd_0000000000000").status_code == 404
    assert shop_api.get("/provider/v1/refunds/x").status_code == 404
    assert shop_api.get("/provider/v1/refunds").status_code == 400
    assert shop_api.get("/provider/v1/refunds?reference=none").json() == {"data": []}


def test_the_pending_card_settles_later(refund: Any, paid: Any, shop_api: Client) -> None:
    payment = paid("4000000000007726")
    made = refund(payment).json()
    assert made["status"] == "pending"
    assert fetch(shop_api, payment)["refunded"] == 1999

    clock.set_offset(timedelta(hours=2))
    done = engine.run_due(clock.now())

    assert f"refund.settle {made['id']}" in done
    assert shop_api.get(f"/provider/v1/refunds/{made['id']}").json()["status"] == "succeeded"
    assert [row.type for row in Webhook.objects.order_by("id")] == ["refund.pending", "refund.succeeded"]


def test_the_failing_card_takes_a_refund_back(refund: Any, paid: Any, shop_api: Client) -> None:
    payment = paid("4000000000005126")
    made = refund(payment).json()
    assert made["status"] == "succeeded"

    clock.set_offset(timedelta(hours=2))
    engine.run_due(clock.now())

    assert shop_api.get(f"/provider/v1/refunds/{made['id']}").json()["status"] == "failed"
    assert fetch(shop_api, payment)["refunded"] == 0
    assert refund(payment, reference="ref_2").status_code == 200


@pytest.mark.parametrize("by", ["id", "reference"])
@pytest.mark.parametrize(("status", "refunded"), [("succeeded", 1999), ("failed", 0)])
def test_control_settles_a_pending_refund(
    refund: Any, paid: Any, shop_api: Client, control: Client, by: str, status: str, refunded: int
) -> None:
    payment = paid("4000000000007726")
    made = refund(payment).json()

    answers = [post(control, f"/control/refunds/{made[by]}/result", {"status": status}) for _ in range(2)]

    assert [answer.json()["status"] for answer in answers] == [status, status]
    assert fetch(shop_api, payment)["refunded"] == refunded
    assert Webhook.objects.filter(type=f"refund.{status}").count() == 1
    clock.set_offset(timedelta(days=1))
    assert not [item for item in engine.run_due(clock.now()) if item.startswith("refund.")]


def test_a_failed_refund_stays_failed(refund: Any, paid: Any, control: Client) -> None:
    made = refund(paid()).json()
    path = f"/control/refunds/{made['id']}/result"
    post(control, path, {"status": "failed"})

    answer = post(control, path, {"status": "succeeded"})

    assert (answer.status_code, answer.json()["code"]) == (409, "refund_failed")


def test_control_knows_only_real_refunds_and_results(refund: Any, paid: Any, control: Client) -> None:
    made = refund(paid()).json()

    assert post(control, "/control/refunds/ref_none/result", {"status": "failed"}).status_code == 404
    assert post(control, "/control/refunds/rfd_0000000000000/result", {"status": "failed"}).status_code == 404
    assert post(control, f"/control/refunds/{made['id']}/result", {"status": "maybe"}).status_code == 400
