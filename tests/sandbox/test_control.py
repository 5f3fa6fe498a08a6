from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from everline.core import clock
from everline.sandbox.control import drain
from everline.sandbox.models import Webhook
from tests.sandbox.shop import Shop
from tests.sandbox.world import TOKEN, Starter, in_database, pay, plan, post

pytestmark = in_database
PATHS = [
    ("get", "/control/clock"),
    ("post", "/control/clock"),
    ("post", "/control/drain"),
    ("post", "/control/faults"),
    ("delete", "/control/faults"),
    ("get", "/control/messages"),
    ("get", "/control/charges"),
    ("get", "/control/webhooks"),
    ("post", "/control/webhooks/1/redeliver"),
    ("post", "/control/disputes"),
    ("post", "/control/refunds/rfd_1/result"),
    ("post", "/control/suppliers/usage"),
    ("post", "/control/suppliers/profile"),
    ("get", "/control/suppliers/orders"),
]


def seconds_off(answer: Any, expected: datetime) -> float:
    return abs((datetime.fromisoformat(answer.json()["now"]) - expected).total_seconds())


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", "é"])
def test_control_wants_its_token(method: str, path: str, token: str) -> None:
    answer = getattr(Client(headers={"X-Sandbox-Token": token}), method)(path)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1", ""])
def test_control_answers_on_this_machine_only(method: str, path: str, address: str) -> None:
    client = Client(headers={"X-Sandbox-Token": TOKEN}, REMOTE_ADDR=address)

    answer = getattr(client, method)(path)

    assert (answer.status_code, answer.json()["code"]) == (403, "loopback_only")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(address: str) -> None:
    client = Client(headers={"X-Sandbox-Token": TOKEN}, REMOTE_ADDR=address)

    assert client.get("/control/clock").status_code == 200


def test_other_methods_and_paths_are_problems(control: Client) -> None:
    assert control.put("/control/clock").status_code == 405
    assert control.get("/control/drain").status_code == 405
    assert control.get("/control/nothing").status_code == 404


def test_without_a_token_file_control_says_so(control: Client, tmp_path: Any) -> None:
    (tmp_path / "sandbox-token").unlink()

    answer = control.get("/control/clock")

    assert (answer.status_code, answer.json()["code"]) == (503, "sandbox_without_token")


# --- clock ---


def test_the_clock_is_set_through_the_shop(control: Client, shop: Shop) -> None:
    target = datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)

    answer = post(control, "/control/clock", {"now": "2031-03-01T07:59:59+08:00"})

    assert answer.status_code == 200
    assert seconds_off(answer, target) < 5
    assert abs((clock.now() - target).total_seconds()) < 5
    hook = shop.hooks("/_sandbox/clock")[0]
    assert hook.headers["X-Sandbox-Token"] == TOKEN
    assert hook.json["offset_seconds"] == clock.offset().total_seconds()


def test_the_clock_moves_by_seconds_forward_and_back(control: Client, shop: Shop) -> None:
    for seconds in (3600, -7200.5, 0):
        post(control, "/control/clock", {"advance_seconds": seconds})

    assert clock.offset() == timedelta(seconds=-3600.5)
    assert seconds_off(control.get("/control/clock"), clock.real_now() + clock.offset()) < 5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"now": "2030-01-01T00:00:00Z", "advance_seconds": 1},
        {"now": "2030-01-01"},
        {"now": 5},
        {"now": None},
        {"now": "9999-01-01T00:00:00Z"},
        {"advance_seconds": "5"},
        {"advance_seconds": True},
        {"advance_seconds": None},
        {"advance_seconds": 10**11},
    ],
)
def test_a_clock_request_of_the_wrong_shape_moves_nothing(
    control: Client, shop: Shop, body: dict[str, Any]
) -> None:
    answer = post(control, "/control/clock", body)

    assert answer.status_code == 400
    assert shop.received == []
    assert clock.offset() == timedelta(0)


def test_without_the_shop_the_clock_does_not_move(control: Client, settings: Any) -> None:
    settings.EVERLINE_SHOP_URL = "http://127.0.0.1:9"

    answer = post(control, "/control/clock", {"advance_seconds": 60})

    assert (answer.status_code, answer.json()["code"]) == (503, "shop_unreachable")
    assert clock.offset() == timedelta(0)


def test_a_shop_with_another_data_folder_is_found_out(control: Client, shop: Shop) -> None:
    shop.shares_clock = False

    answer = post(control, "/control/clock", {"advance_seconds": 60})

    assert (answer.status_code, answer.json()["code"]) == (503, "clock_not_shared")


# --- drain ---


def test_drain_runs_both_sides_until_neither_has_more(
    control: Client, shop: Shop, start: Starter, browser: Client
) -> None:
    pay(browser, start())
    shop.drains.extend(
        [
            {"executed": ["job orders.settle"], "idle": True},
            {"executed": [], "idle": False},
            {"executed": ["job orders.fulfil"], "idle": True},
        ]
    )

    answer = post(control, "/control/drain", {})

    assert answer.status_code == 200
    executed = answer.json()["executed"]
    assert executed[0].startswith("webhook payment.captured evt_")
    assert executed[1:] == ["job orders.settle", "job orders.fulfil"]
    assert len(shop.webhooks) == 1
    assert len(shop.hooks("/_sandbox/drain")) == 4
    assert shop.hooks("/_sandbox/drain")[0].headers["X-Sandbox-Token"] == TOKEN


def test_an_idle_world_drains_to_nothing(control: Client, shop: Shop) -> None:
    assert post(control, "/control/drain", {}).json() == {"executed": []}


def test_drain_delivers_what_is_due_within_five_seconds(
    control: Client, shop: Shop, start: Starter, browser: Client
) -> None:
    plan(
        control,
        {"at": "webhook", "fault": "delay", "seconds": 4},
        {"at": "webhook", "fault": "delay", "seconds": 60},
    )
    soon, later = start(), start()
    pay(browser, soon)
    pay(browser, later)

    post(control, "/control/drain", {})

    assert [request.json["data"]["payment"] for request in shop.webhooks] == [soon["id"]]
    assert Webhook.objects.filter(status="pending").count() == 1


def test_drain_tries_a_refusing_shop_a_few_times_and_stops(
    control: Client, shop: Shop, start: Starter, browser: Client
) -> None:
    pay(browser, start())
    shop.answers.extend([500] * 50)

    answer = post(control, "/control/drain", {})

    assert answer.status_code == 200
    assert len(shop.webhooks) == 3
    assert Webhook.objects.get().status == "pending"


def test_a_world_that_never_rests_is_reported(
    control: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "MOST_ROUNDS", 5)
    shop.drains.extend([{"executed": ["job again"], "idle": True}] * 50)

    answer = post(control, "/control/drain", {})

    assert (answer.status_code, answer.json()["code"]) == (503, "not_idle")
    assert "job again" in answer.json()["detail"]
    assert len(shop.hooks("/_sandbox/drain")) == 5


def test_a_world_that_takes_too_long_is_reported(
    control: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "MOST_SECONDS", -1.0)
    shop.drains.extend([{"executed": [], "idle": False}] * 50)

    assert post(control, "/control/drain", {}).json()["code"] == "not_idle"


def test_drain_without_the_shop_is_a_problem(control: Client, settings: Any) -> None:
    settings.EVERLINE_SHOP_URL = "http://127.0.0.1:9"

    assert post(control, "/control/drain", {}).json()["code"] == "shop_unreachable"


# --- books ---


def test_charges_are_the_providers_own_truth(
    control: Client, start: Starter, browser: Client, shop_api: Client
) -> None:
    paid = start(order="ord_1", reference="att_1", amount=1999, currency="USD")
    declined = start(order="ord_1", reference="att_2", amount=1999)
    waiting = start(order="ord_1", reference="att_3", amount=5)
    start(order="ord_2", reference="att_4")
    pay(browser, paid)
    pay(browser, declined, "4000000000000002")
    body = {"reference": "ref_1", "amount": 500, "reason": ""}
    post(shop_api, f"/provider/v1/payments/{paid['id']}/refunds", body, key="ref_1")

    rows = control.get("/control/charges?order=ord_1").json()["data"]

    assert rows[0] == {
        "id": paid["id"],
        "order": "ord_1",
        "attempt": "att_1",
        "status": "captured",
        "currency": "USD",
        "amount": 1999,
        "captured": 1999,
        "refunded": 500,
        "failure_code": None,
        "at": paid["created_at"],
    }
    assert [(row["status"], row["amount"], row["captured"], row["refunded"]) for row in rows[1:]] == [
        ("failed", 0, 0, 0),
        ("requires_action", 5, 0, 0),
    ]
    assert rows[2]["id"] == waiting["id"]
    assert len(control.get("/control/charges").json()["data"]) == 4
    assert control.get("/control/charges?order=none").json() == {"data": []}


@pytest.mark.parametrize("path", ["charges?order=%00", "messages?to=%00", "suppliers/orders?iccid=%00"])
def test_a_query_is_plain_text(control: Client, path: str) -> None:
    assert control.get(f"/control/{path}").status_code == 400


@pytest.mark.parametrize("by", ["charge", "attempt", "order"])
@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_is_opened_and_closed(
    control: Client, start: Starter, browser: Client, by: str, outcome: str
) -> None:
    payment = start()
    pay(browser, payment)
    name = {"charge": payment["id"], "attempt": payment["reference"], "order": payment["order"]}[by]

    opened = post(control, "/control/disputes", {by: name, "reason": "product_not_received"})
    closed = [
        post(control, "/control/disputes", {"id": opened.json()["id"], "status": outcome}) for _ in range(2)
    ]

    assert opened.status_code == 201
    assert opened.json()["status"] == "open"
    assert (opened.json()["amount"], opened.json()["order"]) == (1999, payment["order"])
    assert [answer.json()["status"] for answer in closed] == [outcome, outcome]
    kinds = [row.type for row in Webhook.objects.order_by("id")]
    assert kinds == ["payment.captured", "dispute.opened", "dispute.closed"]
    assert control.get("/control/disputes").json()["data"] == [closed[0].json()]


def test_a_closed_dispute_keeps_its_outcome(control: Client, start: Starter, browser: Client) -> None:
    payment = start()
    pay(browser, payment)
    opened = post(control, "/control/disputes", {"charge": payment["id"]}).json()
    post(control, "/control/disputes", {"id": opened["id"], "status": "won"})

    answer = post(control, "/control/disputes", {"id": opened["id"], "status": "lost"})

    assert (answer.status_code, answer.json()["code"]) == (409, "dispute_closed")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"charge": "pay_0000000000000"}, 404),
        ({"charge": "x"}, 404),
        ({"order": "none"}, 404),
        ({"id": "dsp_0000000000000", "status": "won"}, 404),
        ({"id": "x", "status": "won"}, 404),
        ({"id": "x", "status": "open"}, 400),
    ],
)
def test_disputes_of_nothing(control: Client, body: dict[str, Any], status: int) -> None:
    assert post(control, "/control/disputes", body).status_code == status


def test_only_what_was_captured_can_be_disputed(control: Client, start: Starter, browser: Client) -> None:
    waiting, paid = start(), start(reference="att_paid")
    pay(browser, paid)

    unpaid = post(control, "/control/disputes", {"charge": waiting["id"], "amount": 5})
    too_much = post(control, "/control/disputes", {"attempt": "att_paid", "amount": 2000})
    wrong = post(control, "/control/disputes", {"attempt": "att_paid", "reason": "bored"})

    assert [a.status_code for a in (unpaid, too_much, wrong)] == [409, 400, 400]
    assert control.get("/control/disputes").json() == {"data": []}
