from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from everline.catalog.specs import FairUseSpec
from everline.core import clock
from everline.lines.models import Line
from everline.usage import services as usage
from everline.usage.types import UsageInput
from tests.api.world import Api, World, faulty_fields, refusal

GB = 10**9


def report(line: Line, quantity: int, number: int = 1, **fields: object) -> None:
    values = {"service": "data", "at": clock.now(), "plmn": "44010", **fields}
    record = UsageInput(source="test", id=f"r{number}", line=line.id, quantity=quantity, **values)  # type: ignore[arg-type]
    assert usage.record_usage([record], clock.now()).accepted == 1


def test_a_line_says_everything_the_contract_names(world: World) -> None:
    version = world.plan()
    api, customer = world.signed_in()
    line = world.line(customer)
    order = world.serve(line, version, 2)
    report(line, GB)

    answer = api.get(f"/lines/{line.id}")

    shown = answer.json()
    assert shown["id"] == line.id
    assert (shown["label"], shown["iccid"], shown["msisdn"]) == ("Holiday", line.iccid, line.msisdn)
    assert (shown["service_state"], shown["profile_state"]) == ("active", "allocated")
    assert shown["timezone"] == "Asia/Shanghai", "the customer's, fixed at the first fulfilment"
    first, second = shown["periods"]
    assert (first["state"], second["state"]) == ("active", "queued")
    assert first["ends_at"] == second["starts_at"]
    assert first["order"] == second["order"] == order
    assert (first["plan"], first["kind"], first["opens_by"]) == (version.plan_id, "base", None)
    assert shown["valid_until"] == second["ends_at"], "queued periods count"
    assert 58 <= shown["days_left"] <= 62
    data, voice = shown["balances"]
    assert (data["service"], data["unit"], data["unlimited"]) == ("data", "bytes", False)
    assert (data["total"], data["used"], data["remaining"]) == (5 * GB, GB, 4 * GB)
    assert (voice["service"], voice["unit"], voice["remaining"]) == ("voice", "seconds", 600)
    assert shown["auto_renew"] is None


def test_install_data_puts_the_esim_on_a_device(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer, confirmation_code="12345")

    install = api.get(f"/lines/{line.id}").json()["install"]

    assert install["lpa"] == "LPA:1$smdp.example$ABC-123$$1"
    assert (install["smdp_address"], install["matching_id"]) == ("smdp.example", "ABC-123")
    assert (install["confirmation_code"], install["apn"]) == ("12345", "everline")
    assert install["ios_url"].endswith(quote(install["lpa"], safe=""))
    assert install["android_url"].endswith(quote(install["lpa"], safe=""))


def test_the_qr_code_is_a_picture_for_those_who_know_its_address(world: World, anyone: Api) -> None:
    api, customer = world.signed_in()
    line, other = world.line(customer), world.line(customer)
    address = api.get(f"/lines/{line.id}").json()["install"]["qr_url"].removeprefix("http://testserver")

    picture = anyone.get(address)

    assert picture.status_code == 200
    assert picture["Content-Type"] == "image/svg+xml"
    assert b"<svg" in picture.content
    assert refusal(anyone.get(address[:-1] + ("0" if address[-1] != "0" else "1"))) == (404, "not_found")
    assert refusal(anyone.get(address.replace(line.id, other.id))) == (404, "not_found")
    assert refusal(anyone.get(address.partition("?")[0])) == (422, "validation_failed")
    assert refusal(anyone.get(address.partition("?")[0] + "?signature=%E4%B8%AD")) == (404, "not_found")


def test_a_line_that_its_supplier_has_not_told_about_has_no_install_data(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer, smdp_address="", matching_id="", msisdn=None)

    shown = api.get(f"/lines/{line.id}").json()

    assert shown["install"] is None
    assert (shown["msisdn"], shown["eid"], shown["timezone"]) == (None, None, None)
    assert (shown["service_state"], shown["valid_until"], shown["days_left"]) == ("pending", None, 0)
    assert shown["balances"] == shown["periods"] == []


def test_unlimited_and_open_ended_things_are_null(world: World) -> None:
    version = world.plan(
        data_bytes=None,
        fair_use=FairUseSpec(GB, "day", 512),
        overage="throttle",
        start_policy="on_first_use",
        activation_deadline_days=180,
    )
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, version)

    [period] = api.get(f"/lines/{line.id}").json()["periods"]

    assert (period["starts_at"], period["ends_at"], period["state"]) == (None, None, "queued")
    assert period["opens_by"] > api.get("/me").json()["created_at"]
    report(line, 5)
    data = api.get(f"/lines/{line.id}").json()["balances"][0]
    assert (data["unlimited"], data["total"], data["remaining"], data["used"]) == (True, None, None, 5)


def test_states_follow_the_clock_at_once(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, world.plan("day", 1))

    def state() -> tuple[str, int]:
        shown = api.get(f"/lines/{line.id}").json()
        return shown["service_state"], shown["days_left"]

    seen = [state()]
    for days in (2, 40):
        clock.set_offset(timedelta(days=days))
        seen.append(state())

    assert seen == [("active", 1), ("grace", 0), ("terminated", 0)]


def test_a_list_of_lines_costs_the_same_whatever_their_number(
    world: World, django_assert_num_queries: Any
) -> None:
    version = world.plan()
    api, customer = world.signed_in()
    for _ in range(6):
        world.serve(world.line(customer), version)

    with django_assert_num_queries(4):
        lines = api.get("/lines").json()["data"]

    assert [line["service_state"] for line in lines] == ["active"] * 6
    assert [line["id"] for line in lines] == list(
        Line.objects.filter(customer=customer).order_by("pk").values_list("pk", flat=True)
    )


def test_pages_of_lines_tile_the_list(world: World) -> None:
    api, customer = world.signed_in()
    made = [world.line(customer).id for _ in range(3)]

    first = api.get("/lines?limit=2").json()
    second = api.get(f"/lines?limit=2&cursor={first['next_cursor']}").json()

    assert [line["id"] for line in first["data"] + second["data"]] == made
    assert second["next_cursor"] is None
    assert refusal(api.get("/lines?cursor=xyz")) == (422, "invalid_cursor")
    assert refusal(api.get("/lines?limit=1000")) == (422, "validation_failed")


def test_others_lines_do_not_exist(world: World, anyone: Api) -> None:
    api, _ = world.signed_in()
    _, stranger = world.signed_in()
    line = world.line(stranger)

    for path in (
        f"/lines/{line.id}",
        f"/lines/{line.id}/usage",
        "/lines/ln_0",
        "/lines/%00",
        "/lines/ord_0000000000000",
    ):
        assert refusal(api.get(path)) == (404, "not_found")
    assert refusal(api.patch(f"/lines/{line.id}", {"label": "Mine"})) == (404, "not_found")
    assert refusal(anyone.get(f"/lines/{line.id}")) == (401, "login_required")
    assert api.get("/lines").json() == {"data": [], "next_cursor": None}
    line.refresh_from_db()
    assert line.label == "Holiday"


def test_a_line_gets_a_name(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)

    named = api.patch(f"/lines/{line.id}", {"label": "  平板 "})
    unnamed = api.patch(f"/lines/{line.id}", {"label": ""})

    assert named.json()["label"] == "平板"
    assert unnamed.json()["label"] == ""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"label": "x" * 61}, "invalid_label"),
        ({"label": "two\nlines"}, "invalid_label"),
        ({"label": "nul\x00"}, "validation_failed"),
        ({"label": 5}, "validation_failed"),
        ({"label": None}, "validation_failed"),
        ({"label": "ok", "iccid": "8988"}, "validation_failed"),
        ({}, "validation_failed"),
    ],
)
def test_names_that_cannot_be_stored(world: World, body: object, code: str) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)

    assert refusal(api.patch(f"/lines/{line.id}", body)) == (422, code)
    line.refresh_from_db()
    assert line.label == "Holiday"


def test_usage_is_told_by_steps_of_the_lines_calendar(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, world.plan("month"))
    report(line, 100, 1)
    report(line, 50, 2, service="voice", plmn=None)

    answer = api.get(f"/lines/{line.id}/usage").json()
    only_voice = api.get(f"/lines/{line.id}/usage?service=voice&by=hour").json()

    data, voice = answer["data"]
    assert (data["service"], data["quantity"], data["country"]) == ("data", 100, "JP")
    assert (voice["service"], voice["quantity"], voice["country"]) == ("voice", 50, None)
    assert data["from"] < answer["as_of"] <= data["to"] or data["to"].endswith("000000Z")
    assert [point["quantity"] for point in only_voice["data"]] == [50]


def test_usage_of_a_time_span(world: World) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, world.plan("month"))
    report(line, 100)
    past = {"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-31T00:00:00.5Z", "by": "month"}

    nothing = api.get(
        f"/lines/{line.id}/usage?" + "&".join(f"{key}={quote(value)}" for key, value in past.items())
    )

    assert nothing.status_code == 200, nothing.content
    assert nothing.json()["data"] == []


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("from=yesterday", "validation_failed", "from"),
        ("from=2026-11-01", "validation_failed", "from"),
        ("from=2026-11-01T00:00:00", "validation_failed", "from"),
        ("to=0001-01-01T00:00:00%2B14:00", "validation_failed", "to"),
        ("to=9999-12-31T23:59:59-14:00", "validation_failed", "to"),
        ("from=1700000000", "validation_failed", "from"),
        ("by=week", "validation_failed", "by"),
        ("service=fax", "validation_failed", "service"),
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "invalid_range", ""),
        ("from=2001-01-01T00:00:00Z&by=hour", "invalid_range", ""),
    ],
)
def test_time_spans_that_cannot_be_right(world: World, query: str, code: str, field: str) -> None:
    api, customer = world.signed_in()
    line = world.line(customer)

    answer = api.get(f"/lines/{line.id}/usage?{query}")

    assert refusal(answer) == (422, code)
    if field:
        assert list(faulty_fields(answer)) == [field]
