import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from everline.api.answers import page, reply
from everline.api.auth import CustomerRequest, CustomerToken, own_origin, qr_signature
from everline.api.documents import example, refusals
from everline.api.errors import InvalidCursor
from everline.api.inputs import Filter, Patch, QueryInstant, QueryInt
from everline.api.shapes.lines import Line, LineList, UsageReport, line_shape, usage_shape
from everline.core import clock, ids
from everline.core.errors import NotFound
from everline.lines import install
from everline.lines.access import get_line_for_customer
from everline.lines.selectors import lines_by_ids, lines_for_customer
from everline.lines.services import rename_line
from everline.usage import selectors as usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from everline.lines.models import Line as LineRow

router = Router()
_signed_in = CustomerToken()
_USUAL_REPORT = timedelta(days=30)


class LineFilter(Filter):
    """Which part of the list."""

    limit: Annotated[QueryInt, Field(ge=1, le=100)] = 20
    cursor: str | None = None


class LineChange(Patch):
    """A new name for the line; an empty one takes it away."""

    label: Annotated[str, Field(json_schema_extra={"maxLength": 60}, examples=["Tablet"])]


class ReportFilter(Filter):
    """Which usage, in which steps. Without times: the last thirty days."""

    start: Annotated[QueryInstant | None, Field(alias="from", description="From then on.")] = None
    end: Annotated[QueryInstant | None, Field(alias="to", description="Before then.")] = None
    by: Annotated[Literal["hour", "day", "month"], Field(description="Steps of the line's own calendar.")] = (
        "day"
    )
    service: Literal["data", "voice", "sms"] | None = None


@router.get(
    "/lines",
    auth=_signed_in,
    response={200: LineList},
    operation_id="listLines",
    openapi_extra=refusals(422),
)
def list_lines(request: CustomerRequest, wanted: Query[LineFilter]) -> HttpResponse:
    """The customer's lines with what is left on them, oldest first."""
    if wanted.cursor is not None and not ids.is_id("ln", wanted.cursor):
        raise InvalidCursor
    rows = lines_for_customer(request.auth.id, after=wanted.cursor, limit=wanted.limit + 1)
    lines = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    return page(_shapes(request, lines, clock.now()), lines[-1].id if more else None)


@router.get(
    "/lines/{line_id}",
    auth=_signed_in,
    response={200: Line},
    operation_id="readLine",
    openapi_extra=refusals(404),
)
def read_line(request: CustomerRequest, line_id: str) -> HttpResponse:
    """One line."""
    line = get_line_for_customer(customer_id=request.auth.id, line_id=line_id)
    return reply(_shapes(request, [line], clock.now())[0])


@router.patch(
    "/lines/{line_id}",
    auth=_signed_in,
    response={200: Line},
    operation_id="renameLine",
    openapi_extra=refusals(404, body=True, extra=example({"label": "Tablet"})),
)
def change_line(request: CustomerRequest, line_id: str, body: LineChange) -> HttpResponse:
    """Give a line a name."""
    line = get_line_for_customer(customer_id=request.auth.id, line_id=line_id)
    rename_line(line=line, label=body.label)
    return reply(_shapes(request, [line], clock.now())[0])


@router.get(
    "/lines/{line_id}/usage",
    auth=_signed_in,
    response={200: UsageReport},
    operation_id="readUsage",
    openapi_extra=refusals(404, 422),
)
def read_usage(request: CustomerRequest, line_id: str, wanted: Query[ReportFilter]) -> HttpResponse:
    """What a line used, by service and, where known, country."""
    line = get_line_for_customer(customer_id=request.auth.id, line_id=line_id)
    now = clock.now()
    end = wanted.end or now
    series = usage.usage_series(
        line_id=line.id,
        start=wanted.start or end - _USUAL_REPORT,
        end=end,
        by=wanted.by,
        service=wanted.service,
        zone=ZoneInfo(line.timezone or request.auth.timezone),
        now=now,
    )
    return reply(usage_shape(series))


@router.get(
    "/lines/{line_id}/qr.svg",
    operation_id="readQrCode",
    openapi_extra=refusals(
        404,
        422,
        public=True,
        answers={
            "200": {
                "description": "The activation code as a picture.",
                "content": {"image/svg+xml": {"schema": {"type": "string"}}},
            }
        },
    ),
)
def read_qr_code(request: HttpRequest, line_id: str, signature: str) -> HttpResponse:
    """The activation code as a QR code, at the address that `install.qr_url` of a line gives."""
    del request
    known = hmac.compare_digest(signature.encode(), qr_signature(line_id).encode())
    line = lines_by_ids([line_id]).get(line_id) if known and ids.is_id("ln", line_id) else None
    if line is None or line.install is None:
        raise NotFound
    return HttpResponse(install.qr_svg(line.install.lpa), content_type="image/svg+xml")


def _shapes(request: HttpRequest, lines: "Sequence[LineRow]", now: datetime) -> list[Line]:
    """Two statements, whatever the number of lines."""
    keys = [line.id for line in lines]
    if not keys:
        return []
    balances = usage.balances(keys, now)
    periods = usage.periods(keys, now)
    origin = own_origin(request)
    return [
        line_shape(
            line,
            balances=balances.get(line.id, ()),
            periods=periods.get(line.id, ()),
            origin=origin,
            now=now,
        )
        for line in lines
    ]
