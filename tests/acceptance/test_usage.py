"""Usage records from operators and from the network become balances and reports."""

from datetime import datetime, timedelta

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import Api, Json, Person, Sandbox, good, problem

pytestmark = pytest.mark.stack

PATH = "/operator/usage-records"


@pytest.fixture(scope="module")
def meter(world: World) -> Api:
    """An operator's key, as the command line makes it."""
    made = world.product.command("apikey", "create", "--scope", "usage-records:write", "--name", "meter")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip().splitlines()[-1]
    assert key.startswith("ek_")
    return Api(world.product.url, world.http, key)


def record(line: Json, number: int, quantity: int, **more: object) -> Json:
    named = {"source": "acceptance", "id": f"{line['id']}-{number}", "line": line["id"]}
    return {**named, "service": "data", "quantity": quantity, "at": line["periods"][0]["starts_at"], **more}


def used(person: Person, line: Json, service: str = "data") -> int:
    balances = person.get(f"/lines/{line['id']}")["balances"]
    return sum(each["used"] for each in balances if each["service"] == service)


def test_records_are_taken_once(meter: Api, holder: Person, line: Json) -> None:
    records = [record(line, n, 1_000_000) for n in range(3)]

    first = meter.post(PATH, {"records": records}, status=200)
    again = meter.post(PATH, {"records": [*records, record(line, 3, 5)]}, status=200)

    assert first == {"accepted": 3, "duplicates": 0, "rejected": []}
    assert again == {"accepted": 1, "duplicates": 3, "rejected": []}
    assert used(holder, line) == 3_000_005
    balance = next(
        each for each in holder.get(f"/lines/{line['id']}")["balances"] if each["service"] == "data"
    )
    assert balance["remaining"] == balance["total"] - 3_000_005


def test_a_repeat_within_one_call_counts_as_a_duplicate(meter: Api, holder: Person, line: Json) -> None:
    same = record(line, 1, 700)

    answer = meter.post(PATH, {"records": [same, same, {**same, "quantity": 9}]}, status=200)

    assert answer == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert used(holder, line) == 700


def test_a_line_is_named_by_id_iccid_or_number(meter: Api, holder: Person, line: Json) -> None:
    records = [
        record(line, 1, 10),
        {**record(line, 2, 10), "line": None, "iccid": line["iccid"]},
        {**record(line, 3, 60, service="voice"), "line": None, "msisdn": line["msisdn"]},
        record(line, 4, 1, service="sms"),
    ]

    assert meter.post(PATH, {"records": records}, status=200)["accepted"] == 4

    assert [used(holder, line, service) for service in ("data", "voice", "sms")] == [20, 60, 1]


def test_records_that_cannot_be_are_rejected_alone(meter: Api, holder: Person, line: Json) -> None:
    good_one = record(line, 0, 11)
    bad = [
        record(line, 1, -1),
        {**record(line, 2, 1), "line": "ln_0000000000000"},
        record(line, 3, 1, at="yesterday"),
        {**record(line, 4, 1), "line": None},
        {**record(line, 5, 1), "line": None, "iccid": "8900000000000000000"},
    ]

    answer = meter.post(PATH, {"records": [good_one, *bad]}, status=200)

    assert answer["accepted"] == 1
    assert {each["id"] for each in answer["rejected"]} == {each["id"] for each in bad}
    assert all(each["code"] for each in answer["rejected"])
    assert used(holder, line) == 11


def test_more_than_a_thousand_are_refused_and_a_thousand_are_taken(
    meter: Api, holder: Person, line: Json
) -> None:
    records = [record(line, n, 1) for n in range(1001)]

    problem(meter.call("POST", PATH, {"records": records}), 422, "too_many_records")
    assert used(holder, line) == 0
    assert meter.post(PATH, {"records": records[:1000]}, status=200)["accepted"] == 1000
    assert used(holder, line) == 1000


def test_a_key_opens_only_what_it_is_for(world: World, meter: Api, person: Person) -> None:
    problem(
        Api(person.shop, world.http, person.token).call("POST", PATH, {"records": []}), 401, "key_invalid"
    )
    assert meter.call("GET", "/me").status_code == 401
    other = world.product.command("apikey", "create", "--scope", "orders:read")
    if other.returncode == 0:
        limited = Api(person.shop, world.http, other.stdout.strip().splitlines()[-1])
        assert limited.call("POST", PATH, {"records": []}).status_code == 403


def test_the_network_reports_usage_through_the_supplier(sandbox: Sandbox, holder: Person, line: Json) -> None:
    for _report in range(2):
        sandbox.ask(
            "POST",
            "/suppliers/usage",
            {
                "iccid": line["iccid"],
                "records": [{"id": f"cdr-{line['id']}", "service": "data", "quantity": 4242}],
            },
        )
        sandbox.drain()
    sandbox.ask("POST", "/suppliers/usage", {"iccid": line["iccid"], "service": "sms", "quantity": 2})
    sandbox.drain()

    assert used(holder, line) == 4242
    assert used(holder, line, "sms") == 2


def test_a_report_adds_up(meter: Api, holder: Person, line: Json) -> None:
    start = datetime.fromisoformat(line["periods"][0]["starts_at"])
    places = [("23410", 5), ("44010", 7), (None, 9)]
    records = [record(line, n, amount, plmn=plmn) for n, (plmn, amount) in enumerate(places)]
    meter.post(PATH, {"records": records}, status=200)

    span = {"from": (start - timedelta(days=1)).isoformat(), "to": (start + timedelta(days=1)).isoformat()}
    for by in ("hour", "day", "month"):
        report = holder.get(f"/lines/{line['id']}/usage", by=by, **span)
        assert report.keys() >= {"data", "as_of"}
        assert sum(each["quantity"] for each in report["data"]) == 21
        for each in report["data"]:
            assert each.keys() >= {"from", "to", "service", "quantity"}
            assert datetime.fromisoformat(each["from"]) <= start < datetime.fromisoformat(each["to"])
    assert {each.get("country") for each in report["data"]} == {"GB", "JP", None}
    assert holder.get(f"/lines/{line['id']}/usage", service="voice", **span)["data"] == []
    for query in ("by=week", "service=fax", "from=x", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"):
        assert holder.call("GET", f"/lines/{line['id']}/usage?{query}").status_code == 422, query


def test_what_fits_no_allowance_is_not_hidden(meter: Api, holder: Person, line: Json) -> None:
    total = next(e["total"] for e in line["balances"] if e["service"] == "sms")

    meter.post(PATH, {"records": [record(line, 1, total + 5, service="sms")]}, status=200)

    balance = next(e for e in holder.get(f"/lines/{line['id']}")["balances"] if e["service"] == "sms")
    assert (balance["used"], balance["remaining"]) == (total, 0)
    report = good(holder.call("GET", f"/lines/{line['id']}/usage?service=sms"), 200)
    assert sum(each["quantity"] for each in report["data"]) == total + 5
