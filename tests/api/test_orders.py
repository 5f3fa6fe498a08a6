import re
from datetime import timedelta
from typing import Any

import pytest

from everline.core import clock
from everline.orders.models import Order, TimelineEntry
from everline.payments.models import Attempt
from everline.payments.types import PaymentState
from tests.api.world import Api, World, refusal
from tests.payments.fakes import FakeProvider


def quoted(world: World, api: Api, **wish: Any) -> str:
    wish.setdefault("plan", world.plan().plan_id)
    answer = api.post("/quotes", wish)
    assert answer.status_code == 201, answer.content
    quote: str = answer.json()["id"]
    return quote


def placed(world: World, api: Api, **wish: Any) -> dict[str, Any]:
    quote = quoted(world, api, **wish)
    answer = api.post("/orders", {"quote": quote}, key=quote)
    assert answer.status_code == 201, answer.content
    order: dict[str, Any] = answer.json()
    return order


def test_an_order_says_everything_the_contract_names(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)
    version = world.plan()
    quote = quoted(world, api, line=line.id, plan=version.plan_id, quantity=3)

    answer = api.post("/orders", {"quote": quote}, key="first")

    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    order = answer.json()
    assert order["id"].startswith("ord_")
    assert re.fullmatch(r"LEB-\d\d-[0-9A-Z]{6}", order["number"])
    assert (order["line"], order["plan"], order["plan_version"]) == (line.id, version.plan_id, 1)
    assert (order["status"], order["quantity"]) == ("awaiting_payment", 3)
    assert order["total"] == order["amount_due"] == {"amount": 5997, "currency": "USD"}
    assert order["periods"] == order["attempts"] == order["refunds"] == []
    [step] = order["timeline"]
    assert (step["event"], step["text"]) == ("order.placed", "Order placed")
    assert step["at"] == order["created_at"] < order["expires_at"]
    assert order["receipt_url"] is None
    assert api.get(f"/orders/{order['id']}").json() == order


def test_a_new_line_has_no_id_until_it_exists(world: World) -> None:
    api, _ = world.signed_in()

    assert placed(world, api)["line"] is None


def test_a_repeated_key_gives_the_order_as_it_is_now(world: World, provider: FakeProvider) -> None:
    api, _ = world.signed_in()
    quote = quoted(world, api)
    first = api.post("/orders", {"quote": quote}, key="k-1")
    api.post(f"/orders/{first.json()['id']}/cancel")

    again = api.post("/orders", {"quote": quote, "ignored": 1}, key="k-1")

    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["id"] == first.json()["id"]
    assert (first.json()["status"], again.json()["status"]) == ("awaiting_payment", "cancelled")
    assert Order.objects.count() == 1


def test_a_key_stands_for_one_request(world: World) -> None:
    api, _ = world.signed_in()
    first, second = quoted(world, api), quoted(world, api)
    api.post("/orders", {"quote": first}, key="k-1")

    assert refusal(api.post("/orders", {"quote": second}, key="k-1")) == (422, "idempotency_key_reused")
    assert Order.objects.count() == 1


def test_a_quote_makes_one_order(world: World) -> None:
    api, _ = world.signed_in()
    quote = quoted(world, api)
    order = api.post("/orders", {"quote": quote}, key="k-1").json()

    again = api.post("/orders", {"quote": quote}, key="k-2")

    assert refusal(again) == (409, "quote_used")
    assert again.json()["order"] == order["id"]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("key", [None, "", "x" * 256, "tab\there", "钥匙"])
def test_an_order_needs_a_key(world: World, key: str | None) -> None:
    api, _ = world.signed_in()

    answer = api.post("/orders", {"quote": quoted(world, api)}, key=key)

    assert refusal(answer) == (400, "idempotency_key_required")
    assert Order.objects.count() == 0


def test_a_quote_runs_out(world: World) -> None:
    api, _ = world.signed_in()
    quote = quoted(world, api)
    clock.set_offset(timedelta(minutes=31))

    assert refusal(api.post("/orders", {"quote": quote}, key="late")) == (409, "quote_expired")
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"quote": "quo_0000000000000"}, 404, "not_found"),
        ({"quote": "ord_0000000000000"}, 404, "not_found"),
        ({"quote": ""}, 404, "not_found"),
        ({"quote": 5}, 422, "validation_failed"),
        ({}, 422, "validation_failed"),
        ([1], 422, "validation_failed"),
    ],
)
def test_an_order_of_nothing(world: World, body: object, status: int, code: str) -> None:
    api, _ = world.signed_in()

    assert refusal(api.post("/orders", body, key="k")) == (status, code)
    assert Order.objects.count() == 0
    good = api.post("/orders", {"quote": quoted(world, api)}, key="k")
    assert good.status_code == 201, "a refused request leaves its key free"


def test_others_orders_do_not_exist(world: World, provider: FakeProvider) -> None:
    api, _ = world.signed_in()
    stranger, _ = world.signed_in()
    order = placed(world, stranger)
    quote = quoted(world, stranger)
    before = TimelineEntry.objects.count()
    body = {"method": "card", "return_url": "http://testserver/"}

    for answer in (
        api.post("/orders", {"quote": quote}, key="k"),
        api.get(f"/orders/{order['id']}"),
        api.get(f"/orders/{order['id']}/events"),
        api.post(f"/orders/{order['id']}/cancel"),
        api.post(f"/orders/{order['id']}/attempts", body, key="k"),
        api.post(f"/orders/{order['id']}/attempts/att_0000000000000/cancel"),
        api.get("/orders/nonsense"),
        api.get("/orders/%00"),
        api.post("/orders/nonsense/attempts", body, key="k"),
    ):
        assert refusal(answer) == (404, "not_found")
    assert api.get("/orders").json()["data"] == []
    assert TimelineEntry.objects.count() == before
    assert Attempt.objects.count() == 0


def test_orders_are_listed_oldest_first_and_filtered(world: World, provider: FakeProvider) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)
    made = [placed(world, api), placed(world, api, line=line.id), placed(world, api)]
    api.post(f"/orders/{made[2]['id']}/cancel")

    def listed(query: str = "") -> list[str]:
        return [order["id"] for order in api.get(f"/orders{query}").json()["data"]]

    ids = [order["id"] for order in made]
    assert listed() == ids
    assert listed("?status=cancelled") == ids[2:]
    assert listed(f"?line={line.id}") == [ids[1]]
    assert listed(f"?line={line.id}&status=fulfilled") == []


def test_pages_of_orders_tile_the_list(world: World) -> None:
    api, _ = world.signed_in()
    made = [placed(world, api)["id"] for _ in range(3)]

    first = api.get("/orders?limit=2").json()
    second = api.get(f"/orders?limit=2&cursor={first['next_cursor']}").json()

    assert [order["id"] for order in first["data"] + second["data"]] == made
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("status=lost", 422, "validation_failed"),
        ("cursor=1", 422, "invalid_cursor"),
        ("limit=-1", 422, "validation_failed"),
        ("line=ln_0000000000000", 404, "not_found"),
    ],
)
def test_lists_that_cannot_be(world: World, query: str, status: int, code: str) -> None:
    api, _ = world.signed_in()

    assert refusal(api.get(f"/orders?{query}")) == (status, code)


def test_a_list_of_orders_costs_the_same_whatever_their_number(
    world: World, django_assert_num_queries: Any
) -> None:
    api, _ = world.signed_in()
    for _ in range(4):
        placed(world, api)

    with django_assert_num_queries(6):
        assert len(api.get("/orders").json()["data"]) == 4


def test_placing_an_order_adds_few_reads(world: World, django_assert_max_num_queries: Any) -> None:
    api, _ = world.signed_in()
    quote = quoted(world, api)

    # Token; key, quote, order, step, key's end, within savepoints; then the order and its step to show.
    with django_assert_max_num_queries(12):
        api.post("/orders", {"quote": quote}, key="k")


def test_an_unpaid_order_can_be_cancelled(world: World, provider: FakeProvider) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)
    body = {"method": "card", "return_url": "http://testserver/"}
    attempt = api.post(f"/orders/{order['id']}/attempts", body, key="pay").json()

    cancelled = api.post(f"/orders/{order['id']}/cancel")
    again = api.post(f"/orders/{order['id']}/cancel")

    assert cancelled.status_code == again.status_code == 200
    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["amount_due"]["amount"] == 0
    [ended] = cancelled.json()["attempts"]
    assert (ended["id"], ended["status"], ended["failure"]["code"]) == (attempt["id"], "failed", "cancelled")
    assert again.json() == cancelled.json(), "once is enough"


def test_a_paid_order_cannot_be_cancelled(world: World, provider: FakeProvider) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)
    provider.start_state = PaymentState.REQUIRES_ACTION
    body = {"method": "card", "return_url": "http://testserver/"}
    api.post(f"/orders/{order['id']}/attempts", body, key="pay")
    provider.capture("pay_1")

    refused = api.post(f"/orders/{order['id']}/cancel")

    assert refusal(refused) == (409, "order_not_cancellable")
    assert refused.json()["current_status"] in {"paid", "fulfilling"}
    assert Order.objects.get(pk=order["id"]).status != "cancelled"


def test_texts_come_in_the_language_asked_for(world: World) -> None:
    api, _ = world.signed_in()
    order = placed(world, api)

    chinese = api.get(f"/orders/{order['id']}", headers={"Accept-Language": "zh-CN"})

    assert chinese["Content-Language"] == "zh-hans"
    assert api.get(f"/orders/{order['id']}")["Content-Language"] == "en"
