from datetime import datetime, timedelta
from typing import Any

import pytest

from everline.catalog.services import withdraw_plan
from everline.core import clock
from everline.lines.models import Line
from everline.orders.models import Quote
from tests.api.world import Api, World, faulty_fields, refusal


def test_an_early_renewal_starts_where_the_line_ends(world: World) -> None:
    version = world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, version)
    shown = api.get(f"/lines/{line.id}").json()

    answer = api.post("/quotes", {"line": line.id, "plan": version.plan_id, "quantity": 2})

    assert answer.status_code == 201
    quote = answer.json()
    assert quote["id"].startswith("quo_")
    assert (quote["line"], quote["plan"], quote["plan_version"]) == (line.id, version.plan_id, 1)
    assert quote["total"] == {"amount": 3998, "currency": "USD"}
    assert quote["tax"] == {"amount": 0, "currency": "USD"}
    assert quote["current_ends_at"] == quote["starts_at"] == shown["valid_until"]
    assert quote["ends_at"] > quote["starts_at"]
    life = datetime.fromisoformat(quote["expires_at"]) - clock.now()
    assert timedelta(minutes=29) < life <= timedelta(minutes=30)


def test_a_new_line_would_work_from_now(world: World) -> None:
    version = world.plan("day", 7)
    api, _ = world.signed_in(currency="EUR")

    quote = api.post("/quotes", {"line": None, "plan": version.plan_id}).json()

    assert (quote["line"], quote["current_ends_at"], quote["quantity"]) == (None, None, 1)
    assert quote["total"]["currency"] == "EUR"
    assert 0 < quote["tax"]["amount"] < quote["total"]["amount"]
    starts, ends = (datetime.fromisoformat(quote[name]) for name in ("starts_at", "ends_at"))
    assert ends - starts == timedelta(days=7)


def test_an_open_start_has_no_dates(world: World) -> None:
    version = world.plan(start_policy="on_first_use", activation_deadline_days=90)
    api, _ = world.signed_in()

    quote = api.post("/quotes", {"plan": version.plan_id}).json()

    assert (quote["starts_at"], quote["ends_at"]) == (None, None)


def test_the_currency_can_be_chosen_where_it_is_priced(world: World) -> None:
    version = world.plan(amount=100)
    api, _ = world.signed_in()

    assert api.post("/quotes", {"plan": version.plan_id, "currency": "CNY"}).json()["total"] == {
        "amount": 700,
        "currency": "CNY",
    }


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"quantity": 0}, 422, "invalid_quantity"),
        ({"quantity": -1}, 422, "invalid_quantity"),
        ({"quantity": 25}, 422, "invalid_quantity"),
        ({"quantity": 2**63 - 1}, 422, "invalid_quantity"),
        ({"quantity": 2**63}, 422, "validation_failed"),
        ({"quantity": 10**400}, 422, "validation_failed"),
        ({"quantity": 1.0}, 422, "validation_failed"),
        ({"quantity": "1"}, 422, "validation_failed"),
        ({"quantity": True}, 422, "validation_failed"),
        ({"quantity": None}, 422, "validation_failed"),
        ({"currency": "XXX"}, 422, "unknown_currency"),
        ({"currency": "usd"}, 422, "unknown_currency"),
        ({"currency": ""}, 422, "unknown_currency"),
        ({"currency": "KWD"}, 422, "currency_not_priced"),
        ({"currency": 840}, 422, "validation_failed"),
        ({"plan": "pln_0000000000000"}, 404, "not_found"),
        ({"plan": "nonsense"}, 404, "not_found"),
        ({"plan": "pln_\x00"}, 422, "validation_failed"),
        ({"plan": None}, 422, "validation_failed"),
        ({"plan": {}}, 422, "validation_failed"),
        ({"line": "ln_0000000000000"}, 404, "not_found"),
        ({"line": ""}, 404, "not_found"),
        ({"line": ["x"]}, 422, "validation_failed"),
    ],
)
def test_a_wish_that_cannot_be_right(world: World, wrong: dict[str, object], status: int, code: str) -> None:
    version = world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)

    answer = api.post("/quotes", {"line": line.id, "plan": version.plan_id, **wrong})

    assert refusal(answer) == (status, code)
    assert Quote.objects.count() == 0
    if status == 422:
        assert list(faulty_fields(answer)) == list(wrong)


def test_what_the_line_cannot_take_is_refused_before_anybody_pays(world: World) -> None:
    year = world.plan("year", 1)
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, year)
    wish = {"line": line.id, "plan": year.plan_id}

    fits = api.post("/quotes", wish)
    too_far = api.post("/quotes", {**wish, "quantity": 2})

    assert fits.status_code == 201
    assert refusal(too_far) == (409, "stack_limit")
    assert too_far.json()["max_days"] == 731
    assert "731" in too_far.json()["detail"]
    assert Quote.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "code"), [("terminated", "line_terminated"), ("suspended", "line_suspended")]
)
def test_a_line_out_of_service_cannot_be_renewed(world: World, state: str, code: str) -> None:
    version = world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)
    Line.objects.filter(pk=line.pk).update(service_state=state)

    assert refusal(api.post("/quotes", {"line": line.id, "plan": version.plan_id})) == (409, code)
    assert Quote.objects.count() == 0


def test_a_plan_no_longer_sold_is_not_quoted(world: World) -> None:
    version = world.plan()
    withdraw_plan(plan=version.plan, now=clock.now())
    api, _ = world.signed_in()

    assert refusal(api.post("/quotes", {"plan": version.plan_id})) == (409, "plan_withdrawn")
    assert Quote.objects.count() == 0


def test_others_lines_cannot_be_renewed(world: World, anyone: Api) -> None:
    version = world.plan()
    api, _ = world.signed_in()
    _, stranger = world.signed_in()
    wish = {"line": world.line(stranger).id, "plan": version.plan_id}

    assert refusal(api.post("/quotes", wish)) == (404, "not_found")
    assert refusal(anyone.post("/quotes", wish)) == (401, "login_required")
    assert Quote.objects.count() == 0


def test_a_quote_costs_few_statements(world: World, django_assert_max_num_queries: Any) -> None:
    version = world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)

    with django_assert_max_num_queries(6):  # token, line, version, schedule, price, and the quote itself
        api.post("/quotes", {"line": line.id, "plan": version.plan_id})
