"""What a reported usage record must look like to be taken. Pure; every refusal is a code.

Codes: `invalid_id`, `unknown_service`, `invalid_quantity`, `invalid_time`, `future`, `invalid_plmn`,
`invalid_destination`. (`unknown_line` is found out by the database.)
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from everline.usage.types import BIGINT_MAX, Service, UsageInput

#: Clocks of networks differ; further ahead than this a record is not believed.
TOLERANCE = timedelta(minutes=5)
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_PLMN = re.compile(r"[0-9]{5,6}")
_DESTINATION = re.compile(r"[!-~]{1,20}")
_MAX_SOURCE = 60
_MAX_ID = 120
_SERVICES = {str(service) for service in Service}


@dataclass(frozen=True, slots=True)
class CleanRecord:
    """A record whose every field can be stored."""

    source: str
    id: str
    service: str
    quantity: int
    at: datetime
    plmn: str
    destination: str


def clean_record(record: UsageInput, now: datetime) -> CleanRecord | str:
    """The record in its stored form, or the code that refuses it."""
    at = _instant(record.at)
    plmn = (record.plmn or "").replace("-", "")
    refusals = (
        (_storable(record.id, _MAX_ID) and _storable(record.source, _MAX_SOURCE), "invalid_id"),
        (record.service in _SERVICES, "unknown_service"),
        (type(record.quantity) is int and 0 <= record.quantity <= BIGINT_MAX, "invalid_quantity"),
        (at is not None and at >= _OLDEST, "invalid_time"),
        (at is None or at <= now + TOLERANCE, "future"),
        (not plmn or _PLMN.fullmatch(plmn), "invalid_plmn"),
        (not record.destination or _DESTINATION.fullmatch(record.destination), "invalid_destination"),
    )
    refusal = next((code for holds, code in refusals if not holds), None)
    if refusal is not None or at is None:
        return refusal or "invalid_time"
    return CleanRecord(
        source=record.source,
        id=record.id,
        service=record.service,
        quantity=record.quantity,
        # A record from a clock that runs ahead happened now: the next period must not pay for it.
        at=min(at, now.astimezone(UTC)),
        plmn=plmn,
        destination=record.destination or "",
    )


def _storable(text: object, longest: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= longest and text.isprintable()


def _instant(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None
