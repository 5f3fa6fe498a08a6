from typing import Annotated

from django.http import HttpResponse
from ninja import Router
from pydantic import Field
from typing_extensions import TypedDict

from everline.api.answers import reply
from everline.api.auth import OperatorKey, OperatorRequest
from everline.api.documents import example, refusals
from everline.api.inputs import Body
from everline.core import clock
from everline.usage.services import record_usage
from everline.usage.types import UsageInput

router = Router()

_EXAMPLE = {
    "records": [
        {
            "source": "cdr-import",
            "id": "20261122-000001",
            "iccid": "8988299000000000110",
            "service": "data",
            "quantity": 1048576,
            "at": "2026-11-22T08:00:00Z",
            "plmn": "44010",
        }
    ]
}


class UsageRecord(Body):
    """One measured event of one line, named by its id, ICCID or number."""

    source: Annotated[str, Field(description="Who measured; with `id` it names the record for good.")]
    id: str
    service: Annotated[str, Field(description="`data`, `voice` or `sms`.", examples=["data"])]
    quantity: Annotated[int, Field(description="Bytes, seconds or messages, from 0 on.")]
    at: Annotated[str, Field(description="RFC 3339 with its offset.", examples=["2026-11-22T08:00:00Z"])]
    line: str | None = None
    iccid: str | None = None
    msisdn: str | None = None
    plmn: str | None = None
    destination: str | None = None


class UsageRecords(Body):
    """Up to a thousand records."""

    records: Annotated[list[UsageRecord], Field(json_schema_extra={"maxItems": 1000})]


class Rejected(TypedDict):
    """A record that was not taken, and why."""

    id: str
    code: str


class Intake(TypedDict):
    """The fate of every record: taken, known before, or refused."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


@router.post(
    "/operator/usage-records",
    auth=OperatorKey("usage-records:write"),
    response={200: Intake},
    operation_id="recordUsage",
    openapi_extra=refusals(403, body=True, extra=example(_EXAMPLE)),
)
def take_usage(request: OperatorRequest, body: UsageRecords) -> HttpResponse:
    """Take in usage records; a repeat has no effect and counts in `duplicates`.

    A record whose values cannot be right is refused alone; one that has not the form refuses the whole call.
    """
    del request
    result = record_usage([UsageInput(**dict(record)) for record in body.records], clock.now())
    rejected = [Rejected(id=each.id, code=each.code) for each in result.rejected]
    return reply({"accepted": result.accepted, "duplicates": result.duplicates, "rejected": rejected})
