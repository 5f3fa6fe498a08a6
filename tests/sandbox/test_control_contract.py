"""The control API word by word as the contract has it, and the signatures of webhooks from both ends."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from everline.core import clock, sandbox_link
from everline.sandbox import engine
from everline.sandbox.models import Webhook
from tests.sandbox.shop import Received, Shop
from tests.sandbox.world import TOKEN, Starter, in_database, pay, plan, post, wanted

pytestmark = in_database
ICCID = "8988299000000000012"


def keys(answer: Any) -> set[str]:
    [row] = answer.json()["data"]
    return set(row)


def mail(shop_api: Client, **changes: Any) -> Any:
    body = {
        "message_id": "msg_1",
        "kind": "order_confirmation",
        "to": "ann@example.com",
        "from": "hello@leb.example",
        "subject": "Your order",
        "text": "Thank you",
        "html": "<p>Thank you</p>",
        "attachments": [{"name": "receipt.pdf", "type": "application/pdf", "content_base64": "JVBERi0="}],
    }
    return post(shop_api, "/gateway/mail", body | changes)


# --- shapes ---


def test_a_charge_has_the_members_of_the_contract(control: Client, start: Starter, browser: Client) -> None:
    payment = start(order="ord_shape")
    pay(browser, payment)

    answer = control.get("/control/charges?order=ord_shape")

    names = {"id", "order", "attempt", "status", "currency", "amount", "captured", "refunded", "at"}
    assert names <= keys(answer)
    [row] = answer.json()["data"]
    assert all(type(row[name]) is int for name in ("amount", "captured", "refunded"))
    assert (row["order"], row["attempt"]) == ("ord_shape", payment["reference"])


def test_a_message_has_the_members_of_the_contract(control: Client, shop_api: Client) -> None:
    mail(shop_api)

    answer = control.get("/control/messages?to=ann@example.com")

    names = {"id", "channel", "to", "kind", "subject", "text", "html", "attachments", "at"}
    assert names <= keys(answer)
    [row] = answer.json()["data"]
    assert (row["channel"], row["to"], row["kind"]) == ("email", "ann@example.com", "order_confirmation")
    assert row["attachments"] == [{"name": "receipt.pdf", "type": "application/pdf", "size": 5}]
    assert answer.content.count(b"JVBERi0") == 0


@pytest.mark.parametrize("to", ["ANN@example.com", "ann@EXAMPLE.com"])
def test_messages_are_found_however_the_address_is_written(
    control: Client, shop_api: Client, to: str
) -> None:
    mail(shop_api)

    assert len(control.get("/control/messages", {"to": to}).json()["data"]) == 1
    assert control.get("/control/messages", {"to": "bob@example.com"}).json() == {"data": []}


def test_every_time_is_printed_alike(control: Client, shop: Shop, start: Starter, browser: Client) -> None:
    payment = start()
    pay(browser, payment)
    engine.run_due(clock.now())

    times = [
        control.get("/control/clock").json()["now"],
        control.get("/control/charges").json()["data"][0]["at"],
        control.get("/control/webhooks").json()["data"][0]["delivered_at"],
        payment["created_at"],
        payment["expires_at"],
        shop.webhooks[0].json["created"],
    ]

    for text in times:
        assert datetime.fromisoformat(text).tzinfo is not None
        assert text.endswith("Z")
        assert len(text) == len("2026-01-01T00:00:00.000000Z")


def test_a_supplier_order_shows_what_was_bought(control: Client, shop_api: Client) -> None:
    body = {"reference": "sup-ord_1-topup", "iccid": ICCID, "plan_code": "JP-5", "quantity": 3}
    post(shop_api, "/supplier/v1/topups", body)

    [row] = control.get("/control/suppliers/orders").json()["data"]

    assert {name: row[name] for name in body} == body
    assert (row["kind"], row["status"], row["revoked"], row["revokes"]) == ("topup", "done", False, None)


def test_a_problem_has_the_members_of_rfc_9457(control: Client) -> None:
    answer = post(control, "/control/faults", {"plan": [{"at": "moon", "fault": "slow"}]})

    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= set(problem)
    assert problem["status"] == answer.status_code == 400
    assert "plan[0].at" in problem["detail"]


# --- clock ---


@pytest.mark.parametrize(
    "moves",
    [(86_400, -86_400), (1, 1, 1, -3), (365 * 86_400, -2 * 365 * 86_400, 365 * 86_400), (0.25, 0.5, -0.75)],
)
def test_the_clock_goes_forth_and_back_to_where_it_was(
    control: Client, shop: Shop, moves: tuple[float, ...]
) -> None:
    for seconds in moves:
        answer = post(control, "/control/clock", {"advance_seconds": seconds})
        assert answer.status_code == 200

    assert clock.offset() == timedelta(0)
    assert control.get("/control/clock").json()["offset_seconds"] == 0
    assert len(shop.hooks("/_sandbox/clock")) == len(moves)


def test_the_clock_keeps_ticking_after_it_was_set(control: Client, shop: Shop) -> None:
    post(control, "/control/clock", {"now": "2040-02-29T12:00:00Z"})

    one, two = (datetime.fromisoformat(control.get("/control/clock").json()["now"]) for _ in range(2))

    assert datetime(2040, 2, 29, 12, tzinfo=UTC) <= one < two < datetime(2040, 2, 29, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "5",
        "{",
        '{"advance_seconds": NaN}',
        '{"advance_seconds": Infinity}',
        '{"advance_seconds": -Infinity}',
        '{"advance_seconds": 1e400}',
        '{"advance_seconds": -1e12}',
        '{"advance_seconds": [1]}',
        '{"now": "yesterday"}',
        '{"now": "2030-02-30T00:00:00Z"}',
        '{"now": "2030-01-01T00:00:00"}',
        '{"now": "1066-10-14T00:00:00Z"}',
        '{"now": "2030-01-01T25:00:00Z"}',
        '{"now": "0000-01-01T00:00:00Z"}',
        '{"now": "9999-12-31T23:59:59-23:59"}',
        '{"now": ["2030-01-01T00:00:00Z"]}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_nonsense_moves_no_clock(control: Client, shop: Shop, body: str) -> None:
    answer = post(control, "/control/clock", body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert shop.received == []
    assert clock.offset() == timedelta(0)


def test_what_was_due_comes_late_when_the_clock_goes_back(
    control: Client, shop: Shop, start: Starter, browser: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "delay", "seconds": 600})
    pay(browser, start())

    post(control, "/control/clock", {"advance_seconds": -3600})
    assert post(control, "/control/drain", {}).json()["executed"] == []
    post(control, "/control/clock", {"advance_seconds": 3600 + 601})
    executed = post(control, "/control/drain", {}).json()["executed"]

    assert len(executed) == 1
    assert len(shop.webhooks) == 1


def test_a_page_that_expired_is_open_again_when_the_clock_goes_back(
    control: Client, shop: Shop, start: Starter, browser: Client, shop_api: Client
) -> None:
    """Nobody looked while it was over, so nothing had happened."""
    payment = start()
    post(control, "/control/clock", {"advance_seconds": 7_200})
    assert browser.get(f"/pay/{payment['id']}").status_code == 410
    post(control, "/control/clock", {"advance_seconds": -7_200})

    assert pay(browser, payment).status_code == 303
    assert shop_api.get(f"/provider/v1/payments/{payment['id']}").json()["captured"] == 1999


# --- faults ---


def charge(shop_api: Client, key: str) -> int:
    body = wanted(reference=key, expires_at="2040-01-01T00:00:00Z")
    return int(post(shop_api, "/provider/v1/payments", body, key=key).status_code)


def test_entries_of_other_places_wait_for_their_own(shop_api: Client, control: Client) -> None:
    plan(
        control,
        {"at": "mail", "fault": "http_500", "times": 2},
        {"at": "charge", "fault": "http_500", "times": 2},
        {"at": "charge", "fault": "http_429"},
    )

    charges = [charge(shop_api, f"att_{number}") for number in range(4)]
    mails = [mail(shop_api, message_id=f"m{number}").status_code for number in range(3)]

    assert charges == [500, 500, 429, 200]
    assert mails == [500, 500, 202]
    left = control.get("/control/faults").json()["plan"]
    assert [entry["remaining"] for entry in left] == [0, 0, 0]
    assert [entry["times"] for entry in left] == [2, 2, 1]


def test_a_refused_request_spends_no_fault(shop_api: Client, control: Client) -> None:
    """What the provider would refuse anyway never reaches the place where faults strike."""
    plan(control, {"at": "charge", "fault": "http_500"})

    refused = post(shop_api, "/provider/v1/payments", {"reference": "att_1"}, key="att_1")

    assert refused.status_code == 400
    assert control.get("/control/faults").json()["plan"][0]["remaining"] == 1
    assert charge(shop_api, "att_2") == 500


def test_a_key_that_is_broken_stays_so_under_every_plan(shop_api: Client, control: Client) -> None:
    plan(control, {"at": "charge", "fault": "http_500_saved"})
    assert charge(shop_api, "att_1") == 500

    control.delete("/control/faults")
    plan(control, {"at": "charge", "fault": "decline"})

    assert charge(shop_api, "att_1") == 500
    assert control.get("/control/faults").json()["plan"][0]["remaining"] == 1
    assert control.get("/control/charges").json() == {"data": []}


def test_a_fault_that_broke_nothing_leaves_the_key_usable(shop_api: Client, control: Client) -> None:
    plan(control, {"at": "charge", "fault": "http_500", "times": 2}, {"at": "charge", "fault": "drop_before"})

    statuses = [charge(shop_api, "att_1") for _ in range(5)]

    assert statuses == [500, 500, 500, 200, 200]
    assert len(control.get("/control/charges").json()["data"]) == 1


# --- signatures ---


def secret() -> str:
    return hmac.new(TOKEN.encode(), b"webhook", hashlib.sha256).hexdigest()


def delivered(shop: Shop, start: Starter, browser: Client) -> Received:
    pay(browser, start())
    engine.run_due(clock.now())
    return shop.webhooks[-1]


def test_the_signature_is_the_hmac_that_the_document_describes(
    shop: Shop, start: Starter, browser: Client
) -> None:
    """Worked out here from the words alone, without the code of either side."""
    request = delivered(shop, start, browser)

    stamp, _, given = request.headers["Sandbox-Signature"].removeprefix("t=").partition(",v1=")

    expected = hmac.new(secret().encode(), f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert given == expected
    assert abs(int(stamp) - clock.real_now().timestamp()) < 60
    assert json.loads(request.body) == request.json


def verified(request: Received, header: str, *, body: bytes | None = None, later: float = 0) -> bool:
    now = clock.real_now().timestamp() + later
    return sandbox_link.verify(secret(), header, request.body if body is None else body, real_time=now)


def test_what_is_genuine_is_accepted_for_five_minutes(shop: Shop, start: Starter, browser: Client) -> None:
    request = delivered(shop, start, browser)
    header = request.headers["Sandbox-Signature"]

    assert verified(request, header)
    assert verified(request, header, later=290)
    assert not verified(request, header, later=310)
    assert not verified(request, header, later=-310)


def test_a_changed_body_time_or_secret_is_refused(shop: Shop, start: Starter, browser: Client) -> None:
    request = delivered(shop, start, browser)
    header = request.headers["Sandbox-Signature"]
    stamp = int(header[2:].partition(",")[0])

    assert not verified(request, header, body=request.body + b" ")
    assert not verified(request, header, body=request.body.replace(b"captured", b"failed"))
    assert not verified(request, header.replace(f"t={stamp}", f"t={stamp + 1}"))
    assert not verified(request, sandbox_link.signature("other", stamp, request.body))
    assert not verified(request, sandbox_link.signature(secret() + "-forged", stamp, request.body))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=abc",
        "t=1",
        "t=now,v1=abc",
        "t=-5,v1=abc",
        "t=1.5,v1=abc",
        "t=" + "9" * 30 + ",v1=abc",
        "t=" + "9" * 5_000 + ",v1=abc",
        "t=²,v1=abc",
        "garbage",
        ",,,=,=",
        "t=1,v1=" + "é" * 64,
    ],
)
def test_a_header_of_another_shape_is_refused_and_breaks_nothing(
    shop: Shop, start: Starter, browser: Client, header: str
) -> None:
    assert not verified(delivered(shop, start, browser), header)


def test_the_retry_schedule_is_the_documents(shop: Shop, start: Starter, browser: Client) -> None:
    """1 s, 5 s, 30 s, 2 min, 10 min, then hourly until three days have passed, by the clock."""
    pay(browser, start())
    shop.answers.extend([503] * 200)
    tries = []
    for _ in range(90):
        due = Webhook.objects.get().due_at
        if Webhook.objects.get().status != "pending":
            break
        if due is not None:
            clock.set_offset(due - clock.real_now() + timedelta(milliseconds=1))
        tries.append(clock.now())
        engine.run_due(clock.now())

    waits = [round((two - one).total_seconds()) for one, two in pairwise(tries)]
    assert waits[:5] == [1, 5, 30, 120, 600]
    assert set(waits[5:]) == {3600}
    assert 72 <= len(waits[5:]) <= 73
    assert Webhook.objects.get().status == "given_up"
    assert len(shop.webhooks) == len(tries)
