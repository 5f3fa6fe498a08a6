from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from everline.core import clock
from everline.sandbox import engine
from everline.sandbox.models import Payment, SavedKey, Webhook
from tests.sandbox.world import RETURN_URL, Starter, fetch, in_database, pay, post, wanted

pytestmark = in_database
PAYMENTS = "/provider/v1/payments"


def test_a_started_payment_waits_for_the_customer(start: Starter) -> None:
    payment = start(reference="att_1", amount=1999, currency="EUR")

    assert payment["id"].startswith("pay_")
    assert payment["redirect_url"] == f"http://testserver/pay/{payment['id']}"
    assert {key: payment[key] for key in ("reference", "order", "status", "amount", "currency")} == {
        "reference": "att_1",
        "order": "ord_0000000000001",
        "status": "requires_action",
        "amount": 1999,
        "currency": "EUR",
    }
    assert (payment["captured"], payment["refunded"], payment["version"]) == (0, 0, 1)
    assert payment["method"] is None
    assert payment["failure"] is None
    assert payment["created_at"].endswith("Z")
    assert not Webhook.objects.exists()


def test_the_same_key_and_body_give_the_payment_as_it_is_now(shop_api: Client, browser: Client) -> None:
    body = wanted()
    first = post(shop_api, PAYMENTS, body, key=body["reference"]).json()
    pay(browser, first)

    again = post(shop_api, PAYMENTS, dict(reversed(body.items())), key=body["reference"]).json()

    assert again["id"] == first["id"]
    assert again["status"] == "captured"
    assert again["redirect_url"] is None
    assert Payment.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(shop_api: Client) -> None:
    body = wanted()
    post(shop_api, PAYMENTS, body, key="k")

    answer = post(shop_api, PAYMENTS, body | {"amount": 1}, key="k")

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_mismatch"
    assert Payment.objects.get().amount == 1999


def test_another_key_makes_another_payment(shop_api: Client) -> None:
    body = wanted()

    ids = {post(shop_api, PAYMENTS, body, key=key).json()["id"] for key in ("a", "b")}

    assert len(ids) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -1),
        ("amount", "1999"),
        ("amount", 19.99),
        ("amount", True),
        ("amount", 2**70),
        ("amount", None),
        ("currency", "usd"),
        ("currency", "XXX"),
        ("currency", 840),
        ("method", "cash"),
        ("reference", ""),
        ("reference", "x" * 65),
        ("reference", "a\x00b"),
        ("reference", ["att"]),
        ("order", None),
        ("return_url", "javascript:alert(1)"),
        ("return_url", "/orders/1"),
        ("return_url", "https://user:secret@shop.example/"),
        ("return_url", "https://shop.example/\r\nSet-Cookie: a=b"),
        ("return_url", 'https://shop.example/"><script>'),
        ("return_url", "https://shop.example;script-src *"),
        ("return_url", "https://shop.example:99999/"),
        ("return_url", "https:///path"),
        ("return_url", "https://example.com/" + "x" * 2048),
        ("cancel_url", "ftp://shop.example/"),
        ("expires_at", "tomorrow"),
        ("expires_at", "2030-01-01T00:00:00"),
        ("expires_at", "2030-02-30T00:00:00Z"),
        ("expires_at", 1893456000),
        ("description", 5),
        ("locale", "x" * 21),
    ],
)
def test_a_field_of_the_wrong_shape_is_named(shop_api: Client, field: str, value: Any) -> None:
    answer = post(shop_api, PAYMENTS, wanted(**{field: value}), key="k")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert field in answer.json()["error"]["message"]
    assert not Payment.objects.exists()
    assert not SavedKey.objects.exists()


@pytest.mark.parametrize(
    "body", ["", "[]", "null", '"x"', "{", "{'a': 1}", b"\xff\xfe", '{"amount": NaN}', "[" * 9999]
)
def test_a_body_that_is_no_json_object_is_refused(shop_api: Client, body: Any) -> None:
    answer = post(shop_api, PAYMENTS, body, key="k")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {"invalid_json", "invalid_request"}


@pytest.mark.parametrize("key", ["", "   ", "x" * 256])
def test_a_start_needs_a_key(shop_api: Client, key: str) -> None:
    answer = shop_api.post(
        PAYMENTS, wanted(), content_type="application/json", headers={"Idempotency-Key": key}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "idempotency_key_required"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic abc", "Bearer é"])
@pytest.mark.parametrize("path", [PAYMENTS, "/supplier/v1/topups", "/gateway/mail", "/gateway/sms"])
def test_every_interface_wants_the_api_key(header: str, path: str) -> None:
    answer = post(Client(headers={"Authorization": header} if header else None), path, wanted(), key="k")

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert not Payment.objects.exists()


def test_other_methods_and_addresses_answer_json(shop_api: Client) -> None:
    assert shop_api.delete(PAYMENTS).status_code == 405
    assert shop_api.get("/provider/v1/nothing").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("ident", ["pay_0000000000000", "pay_x", "rfd_0000000000000", "%00", "é"])
def test_an_unknown_payment_is_404(shop_api: Client, ident: str) -> None:
    assert shop_api.get(f"{PAYMENTS}/{ident}").status_code == 404
    assert post(shop_api, f"{PAYMENTS}/{ident}/cancel", {}, key="k").status_code == 404
    refund = {"reference": "ref_1", "amount": 1, "reason": ""}
    assert post(shop_api, f"{PAYMENTS}/{ident}/refunds", refund, key="k").status_code == 404


def test_a_payment_is_found_by_the_shops_reference(shop_api: Client, start: Starter) -> None:
    mine = start(reference="att_mine")
    start(reference="att_other")

    found = shop_api.get(f"{PAYMENTS}?reference=att_mine").json()["data"]

    assert [row["id"] for row in found] == [mine["id"]]
    assert shop_api.get(f"{PAYMENTS}?reference=att_none").json()["data"] == []


def test_changes_are_listed_page_by_page_in_their_order(
    shop_api: Client, start: Starter, browser: Client
) -> None:
    since = clock.now().isoformat()
    ids = [start()["id"] for _ in range(205)]
    pay(browser, {"id": ids[0]})
    query = {"updated_from": since, "updated_to": (clock.now() + timedelta(seconds=1)).isoformat()}

    listed, pages = [], 0
    while True:
        page = shop_api.get(f"{PAYMENTS}?{urlencode(query)}").json()
        listed += [row["id"] for row in page["data"]]
        pages += 1
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert pages == 3
    assert listed == [*ids[1:], ids[0]]


@pytest.mark.parametrize(
    "query", ["updated_from=x", "cursor=x", "cursor=2030-01-01T00:00:00Z~pay_x", "reference=%00"]
)
def test_a_bad_query_is_400(shop_api: Client, query: str) -> None:
    assert shop_api.get(f"{PAYMENTS}?{query}").status_code == 400


def test_cancel_ends_an_open_payment_once(shop_api: Client, start: Starter) -> None:
    payment = start()

    answers = [post(shop_api, f"{PAYMENTS}/{payment['id']}/cancel", {}, key="k").json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert answers[0]["status"] == "failed"
    assert answers[0]["failure"] == {
        "code": "cancelled",
        "message": "The payment was cancelled.",
        "hard": False,
    }
    assert Webhook.objects.get().type == "payment.failed"


def test_cancel_of_a_captured_payment_leaves_it_captured(
    shop_api: Client, start: Starter, browser: Client
) -> None:
    payment = start()
    pay(browser, payment)

    answer = post(shop_api, f"{PAYMENTS}/{payment['id']}/cancel", {}, key="k").json()

    assert (answer["status"], answer["captured"], answer["failure"]) == ("captured", 1999, None)


def test_a_payment_expires_by_the_business_clock(shop_api: Client, start: Starter) -> None:
    payment = start(expires_at=(clock.now() + timedelta(hours=1)).isoformat())
    assert engine.run_due(clock.now()) == []

    clock.set_offset(timedelta(hours=2))
    done = engine.run_due(clock.now(), horizon=timedelta(0))

    assert done[0] == f"payment.expire {payment['id']}"
    assert fetch(shop_api, payment)["failure"]["code"] == "expired"
    assert Webhook.objects.get().type == "payment.failed"


def test_a_start_that_comes_too_late_is_answered_as_expired(start: Starter) -> None:
    payment = start(expires_at=(clock.now() - timedelta(seconds=1)).isoformat())

    assert (payment["status"], payment["failure"]["code"]) == ("failed", "expired")
    assert payment["redirect_url"] is None


def test_return_url_is_kept_as_given(start: Starter) -> None:
    payment = start()

    assert Payment.objects.get(pk=payment["id"]).return_url == RETURN_URL


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1999), ("KWD", 1999), ("UGX", 1), ("USD", 10**12)])
def test_amounts_are_minor_units_of_any_currency(start: Starter, currency: str, amount: int) -> None:
    payment = start(currency=currency, amount=amount)

    assert (payment["amount"], payment["currency"]) == (amount, currency)
