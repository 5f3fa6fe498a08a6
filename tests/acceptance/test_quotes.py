"""A quote shows price and dates before anybody pays; what it shows is what fulfilment gives."""

from datetime import datetime, timedelta

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import Json, Person, Sandbox, new_key

pytestmark = pytest.mark.stack

QUOTE = {
    "id",
    "line",
    "plan",
    "plan_version",
    "quantity",
    "total",
    "tax",
    "current_ends_at",
    "starts_at",
    "ends_at",
    "expires_at",
}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_quote_for_a_valid_line_starts_where_its_service_ends(holder: Person, line: Json) -> None:
    plan = holder.plan("month", line=line["id"])

    quote = holder.quote(line["id"], plan["id"])

    assert quote.keys() >= QUOTE
    assert (quote["line"], quote["plan"], quote["plan_version"]) == (line["id"], plan["id"], plan["version"])
    assert quote["total"] == plan["price"]
    assert quote["starts_at"] == quote["current_ends_at"] == line["valid_until"]
    assert moment(quote["ends_at"]) > moment(quote["starts_at"])


def test_a_quote_holds_for_thirty_minutes(sandbox: Sandbox, guest: Person) -> None:
    quote = guest.quote(None, guest.plan()["id"])
    late = guest.quote(None, guest.plan()["id"])

    lives = moment(quote["expires_at"]) - moment(sandbox.now())
    assert timedelta(minutes=29, seconds=30) < lives <= timedelta(minutes=30)
    assert (quote["line"], quote["current_ends_at"]) == (None, None)
    assert moment(quote["starts_at"]) <= moment(sandbox.now())
    guest.post("/orders", {"quote": quote["id"]}, key=new_key())
    sandbox.advance(31 * 60)
    guest.refused("quote_expired", 409, "POST", "/orders", {"quote": late["id"]}, key=new_key())


@pytest.mark.parametrize("unit", ["day", "month", "year"])
def test_fulfilment_gives_what_the_quote_showed(world: World, holder: Person, line: Json, unit: str) -> None:
    quote = holder.quote(line["id"], holder.plan(unit, line=line["id"])["id"], quantity=1)
    order = holder.post("/orders", {"quote": quote["id"]}, key=new_key())
    world.browser.pay(holder.attempt(order))
    world.sandbox.drain()

    [period] = holder.read(order)["periods"]
    assert (period["starts_at"], period["ends_at"]) == (quote["starts_at"], quote["ends_at"])
    assert period["state"] == "queued"
    assert holder.get(f"/lines/{line['id']}")["valid_until"] == quote["ends_at"]


def test_a_quantity_is_so_many_periods_one_after_the_other(world: World, holder: Person, line: Json) -> None:
    plan = holder.plan("month", line=line["id"])
    quote = holder.quote(line["id"], plan["id"], quantity=3)
    order = holder.post("/orders", {"quote": quote["id"]}, key=new_key())
    world.browser.pay(holder.attempt(order))
    world.sandbox.drain()

    after = holder.read(order)
    assert quote["total"]["amount"] == 3 * plan["price"]["amount"]
    assert (after["quantity"], after["status"]) == (3, "fulfilled")
    starts = [period["starts_at"] for period in after["periods"]]
    ends = [period["ends_at"] for period in after["periods"]]
    assert starts == [line["valid_until"], *ends[:-1]]
    assert ends[-1] == quote["ends_at"]


def test_twelve_months_end_where_one_year_ends(holder: Person, line: Json) -> None:
    months = holder.quote(line["id"], holder.plan("month", line=line["id"])["id"], quantity=12)
    year = holder.quote(line["id"], holder.plan("year", line=line["id"])["id"])

    assert months["ends_at"] == year["ends_at"]


def test_after_expiry_within_grace_service_starts_now(
    world: World, sandbox: Sandbox, holder: Person, line: Json
) -> None:
    sandbox.advance(32 * 86400)
    late = holder.get(f"/lines/{line['id']}")
    quote = holder.quote(line["id"], holder.plan("month", line=line["id"])["id"])

    assert late["service_state"] == "grace"
    assert (late["valid_until"], late["days_left"]) == (line["valid_until"], 0)
    assert quote["current_ends_at"] == line["valid_until"]
    assert abs(moment(quote["starts_at"]) - moment(sandbox.now())) < timedelta(seconds=30)
    order = holder.post("/orders", {"quote": quote["id"]}, key=new_key())
    world.browser.pay(holder.attempt(order))
    sandbox.drain()
    [period] = holder.read(order)["periods"]
    assert moment(period["starts_at"]) - moment(quote["starts_at"]) < timedelta(minutes=1)
    assert holder.get(f"/lines/{line['id']}")["service_state"] == "active"


def test_after_grace_a_line_is_terminated_and_refused_before_payment(
    sandbox: Sandbox, holder: Person, line: Json
) -> None:
    plan = holder.plan("month")["id"]
    sandbox.advance(65 * 86400)
    sandbox.drain()

    assert holder.get(f"/lines/{line['id']}")["service_state"] == "terminated"
    refusal = holder.call("POST", "/quotes", {"line": line["id"], "plan": plan})
    assert refusal.status_code in {409, 422}
    assert refusal.json()["code"] == "line_terminated"
    assert holder.get("/plans", line=line["id"])["data"] == []


@pytest.mark.parametrize("quantity", [0, -1, 25, 2**31, 2**63, 10**30, 1.5, "2", None, True, [1]])
def test_quantities_that_cannot_be(guest: Person, quantity: object) -> None:
    body = {"line": None, "plan": guest.plan()["id"], "quantity": quantity}

    answer = guest.call("POST", "/quotes", body)

    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_stacking_is_limited_with_a_reason(holder: Person, line: Json) -> None:
    plan = holder.plan("year", line=line["id"])["id"]

    refusal = holder.call("POST", "/quotes", {"line": line["id"], "plan": plan, "quantity": 3})

    assert refusal.status_code in {409, 422}
    assert refusal.json()["code"] == "stack_limit"


def test_a_currency_may_be_chosen_and_must_exist(guest: Person) -> None:
    plan = guest.plan()["id"]

    assert guest.quote(None, plan, currency="CNY")["total"]["currency"] == "CNY"
    for currency in ("XXX", "usd", "JPY", ""):
        answer = guest.call("POST", "/quotes", {"line": None, "plan": plan, "currency": currency})
        assert answer.status_code in {409, 422}, answer.text
    guest.refused("not_found", 404, "POST", "/quotes", {"line": None, "plan": "pln_0000000000000"})


def test_a_quote_makes_one_order(person: Person) -> None:
    quote = person.quote(None, person.plan()["id"])
    order = person.post("/orders", {"quote": quote["id"]}, key=new_key())

    refusal = person.refused("quote_used", 409, "POST", "/orders", {"quote": quote["id"]}, key=new_key())

    assert order["id"] in refusal.values()
    assert len(person.get("/orders")["data"]) == 1
