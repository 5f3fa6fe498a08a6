"""Orders: shape, number, idempotency keys, tracking, cancelling, expiry, mails."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import GOOD_RENEWAL, Json, Person, Sandbox, good, new_key

pytestmark = pytest.mark.stack

ORDER = {
    "id",
    "number",
    "line",
    "plan",
    "plan_version",
    "quantity",
    "status",
    "total",
    "tax",
    "amount_due",
    "created_at",
    "expires_at",
    "periods",
    "attempts",
    "refunds",
    "timeline",
    "receipt_url",
}
PERIOD = {"id", "order", "plan", "kind", "starts_at", "ends_at", "state", "opens_by"}
ATTEMPT = {"id", "status", "method", "amount", "next_action", "failure"}


def test_an_order_waits_for_its_payment(guest: Person) -> None:
    quote = guest.quote(None, guest.plan()["id"])

    order = guest.post("/orders", {"quote": quote["id"]}, key=new_key())

    assert order.keys() >= ORDER
    assert re.fullmatch(r"LEB-\d\d-[0-9A-Z]{6}", order["number"])
    assert (order["status"], order["line"], order["receipt_url"]) == ("awaiting_payment", None, None)
    assert (order["plan"], order["plan_version"]) == (quote["plan"], quote["plan_version"])
    assert order["total"] == order["amount_due"] == quote["total"]
    assert order["tax"] == quote["tax"]
    assert [order["periods"], order["attempts"], order["refunds"]] == [[], [], []]
    [step] = order["timeline"]
    assert step.keys() == {"at", "event", "text"}
    assert (step["event"], step["at"]) == ("order.placed", order["created_at"])
    assert guest.read(order) == order


def test_a_good_renewal_from_end_to_end(world: World, holder: Person, line: Json) -> None:
    order = world.buy(holder, line["id"])

    assert order.keys() >= ORDER
    assert (order["status"], order["line"]) == ("fulfilled", line["id"])
    assert order["amount_due"] == {"amount": 0, "currency": "USD"}
    [period], [attempt] = order["periods"], order["attempts"]
    assert period.keys() >= PERIOD
    assert (period["order"], period["plan"], period["kind"]) == (order["id"], order["plan"], "base")
    assert attempt.keys() >= ATTEMPT
    assert (attempt["status"], attempt["amount"]) == ("captured", order["total"])
    assert (attempt["next_action"], attempt["failure"]) == (None, None)
    assert [step["event"] for step in order["timeline"]] == GOOD_RENEWAL
    times = [step["at"] for step in order["timeline"]]
    assert times == sorted(times)
    assert all(step["text"] for step in order["timeline"])
    [charge] = world.sandbox.charges(order)
    assert charge.keys() >= {
        "id",
        "order",
        "attempt",
        "status",
        "currency",
        "amount",
        "captured",
        "refunded",
        "at",
    }
    assert (charge["order"], charge["attempt"]) == (order["id"], attempt["id"])
    assert (charge["captured"], charge["refunded"]) == (order["total"]["amount"], 0)
    assert charge["currency"] == "USD"


def test_nothing_follows_a_good_renewal_and_only_its_confirmation_names_it(
    sandbox: Sandbox, world: World, holder: Person, line: Json
) -> None:
    order = world.buy(holder, line["id"])

    sandbox.advance(3600)
    sandbox.drain()
    sandbox.advance(3 * 86400)
    sandbox.drain()

    assert holder.events(order) == GOOD_RENEWAL
    naming = [
        mail
        for mail in sandbox.messages(holder.email)
        if order["number"] in mail["subject"] + mail["text"] + mail["html"]
    ]
    [mail] = naming
    plan = holder.get(f"/plans/{order['plan']}")
    for part in (order["number"], plan["name"], "19.90"):
        assert part in mail["text"], mail["text"]
        assert part in mail["html"], mail["html"]
    [period] = order["periods"]
    assert len(re.findall(r"[A-Z][a-z]+ \d{1,2}, 20\d\d", mail["text"])) >= 2, mail["text"]
    assert period["starts_at"] == line["valid_until"]


def test_texts_of_the_tracking_are_in_the_callers_language(holder: Person) -> None:
    [order] = holder.get("/orders")["data"]

    chinese = good(holder.call("GET", f"/orders/{order['id']}", headers={"Accept-Language": "zh-hans"}), 200)

    assert [step["event"] for step in chinese["timeline"]] == GOOD_RENEWAL
    assert all(re.search("[\u4e00-\u9fff]", step["text"]) for step in chinese["timeline"])
    assert not any(re.search("[\u4e00-\u9fff]", step["text"]) for step in order["timeline"])


def test_a_mail_is_in_the_customers_language(world: World) -> None:
    chinese = world.register(locale="zh-hans", timezone="Asia/Shanghai")

    order = world.buy(chinese)

    [mail] = [each for each in world.sandbox.messages(chinese.email) if order["number"] in each["subject"]]
    assert re.search("[\u4e00-\u9fff]", mail["subject"])


def test_orders_are_listed_by_line_and_status(world: World, holder: Person, line: Json) -> None:
    first = holder.get("/orders")["data"][0]
    second = world.buy(holder, line["id"], "day")
    unpaid = holder.order(unit="day")

    listed = holder.get("/orders")["data"]
    assert [each["id"] for each in listed] == [first["id"], second["id"], unpaid["id"]]
    assert [each["id"] for each in holder.get("/orders", line=line["id"])["data"]] == [
        first["id"],
        second["id"],
    ]
    assert [each["id"] for each in holder.get("/orders", status="awaiting_payment")["data"]] == [unpaid["id"]]
    assert holder.get("/orders", status="refunded")["data"] == []
    assert holder.call("GET", "/orders?status=nonsense").status_code == 422


def test_an_unpaid_order_is_cancelled_with_its_open_payment(
    world: World, sandbox: Sandbox, person: Person
) -> None:
    order = person.order()
    attempt = person.attempt(order)

    cancelled = person.post(f"/orders/{order['id']}/cancel", status=200)
    again = person.post(f"/orders/{order['id']}/cancel", status=200)

    assert cancelled["status"] == again["status"] == "cancelled"
    [ended] = cancelled["attempts"]
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "cancelled")
    refusal = person.refused(
        "order_not_payable",
        409,
        "POST",
        f"/orders/{order['id']}/attempts",
        {"method": "card", "return_url": person.return_url},
        key=new_key(),
    )
    assert refusal["detail"]
    assert world.browser.open(attempt["next_action"]["url"]).status_code == 410
    sandbox.drain()
    assert [charge["captured"] for charge in sandbox.charges(order)] == [0]
    assert not [mail for mail in sandbox.messages(person.email) if order["number"] in mail["text"]]


def test_a_paid_order_cannot_be_cancelled(holder: Person) -> None:
    [order] = holder.get("/orders")["data"]

    answer = holder.call("POST", f"/orders/{order['id']}/cancel")

    assert answer.status_code == 409
    assert holder.read(order) == order


def test_unpaid_orders_expire_after_a_day(sandbox: Sandbox, guest: Person) -> None:
    order = guest.order()
    sandbox.advance(24 * 3600 - 120)
    sandbox.drain()
    assert guest.read(order)["status"] == "awaiting_payment"

    sandbox.advance(180)
    sandbox.drain()

    assert guest.read(order)["status"] == "expired"
    guest.refused(
        "order_not_payable",
        409,
        "POST",
        f"/orders/{order['id']}/attempts",
        {"method": "card", "return_url": guest.return_url},
        key=new_key(),
    )


def test_a_keyed_call_needs_its_key(guest: Person) -> None:
    order = guest.order()
    pay = {"method": "card", "return_url": guest.return_url}

    for path, body in (("/orders", {"quote": "quo_x"}), (f"/orders/{order['id']}/attempts", pay)):
        guest.refused("idempotency_key_required", 400, "POST", path, body)
        assert guest.call("POST", path, body, key="").status_code == 400
        assert guest.call("POST", path, body, key="k" * 256).status_code == 400


def test_a_key_repeats_its_status_with_the_object_as_it_is_now(world: World, person: Person) -> None:
    quote, other = person.quote(None, person.plan()["id"]), person.quote(None, person.plan()["id"])
    key = new_key()
    first = person.call("POST", "/orders", {"quote": quote["id"]}, key=key)
    order = good(first, 201)
    attempt_key = new_key()
    attempt = person.attempt(order, key=attempt_key)
    world.browser.pay(attempt)
    world.sandbox.drain()

    again = person.call("POST", "/orders", {"quote": quote["id"]}, key=key)
    path, pay = f"/orders/{order['id']}/attempts", {"method": "card", "return_url": person.return_url}
    paid = person.call("POST", path, pay, key=attempt_key)

    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == paid.headers["Idempotency-Replayed"] == "true"
    assert good(again, 201) == person.read(order)
    assert (again.json()["id"], again.json()["status"]) == (order["id"], "fulfilled")
    assert (good(paid, 201)["id"], paid.json()["status"]) == (attempt["id"], "captured")
    person.refused("idempotency_key_reused", 422, "POST", "/orders", {"quote": other["id"]}, key=key)
    person.refused("idempotency_key_reused", 422, "POST", path, {**pay, "method": "paypal"}, key=attempt_key)
    person.refused("idempotency_key_reused", 422, "POST", path, pay, key=key)
    assert len(person.get("/orders")["data"]) == 1
    assert len(world.sandbox.charges(order)) == 1


def test_keys_belong_to_a_customer_and_last_two_days(world: World, sandbox: Sandbox, person: Person) -> None:
    other, key = world.register(), new_key()
    mine = person.post("/orders", {"quote": person.quote(None, person.plan()["id"])["id"]}, key=key)
    body = {"quote": other.quote(None, other.plan()["id"])["id"]}
    theirs = other.post("/orders", body, key=key)

    sandbox.advance(47 * 3600)
    replayed = other.call("POST", "/orders", body, key=key)
    sandbox.advance(2 * 3600)
    fresh = person.post("/orders", {"quote": person.quote(None, person.plan()["id"])["id"]}, key=key)

    assert mine["id"] != theirs["id"]
    assert (replayed.status_code, replayed.json()["id"]) == (201, theirs["id"])
    assert fresh["id"] not in {mine["id"], theirs["id"]}


def test_a_storm_of_double_clicks_makes_one_order_and_one_charge(world: World, person: Person) -> None:
    quote, key, pay_key = person.quote(None, person.plan()["id"]), new_key(), new_key()
    together = threading.Barrier(8)

    def click(_: int) -> httpx.Response:
        together.wait()
        return person.call("POST", "/orders", {"quote": quote["id"]}, key=key)

    def pay(number: int) -> httpx.Response:
        body = {"method": "card", "return_url": person.return_url}
        together.wait()
        own = pay_key if number % 2 else new_key()
        return person.call("POST", f"/orders/{order['id']}/attempts", body, key=own)

    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(click, range(8)))
        order = next(each.json() for each in placed if each.status_code == 201)
        paid = list(pool.map(pay, range(8)))

    assert {each.json()["id"] for each in placed if each.status_code == 201} == {order["id"]}
    assert {(e.status_code, e.json().get("code")) for e in placed} <= {
        (201, None),
        (409, "idempotency_in_progress"),
    }
    codes = {(each.status_code, each.json().get("code")) for each in paid}
    assert codes <= {(201, None), (409, "attempt_open"), (409, "idempotency_in_progress")}
    [attempt] = person.read(order)["attempts"]
    assert {each.json()["id"] for each in paid if each.status_code == 201} == {attempt["id"]}
    world.browser.pay(attempt)
    world.sandbox.drain()
    [charge] = world.sandbox.charges(order)
    assert charge["captured"] == order["total"]["amount"]
    assert person.events(order) == GOOD_RENEWAL


def test_tracking_is_streamed_as_it_happens_and_ends(world: World, guest: Person) -> None:
    order = guest.order()
    headers = {
        "Authorization": f"Bearer {guest.token}",
        "Accept": "text/event-stream",
        "Accept-Language": "en",
    }
    url = f"{guest.shop}/api/v1/orders/{order['id']}/events"
    events: list[str] = []
    data: list[str] = []

    with httpx.stream("GET", url, headers=headers, timeout=60) as stream:
        assert stream.status_code == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["X-Request-Id"]
        for text in stream.iter_lines():
            if text.startswith("event: "):
                events.append(text.removeprefix("event: "))
            if text.startswith("data: "):
                data.append(text.removeprefix("data: "))
            if text == "event: order.placed":
                world.browser.pay(guest.attempt(order))

    assert events == GOOD_RENEWAL
    steps = [httpx.Response(200, text=each).json() for each in data]
    assert steps == guest.read(order)["timeline"]


def test_streams_have_a_cap_and_clients_may_poll(guest: Person) -> None:
    order = guest.order()
    headers = {"Authorization": f"Bearer {guest.token}"}
    url = f"{guest.shop}/api/v1/orders/{order['id']}/events"
    opened: list[httpx.Response] = []
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=200)) as client:
        for _stream in range(100):
            answer = client.send(client.build_request("GET", url, headers=headers), stream=True)
            opened.append(answer)
            if answer.status_code != 200:
                break
        statuses = [answer.status_code for answer in opened]
        refused = opened[-1]
        assert guest.read(order)["status"] == "awaiting_payment"
        for answer in opened:
            answer.close()

    assert statuses[0] == 200
    assert refused.status_code == 503, statuses
    assert int(refused.headers["Retry-After"]) > 0
