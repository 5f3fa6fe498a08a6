from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from pydantic import Field
from typing_extensions import TypedDict

from everline.api.answers import Cursor, Id, Instant, instant, instant_or_none, one_of
from everline.api.auth import qr_signature
from everline.catalog.terms import days_left
from everline.catalog.types import PeriodKind
from everline.lines.states import ProfileState, ServiceState
from everline.usage.states import PeriodState
from everline.usage.types import UNITS, PeriodView, Service, UsagePoint, UsageSeries
from everline.usage.types import Balance as BalanceView

if TYPE_CHECKING:
    from everline.lines.models import Line as LineRow

ServiceWord = Annotated[str, one_of(*Service)]
UnitWord = Annotated[str, one_of(*UNITS.values())]


class Period(TypedDict):
    """What a paid order gives: `[starts_at, ends_at)`; times are null while a start is open."""

    id: Id
    order: Id
    plan: Id
    kind: Annotated[str, one_of(*PeriodKind)]
    starts_at: Instant | None
    ends_at: Instant | None
    state: Annotated[str, one_of(*PeriodState)]
    opens_by: Instant | None


class Balance(TypedDict):
    """What is left of one service now; `total` and `remaining` are null where it is unlimited."""

    service: ServiceWord
    unit: UnitWord
    total: int | None
    used: int
    remaining: int | None
    unlimited: bool
    as_of: Instant


class Install(TypedDict):
    """What puts the eSIM on a device. Whoever has the `qr_url` sees the code: keep it like a password."""

    smdp_address: str
    matching_id: str
    confirmation_code: str | None
    lpa: str
    ios_url: str
    android_url: str
    qr_url: str
    apn: str


class Line(TypedDict):
    """One eSIM subscription. `valid_until` is the end of the last paid base period, queued ones included."""

    id: Id
    label: str
    iccid: str
    eid: str | None
    msisdn: str | None
    timezone: str | None
    service_state: Annotated[str, one_of(*ServiceState)]
    profile_state: Annotated[str, one_of(*ProfileState)]
    valid_until: Instant | None
    days_left: int
    balances: list[Balance]
    periods: list[Period]
    install: Install | None
    auto_renew: Annotated[None, Field(description="Null: automatic renewal is not set up.")]


class LineList(TypedDict):
    """A page of lines, oldest first."""

    data: list[Line]
    next_cursor: Cursor


Usage = TypedDict(
    "Usage",
    {
        "from": Instant,
        "to": Instant,
        "service": ServiceWord,
        "quantity": int,
        "country": str | None,
    },
)


class UsageReport(TypedDict):
    """Usage by steps of the line's calendar, empty ones left out; `as_of`: when the newest record came in."""

    data: list[Usage]
    as_of: Instant


def line_shape(
    line: "LineRow",
    *,
    balances: Sequence[BalanceView],
    periods: Sequence[PeriodView],
    origin: str,
    now: datetime,
) -> Line:
    """A line as it stands at `now`."""
    return {
        "id": line.id,
        "label": line.label,
        "iccid": line.iccid,
        "eid": line.eid or None,
        "msisdn": line.msisdn,
        "timezone": line.timezone or None,
        "service_state": line.state_at(now),
        "profile_state": line.profile_state,
        "valid_until": instant_or_none(line.valid_until),
        "days_left": 0 if line.valid_until is None else days_left(now, line.valid_until),
        "balances": [balance_shape(each) for each in balances],
        "periods": [period_shape(each) for each in periods],
        "install": _install(line, origin),
        "auto_renew": None,
    }


def period_shape(period: PeriodView) -> Period:
    """One service period."""
    return {
        "id": period.id,
        "order": period.order,
        "plan": period.plan_id,
        "kind": period.kind,
        "starts_at": instant_or_none(period.starts_at),
        "ends_at": instant_or_none(period.ends_at),
        "state": period.state,
        "opens_by": instant_or_none(period.opens_by),
    }


def balance_shape(balance: BalanceView) -> Balance:
    """One allowance of a line."""
    return {
        "service": balance.service,
        "unit": balance.unit,
        "total": balance.total,
        "used": balance.used,
        "remaining": balance.remaining,
        "unlimited": balance.unlimited,
        "as_of": instant(balance.as_of),
    }


def usage_shape(series: UsageSeries) -> UsageReport:
    """A usage report."""
    return {"data": [_point(each) for each in series.points], "as_of": instant(series.as_of)}


def _point(point: UsagePoint) -> Usage:
    return {
        "from": instant(point.starts_at),
        "to": instant(point.ends_at),
        "service": point.service,
        "quantity": point.quantity,
        "country": point.country,
    }


def _install(line: "LineRow", origin: str) -> Install | None:
    data = line.install
    if data is None:
        return None
    signed = urlencode({"signature": qr_signature(line.id)})
    return {
        "smdp_address": data.smdp_address,
        "matching_id": data.matching_id,
        "confirmation_code": data.confirmation_code or None,
        "lpa": data.lpa,
        "ios_url": data.ios_url,
        "android_url": data.android_url,
        "qr_url": f"{origin}/api/v1/lines/{line.id}/qr.svg?{signed}",
        "apn": data.apn,
    }
