"""The catalogue: shape, filters, and what the demo data promises."""

import re

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import Api, Json, Person

pytestmark = pytest.mark.stack

PLAN = {
    "id",
    "version",
    "name",
    "summary",
    "term",
    "price",
    "tax_included",
    "allowances",
    "fair_use",
    "refill",
    "renewal_policy",
    "start_policy",
    "benefits",
    "coverage",
    "recommendation",
}


@pytest.fixture(scope="module")
def catalogue(world: World) -> list[Json]:
    return world.anyone.all("/plans", limit=100)


def test_every_plan_has_the_whole_shape(catalogue: list[Json]) -> None:
    for plan in catalogue:
        assert plan.keys() >= PLAN
        assert plan["id"].startswith("pln_")
        assert plan["version"] >= 1
        assert plan["name"]
        assert plan["summary"]
        assert plan["term"].keys() == {"unit", "count"}
        assert plan["term"]["unit"] in {"day", "month", "year"}
        assert plan["price"]["amount"] > 0
        assert isinstance(plan["tax_included"], bool)
        assert plan["allowances"].keys() == {"data_bytes", "voice_seconds", "sms_count"}
        assert plan["allowances"]["data_bytes"] is not None or plan["fair_use"]
        assert plan["refill"] in {"none", "daily", "monthly"}
        assert plan["renewal_policy"] in {"extend", "queue_depleted", "start_now"}
        assert plan["start_policy"] in {"on_purchase", "on_first_use"}
        assert all("kind" in benefit for benefit in plan["benefits"])
        assert plan["recommendation"] is None
        for place in plan["coverage"]:
            assert re.fullmatch("[A-Z]{2}", place["country"])
            assert place["operators"]
            for operator in place["operators"]:
                assert re.fullmatch(r"\d{5,6}", operator["plmn"])
                assert operator["name"]
                assert operator["radio"]


def test_the_demo_catalogue_keeps_its_promises(catalogue: list[Json]) -> None:
    countries = {place["country"] for plan in catalogue for place in plan["coverage"]}

    assert len(catalogue) >= 60
    assert len(countries) >= 60
    for unit in ("day", "month", "year"):
        plans = [plan for plan in catalogue if plan["term"]["unit"] == unit]
        assert 3 <= len(plans) <= 100
        plain = [
            plan
            for plan in plans
            if (plan["term"]["count"], plan["renewal_policy"], plan["start_policy"])
            == (1, "extend", "on_purchase")
        ]
        assert plain
    assert any(plan["refill"] == "monthly" for plan in catalogue)
    assert {"data_bytes", "voice_seconds", "sms_count"} == {
        name for plan in catalogue for name, value in plan["allowances"].items() if value
    }
    assert len({benefit["kind"] for plan in catalogue for benefit in plan["benefits"]}) >= 2


@pytest.mark.parametrize("currency", ["USD", "EUR", "CNY"])
def test_every_demo_plan_is_priced_in_three_currencies(
    anyone: Api, catalogue: list[Json], currency: str
) -> None:
    priced = anyone.all("/plans", currency=currency, limit=100)

    assert {plan["id"] for plan in priced} == {plan["id"] for plan in catalogue}
    assert {plan["price"]["currency"] for plan in priced} == {currency}
    one = anyone.get(f"/plans/{priced[0]['id']}", currency=currency)
    assert one == priced[0]


def test_the_brands_currency_is_the_default_and_the_customers_comes_first(
    world: World, catalogue: list[Json]
) -> None:
    assert {plan["price"]["currency"] for plan in catalogue} == {"USD"}

    european = world.register(currency="EUR")

    assert {plan["price"]["currency"] for plan in european.get("/plans")["data"]} == {"EUR"}
    quote = european.quote(None, catalogue[0]["id"])
    assert quote["total"]["currency"] == "EUR"


def test_filters_keep_what_fits(anyone: Api, catalogue: list[Json]) -> None:
    for unit in ("day", "month", "year"):
        kept = anyone.all("/plans", term=unit, limit=100)
        assert {p["id"] for p in kept} == {p["id"] for p in catalogue if p["term"]["unit"] == unit}
    for country in ("JP", "DE"):
        kept = anyone.all("/plans", country=country, limit=100)
        covering = {p["id"] for p in catalogue if country in {place["country"] for place in p["coverage"]}}
        assert {p["id"] for p in kept} == covering != set()
    least = 5_000_000_000
    kept = anyone.all("/plans", min_data=least, limit=100)
    enough = {
        p["id"]
        for p in catalogue
        if p["allowances"]["data_bytes"] is None or p["allowances"]["data_bytes"] >= least
    }
    assert {p["id"] for p in kept} == enough != set()
    both = anyone.all("/plans", term="month", country="JP", min_data=least)
    assert both
    assert {p["id"] for p in both} <= enough


@pytest.mark.parametrize("query", ["term=week", "min_data=-1", "min_data=x", "currency=ZZZ", "country=Japan"])
def test_filters_that_mean_nothing_are_refused_or_find_nothing(anyone: Api, query: str) -> None:
    answer = anyone.call("GET", f"/plans?{query}")

    assert answer.status_code == 422 or answer.json()["data"] == [], answer.text


def test_a_line_takes_every_demo_plan_and_one_is_recommended(
    holder: Person, line: Json, catalogue: list[Json]
) -> None:
    offered = holder.all("/plans", line=line["id"], limit=100)

    assert {plan["id"] for plan in offered} == {plan["id"] for plan in catalogue}
    reasons = [plan["recommendation"]["reason"] for plan in offered if plan["recommendation"]]
    assert reasons
    assert all(reasons)


def test_a_line_that_is_full_is_offered_what_still_fits(world: World, holder: Person, line: Json) -> None:
    year = holder.plan("year")["id"]
    order = holder.post("/orders", {"quote": holder.quote(line["id"], year)["id"]}, key="a-year")
    world.browser.pay(holder.attempt(order))
    world.sandbox.drain()

    offered = holder.all("/plans", line=line["id"], limit=100)

    assert year not in {plan["id"] for plan in offered if plan["term"] == {"unit": "year", "count": 1}} or (
        holder.quote(line["id"], year)
    )
    for plan in offered[:3] + offered[-3:]:
        assert holder.quote(line["id"], plan["id"])["plan"] == plan["id"]
    assert holder.read(order)["status"] == "fulfilled"
