"""Every test card by its number as Stripe publishes it: what shop, books and webhooks say of its payment."""

from typing import Any

import pytest
from django.test import Client

from everline.sandbox.provider import cards
from tests.sandbox.world import RETURN_URL, Starter, fetch, in_database, pay, post

pytestmark = in_database

#: Number → why it is declined; empty where it pays. From Stripe's tables, not from our code.
DECLINES = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000009987": "lost_card",
    "4000000000009979": "stolen_card",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
    "4000000000000119": "processing_error",
    "4000000000006975": "card_velocity_exceeded",
    "4000000000000341": "generic_decline",
    "4100000000000019": "fraudulent",
}
ASKS_FIRST = {
    "4000002500003155": "",
    "4000002760003184": "",
    "4000003800000446": "",
    "4000000000003220": "",
    "4000000000003063": "",
    "4000008400001629": "generic_decline",
    "4000008260003178": "insufficient_funds",
    "4000008400001280": "processing_error",
}
DISPUTED = {
    "4000000000000259": "fraudulent",
    "4000000000002685": "product_not_received",
    "4000000000001976": "inquiry",
    "4000000000005423": "early_fraud_warning",
}
REFUNDS = {"4000000000007726": "pending", "4000000000005126": "succeeded"}
GOOD = {
    "4242424242424242": "visa",
    "4000056655665556": "visa",
    "5555555555554444": "mastercard",
    "2223003122003222": "mastercard",
    "5200828282828210": "mastercard",
    "5105105105105100": "mastercard",
    "378282246310005": "amex",
    "371449635398431": "amex",
    "6011111111111117": "discover",
    "3056930009020004": "diners",
    "36227206271667": "diners",
    "3566002020360505": "jcb",
    "6200000000000005": "unionpay",
}
HARD = {"lost_card", "stolen_card", "expired_card", "fraudulent"}


def told(control: Client, payment: dict[str, Any]) -> list[str]:
    """The types of the events about a payment, oldest first."""
    rows = control.get("/control/webhooks").json()["data"]
    return [row["type"] for row in reversed(rows) if row["body"]["data"]["payment"] == payment["id"]]


def charge(control: Client, payment: dict[str, Any]) -> dict[str, Any]:
    rows = control.get(f"/control/charges?order={payment['order']}").json()["data"]
    [found] = [row for row in rows if row["id"] == payment["id"]]
    return dict(found)


def test_the_tables_here_name_every_special_card() -> None:
    assert set(cards.SPECIAL) == set(DECLINES) | set(ASKS_FIRST) | set(DISPUTED) | set(REFUNDS)
    assert set(GOOD) <= cards.GOOD


@pytest.mark.parametrize(("number", "brand"), GOOD.items())
def test_a_good_card_is_charged_once_in_full(
    browser: Client, start: Starter, shop_api: Client, control: Client, number: str, brand: str
) -> None:
    payment = start()

    answer = pay(browser, payment, number)

    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    now = fetch(shop_api, payment)
    assert (now["status"], now["captured"], now["failure"]) == ("captured", 1999, None)
    assert (now["method"]["kind"], now["method"]["brand"], now["method"]["last4"]) == (
        "card",
        brand,
        number[-4:],
    )
    assert now["redirect_url"] is None
    assert told(control, payment) == ["payment.captured"]
    row = charge(control, payment)
    assert (row["status"], row["amount"], row["captured"], row["refunded"]) == ("captured", 1999, 1999, 0)


@pytest.mark.parametrize(("number", "code"), DECLINES.items())
def test_a_declining_card_takes_nothing(
    browser: Client, start: Starter, shop_api: Client, control: Client, number: str, code: str
) -> None:
    payment = start()

    answer = pay(browser, payment, number)

    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    now = fetch(shop_api, payment)
    assert (now["status"], now["captured"], now["redirect_url"]) == ("failed", 0, None)
    assert now["failure"]["code"] == code
    assert now["failure"]["hard"] is (code in HARD)
    assert now["failure"]["message"]
    assert told(control, payment) == ["payment.failed"]
    row = charge(control, payment)
    assert (row["status"], row["amount"], row["captured"], row["refunded"]) == ("failed", 0, 0, 0)
    assert row["failure_code"] == code


@pytest.mark.parametrize("number", DECLINES)
def test_a_declined_payment_cannot_be_paid_by_another_card(
    browser: Client, start: Starter, shop_api: Client, control: Client, number: str
) -> None:
    payment = start()
    pay(browser, payment, number)

    again = pay(browser, payment, "4242424242424242")

    assert (again.status_code, again["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment)["captured"] == 0
    assert told(control, payment) == ["payment.failed"]


@pytest.mark.parametrize(("number", "decline"), ASKS_FIRST.items())
@pytest.mark.parametrize("answer", ["approve", "fail", "abandon"])
def test_a_3ds_card_does_what_its_holder_and_its_bank_say(
    browser: Client, start: Starter, shop_api: Client, control: Client, number: str, decline: str, answer: str
) -> None:
    payment = start()
    asked = pay(browser, payment, number)
    assert asked.status_code == 303
    assert told(control, payment) == []
    assert fetch(shop_api, payment)["status"] == "requires_action"

    ended = browser.post(asked["Location"], {"action": answer})

    now = fetch(shop_api, payment)
    if answer == "abandon":
        assert ended.status_code == 200
        assert (now["status"], now["captured"], now["redirect_url"]) == (
            "requires_action",
            0,
            payment["redirect_url"],
        )
        assert told(control, payment) == []
        return
    assert (ended.status_code, ended["Location"]) == (303, RETURN_URL)
    code = "authentication_failed" if answer == "fail" else decline
    assert now["status"] == ("failed" if code else "captured")
    assert (now["failure"] or {}).get("code", "") == code
    assert now["captured"] == (0 if code else 1999)
    assert now["method"]["last4"] == number[-4:]
    assert told(control, payment) == ["payment.failed" if code else "payment.captured"]


def test_after_abandon_the_payment_can_be_paid_with_another_card(
    browser: Client, start: Starter, shop_api: Client, control: Client
) -> None:
    payment = start()
    asked = pay(browser, payment, "4000002760003184")
    browser.post(asked["Location"], {"action": "abandon"})

    assert pay(browser, payment, "5555555555554444").status_code == 303
    late = browser.post(asked["Location"], {"action": "fail"})

    assert (late.status_code, late["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment)["method"]["brand"] == "mastercard"
    assert told(control, payment) == ["payment.captured"]


@pytest.mark.parametrize(("number", "reason"), DISPUTED.items())
def test_a_disputed_card_pays_and_then_complains(
    browser: Client, start: Starter, control: Client, number: str, reason: str
) -> None:
    payment = start()

    pay(browser, payment, number)

    assert told(control, payment) == ["payment.captured", "dispute.opened"]
    [dispute] = control.get("/control/disputes").json()["data"]
    assert (dispute["reason"], dispute["amount"], dispute["status"]) == (reason, 1999, "open")
    assert (dispute["order"], dispute["attempt"]) == (payment["order"], payment["reference"])


@pytest.mark.parametrize(("number", "first"), REFUNDS.items())
@pytest.mark.parametrize("result", ["succeeded", "failed"])
def test_a_refund_goes_the_way_of_its_card_until_somebody_decides(
    browser: Client,
    start: Starter,
    shop_api: Client,
    control: Client,
    number: str,
    first: str,
    result: str,
) -> None:
    payment = start()
    pay(browser, payment, number)
    body = {"reference": "ref_1", "amount": 999, "reason": "x"}

    made = post(shop_api, f"/provider/v1/payments/{payment['id']}/refunds", body, key="ref_1").json()
    settled = post(control, "/control/refunds/ref_1/result", {"status": result})

    assert made["status"] == first
    assert (settled.status_code, settled.json()["status"]) == (200, result)
    assert fetch(shop_api, payment)["refunded"] == (999 if result == "succeeded" else 0)
    expected = ["payment.captured", f"refund.{first}", *([f"refund.{result}"] if result != first else [])]
    assert told(control, payment) == expected


@pytest.mark.parametrize(
    "number", ["4539578763621486", "5425233430109903", "374245455400126", "6011000991300009"]
)
def test_a_real_looking_number_is_declined_and_never_charged(
    browser: Client, start: Starter, shop_api: Client, number: str
) -> None:
    payment = start()

    pay(browser, payment, number)

    now = fetch(shop_api, payment)
    assert (now["status"], now["captured"]) == ("failed", 0)
    assert (now["failure"]["code"], now["failure"]["hard"]) == ("test_mode_live_card", True)


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD", "CNY"])
@pytest.mark.parametrize("amount", [1, 50, 1999, 10**12])
def test_every_amount_is_captured_to_the_last_unit(
    browser: Client, start: Starter, shop_api: Client, control: Client, currency: str, amount: int
) -> None:
    payment = start(currency=currency, amount=amount)

    pay(browser, payment)

    now = fetch(shop_api, payment)
    assert (now["captured"], now["amount"], now["currency"]) == (amount, amount, currency)
    assert charge(control, payment)["captured"] == amount
