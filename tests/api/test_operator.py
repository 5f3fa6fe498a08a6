from datetime import timedelta
from typing import Any

import pytest

from everline.accounts.services import create_api_key, revoke_api_key
from everline.accounts.types import NewApiKey
from everline.core import clock
from everline.lines.models import Line
from everline.usage.models import Allocation, UsageRecord
from tests.api.world import Api, World, faulty_fields, refusal

PATH = "/operator/usage-records"
GB = 10**9


def new_key(world: World, *scopes: str) -> NewApiKey:
    return create_api_key(name="mediation", scopes=scopes, brand=world.brand, now=clock.now())


@pytest.fixture
def operator(world: World) -> Api:
    return Api(new_key(world, "usage-records:write").secret)


@pytest.fixture
def line(world: World) -> Line:
    line = world.line(world.customer())
    world.serve(line, world.plan())
    return line


def record(line: Line, number: int = 1, /, **changes: Any) -> dict[str, Any]:
    at = clock.now().isoformat()
    values = {
        "source": "cdr",
        "id": f"r-{number}",
        "line": line.id,
        "service": "data",
        "quantity": 7,
        "at": at,
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def test_records_are_taken_once(operator: Api, line: Line) -> None:
    records = [
        record(line, 1),
        record(line, 2, line=None, iccid=line.iccid),
        record(line, 3, line=None, msisdn=line.msisdn),
    ]

    first = operator.post(PATH, {"records": [*records, records[0]]})
    again = operator.post(PATH, {"records": records})

    assert first.status_code == 200, first.content
    assert first.json() == {"accepted": 3, "duplicates": 1, "rejected": []}
    assert again.json() == {"accepted": 0, "duplicates": 3, "rejected": []}
    assert UsageRecord.objects.count() == 3
    assert sum(Allocation.objects.values_list("quantity", flat=True)) == 21


def test_a_record_that_cannot_be_right_is_refused_alone(operator: Api, line: Line) -> None:
    records = [
        record(line, 1),
        record(line, 2, quantity=-1),
        record(line, 3, service="fax"),
        record(line, 4, at="yesterday"),
        record(line, 5, at=(clock.now() + timedelta(hours=1)).isoformat()),
        record(line, 6, line="ln_0000000000000"),
        record(line, 7, line=None),
        record(line, 8, plmn="nowhere"),
        record(line, 9, at="2026-11-22T08:00:00"),
        record(line, 10, quantity=2**63 - 1),
        record(line, 11, source="x" * 100),
        record(line, 12, at="0001-01-01T00:00:00+14:00"),
    ]

    answer = operator.post(PATH, {"records": records}).json()

    assert (answer["accepted"], answer["duplicates"]) == (2, 0)
    assert {each["id"]: each["code"] for each in answer["rejected"]} == {
        "r-2": "invalid_quantity",
        "r-3": "unknown_service",
        "r-4": "invalid_time",
        "r-5": "future",
        "r-6": "unknown_line",
        "r-7": "unknown_line",
        "r-8": "invalid_plmn",
        "r-9": "invalid_time",
        "r-11": "invalid_id",
        "r-12": "invalid_time",
    }
    assert UsageRecord.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quantity": "7"}, "records.0.quantity"),
        ({"quantity": 7.5}, "records.0.quantity"),
        ({"quantity": 2**63}, "records.0.quantity"),
        ({"quantity": -(2**70)}, "records.0.quantity"),
        ({"service": ["data"]}, "records.0.service"),
        ({"id": 5}, "records.0.id"),
        ({"id": "a\x00b"}, "records.0.id"),
        ({"source": "\udfff"}, "records.0.source"),
        ({"at": 1763798400}, "records.0.at"),
        ({"line": {"id": 1}}, "records.0.line"),
    ],
)
def test_a_wrong_form_refuses_the_whole_call(
    operator: Api, line: Line, wrong: dict[str, Any], field: str
) -> None:
    answer = operator.post(PATH, {"records": [record(line, 1, **wrong), record(line, 2)]})

    assert refusal(answer) == (422, "validation_failed")
    assert list(faulty_fields(answer)) == [field]
    assert UsageRecord.objects.count() == 0


@pytest.mark.parametrize("body", [{}, {"records": {}}, {"records": None}, [], {"records": ["x"]}])
def test_a_call_without_records(operator: Api, line: Line, body: object) -> None:
    assert refusal(operator.post(PATH, body)) == (422, "validation_failed")


def test_a_thousand_records_at_once_and_no_more(
    operator: Api, line: Line, django_assert_max_num_queries: Any
) -> None:
    records = [record(line, number, quantity=1) for number in range(1001)]

    with django_assert_max_num_queries(20):
        taken = operator.post(PATH, {"records": records[:1000]})
    refused = operator.post(PATH, {"records": records})

    assert taken.json() == {"accepted": 1000, "duplicates": 0, "rejected": []}
    assert refusal(refused) == (422, "too_many_records")
    assert UsageRecord.objects.count() == 1000


def test_more_bytes_than_a_thousand_records_need_are_refused(operator: Api, line: Line) -> None:
    padded = record(line, 1, destination="x" * 1_100_000)

    answer = operator.post(PATH, {"records": [padded]})

    assert refusal(answer) == (413, "body_too_large")
    assert answer.json()["max_bytes"] == 1024 * 1024
    assert UsageRecord.objects.count() == 0


def test_a_key_opens_what_its_scope_says(world: World, line: Line) -> None:
    body = {"records": [record(line)]}
    customer, _ = world.signed_in()
    revoked = new_key(world, "usage-records")
    revoke_api_key(key_id=revoked.key.id, now=clock.now())

    assert Api(new_key(world, "usage-records").secret).post(PATH, body).status_code == 200
    assert refusal(Api(new_key(world, "lines", "usage-records:read").secret).post(PATH, body)) == (
        403,
        "scope_missing",
    )
    assert refusal(Api().post(PATH, body)) == (401, "key_invalid")
    assert refusal(Api("ek_nonsense").post(PATH, body)) == (401, "key_invalid")
    assert refusal(customer.post(PATH, body)) == (401, "key_invalid")
    assert refusal(Api(revoked.secret).post(PATH, body)) == (401, "key_invalid")
    assert UsageRecord.objects.count() == 1


def test_a_key_is_no_customer(world: World) -> None:
    assert refusal(Api(new_key(world, "lines").secret).get("/lines")) == (401, "login_required")
