from datetime import timedelta
from typing import Any

import pytest

from everline.catalog.services import withdraw_plan
from everline.catalog.specs import FairUseSpec, PriceSpec
from everline.core import clock
from everline.lines.models import Line
from everline.usage.models import UsageRecord
from tests.api.world import Api, World, refusal

GB = 10**9


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [plan["name"] for plan in answer.json()["data"]]


def ids_of(answer: Any) -> list[str]:
    return [plan["id"] for plan in answer.json()["data"]]


def test_a_plan_says_everything_the_contract_names(world: World, anyone: Api) -> None:
    version = world.plan(
        data_bytes=None, fair_use=FairUseSpec(2 * GB, "day", 512), overage="throttle", refill="monthly"
    )

    [plan] = anyone.get("/plans").json()["data"]

    assert plan["id"] == version.plan_id
    assert plan["version"] == 1
    assert plan["term"] == {"unit": "month", "count": 1}
    assert plan["price"] == {"amount": 1999, "currency": "USD"}
    assert plan["tax_included"] is True
    assert plan["allowances"] == {"data_bytes": None, "voice_seconds": 600, "sms_count": 0}
    assert plan["fair_use"]["after_bytes"] == 2 * GB
    assert (plan["refill"], plan["renewal_policy"], plan["start_policy"]) == (
        "monthly",
        "extend",
        "on_purchase",
    )
    assert plan["benefits"] == [
        {
            "kind": "call_discount",
            "percent": 20,
            "destination_group": "mainland_china",
            "text": "20 % off calls",
        }
    ]
    assert plan["coverage"] == [
        {
            "country": "JP",
            "name": "Japan",
            "operators": [{"plmn": "44010", "name": "NTT docomo", "radio": "4G/5G"}],
        }
    ]
    assert plan["recommendation"] is None
    assert anyone.get(f"/plans/{version.plan_id}").json() == plan


@pytest.mark.parametrize(
    ("header", "name"),
    [("en-GB,en;q=0.9", "Japan"), ("zh-CN", "日本"), ("fr", "日本"), ("zh-Hans-CN, en;q=0.5", "日本")],
)
def test_names_come_in_the_language_asked_for(world: World, anyone: Api, header: str, name: str) -> None:
    world.plan()

    answer = anyone.get("/plans", headers={"Accept-Language": header})

    assert names(answer)[0].startswith(name)
    assert answer["Content-Language"] in {"en", "zh-hans"}


def test_filters_narrow_the_list(world: World, anyone: Api) -> None:
    day = world.plan("day", 7, 500, data_bytes=GB)
    month = world.plan("month", 1, 1500, networks=(("KR", "45005"),))
    year = world.plan("year", 1, 9900, data_bytes=60 * GB)

    assert ids_of(anyone.get("/plans")) == [day.plan_id, month.plan_id, year.plan_id]
    assert ids_of(anyone.get("/plans?term=day")) == [day.plan_id]
    assert ids_of(anyone.get("/plans?country=KR")) == [month.plan_id]
    assert ids_of(anyone.get("/plans?country=kr&term=year")) == []
    assert ids_of(anyone.get(f"/plans?min_data={10 * GB}")) == [year.plan_id]
    assert ids_of(anyone.get("/plans?unknown=1&term=year")) == [year.plan_id]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("term=week", "validation_failed"),
        ("country=ZZ", "unknown_country"),
        ("country=%00", "unknown_country"),
        ("min_data=-1", "validation_failed"),
        ("min_data=9223372036854775808", "validation_failed"),
        ("min_data=1e9", "validation_failed"),
        ("min_data=1.0", "validation_failed"),
        ("limit=0", "validation_failed"),
        ("limit=101", "validation_failed"),
        ("limit=ten", "validation_failed"),
        ("limit=", "validation_failed"),
        ("currency=XXX", "unknown_currency"),
        ("currency=usd", "unknown_currency"),
        ("currency=KWD", "currency_not_priced"),
        ("cursor=nonsense", "invalid_cursor"),
        ("cursor=%00%ff", "invalid_cursor"),
        ("cursor=WzEsMl0", "invalid_cursor"),
    ],
)
def test_a_query_that_cannot_be_right(world: World, anyone: Api, query: str, code: str) -> None:
    world.plan()

    assert refusal(anyone.get(f"/plans?{query}")) == (422, code)


def test_pages_tile_the_list(world: World, anyone: Api) -> None:
    made = {world.plan("day", 1 + number, 100).plan_id for number in range(5)}

    found: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = anyone.get(f"/plans?limit=2{cursor and '&cursor=' + cursor}").json()
        found += [plan["id"] for plan in answer["data"]]
        cursor = answer["next_cursor"]

    assert len(found) == 5
    assert set(found) == made


def test_the_currency_is_the_customers_or_the_brands(world: World, anyone: Api) -> None:
    world.plan()
    european, _ = world.signed_in(currency="EUR")
    kuwaiti, _ = world.signed_in(currency="KWD")

    def currency(answer: Any) -> str:
        return answer.json()["data"][0]["price"]["currency"]

    assert currency(anyone.get("/plans")) == "USD"
    assert currency(european.get("/plans")) == "EUR"
    assert currency(european.get("/plans?currency=CNY")) == "CNY"
    assert currency(kuwaiti.get("/plans")) == "USD", "no plan is priced in theirs"


def test_a_plan_is_shown_in_the_customers_currency_too(world: World, anyone: Api) -> None:
    version = world.plan()
    european, _ = world.signed_in(currency="EUR")
    kuwaiti, _ = world.signed_in(currency="KWD")
    path = f"/plans/{version.plan_id}"

    assert european.get(path).json()["price"]["currency"] == "EUR"
    assert kuwaiti.get(path).json()["price"]["currency"] == "USD"
    assert refusal(kuwaiti.get(f"{path}?currency=KWD")) == (422, "currency_not_priced")


def test_plans_that_are_not_there(world: World, anyone: Api) -> None:
    withdrawn = world.plan()
    withdraw_plan(plan=withdrawn.plan, now=clock.now())

    for plan in (
        withdrawn.plan_id,
        "pln_0000000000000",
        "ln_0000000000000",
        "nonsense",
        "%00",
        "pln_" + "Z" * 13,
    ):
        assert refusal(anyone.get(f"/plans/{plan}")) == (404, "not_found")
    assert names(anyone.get("/plans")) == []


def test_a_wrong_token_is_refused_where_none_is_needed(world: World, anyone: Api) -> None:
    assert refusal(anyone.get("/plans", headers={"Authorization": "Bearer old"})) == (401, "login_required")


def test_a_line_needs_its_owners_token(world: World, anyone: Api) -> None:
    world.plan()
    api, _ = world.signed_in()
    _, stranger = world.signed_in()
    line = world.line(stranger)

    assert refusal(anyone.get(f"/plans?line={line.id}")) == (401, "login_required")
    assert refusal(api.get(f"/plans?line={line.id}")) == (404, "not_found")
    assert refusal(api.get("/plans?line=nonsense")) == (404, "not_found")


def test_what_a_line_cannot_take_is_hidden(world: World) -> None:
    month, year = world.plan("month"), world.plan("year", 1)
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, year)
    world.serve(line, year)

    listed = api.get(f"/plans?line={line.id}")
    everything = api.get("/plans")

    assert ids_of(listed) == [], "two years are paid: not even a month fits into 731 days"
    assert ids_of(everything) == [month.plan_id, year.plan_id]


def test_hiding_fills_pages_from_what_follows(world: World) -> None:
    days = [world.plan("day", number, 100) for number in (1, 2, 3)]
    month, year = world.plan("month"), world.plan("year", 1)
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, year)
    world.serve(line, month, 11)

    first = api.get(f"/plans?line={line.id}&limit=4").json()

    kept = [plan["id"] for plan in first["data"]]
    assert kept == [*(day.plan_id for day in days), month.plan_id]
    assert ids_of(api.get(f"/plans?line={line.id}&limit=100")) == kept, "another year is too much"


@pytest.mark.parametrize("state", ["suspended", "terminated"])
def test_a_line_out_of_service_takes_nothing(world: World, state: str) -> None:
    world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)
    Line.objects.filter(pk=line.pk).update(service_state=state)

    assert api.get(f"/plans?line={line.id}").json() == {"data": [], "next_cursor": None}


def test_the_plan_a_line_has_is_recommended_with_its_reason(world: World) -> None:
    had, other = world.plan(), world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, had)

    plans = {plan["id"]: plan for plan in api.get(f"/plans?line={line.id}").json()["data"]}

    assert "has now" in plans[had.plan_id]["recommendation"]["reason"]
    assert plans[other.plan_id]["recommendation"] is None


def test_currencies_a_line_would_pay_in_count(world: World) -> None:
    dollars_only = world.plan(prices=(PriceSpec("USD", 100),))
    world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)

    in_euros = api.get(f"/plans?line={line.id}&currency=EUR")

    assert dollars_only.plan_id not in ids_of(in_euros)
    assert len(ids_of(in_euros)) == 1


def test_a_list_costs_a_fixed_number_of_statements(
    world: World, anyone: Api, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        world.plan("day", number + 1)

    with django_assert_max_num_queries(4):
        anyone.get("/plans?currency=USD")


def test_a_plan_that_ends_its_sale_later_is_still_there(world: World, anyone: Api) -> None:
    version = world.plan()
    withdraw_plan(plan=version.plan, now=clock.now() + timedelta(days=1))

    assert anyone.get(f"/plans/{version.plan_id}").status_code == 200


def test_what_suits_a_line_is_recommended_from_its_usage(world: World) -> None:
    had, week = world.plan(), world.plan("day", 7)
    api, customer = world.signed_in()
    line, other = world.line(customer), world.line(customer)
    world.serve(line, had)
    for line_id, days_ago in ((line.id, 1), (other.id, 1), (other.id, 2)):
        UsageRecord.objects.create(
            line_id=line_id,
            source="test",
            external_id=f"{line_id}-{days_ago}",
            service="data",
            quantity=10**8,
            at=clock.now() - timedelta(days=days_ago),
            country="JP",
            received_at=clock.now(),
        )

    with_time_left = {plan["id"]: plan for plan in api.get(f"/plans?line={line.id}").json()["data"]}
    without = {plan["id"]: plan for plan in api.get(f"/plans?line={other.id}").json()["data"]}

    assert with_time_left[week.plan_id]["recommendation"] is None, "a month is still to come"
    assert "has now" in with_time_left[had.plan_id]["recommendation"]["reason"]
    assert "2 days of the last" in without[week.plan_id]["recommendation"]["reason"]
    assert without[had.plan_id]["recommendation"] is None
