"""The supplier's words into ours. What cannot be read is OutcomeUnknown, an unknown status UNKNOWN."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from everline.suppliers.adapters.simulator.config import NAME
from everline.suppliers.errors import OutcomeUnknown
from everline.suppliers.types import (
    ORDER_CHANGED,
    PROFILE_CHANGED,
    USAGE_REPORTED,
    EventHint,
    Failure,
    Profile,
    ResultState,
    SupplierEvent,
    SupplierResult,
    UsageReport,
)

_STATES = {"pending": ResultState.PENDING, "done": ResultState.DONE, "failed": ResultState.FAILED}
_KINDS = {kind: kind for kind in (USAGE_REPORTED, PROFILE_CHANGED, ORDER_CHANGED)}
#: What a reader of an answer of the wrong shape runs into.
_WRONG_SHAPE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
#: What the inbox keeps of a name.
_NAME_LENGTH = 200


def result(body: Mapping[str, Any]) -> SupplierResult:
    """An order."""
    try:
        return SupplierResult(
            reference=_text(body["reference"]),
            state=_STATES.get(body["status"], ResultState.UNKNOWN),
            supplier_ref=_text(body.get("supplier_ref") or ""),
            iccid=_text(body.get("iccid") or ""),
            profile=_profile(body.get("profile")),
            failure=_failure(body.get("failure")),
        )
    except _WRONG_SHAPE as error:
        raise OutcomeUnknown(NAME, "unreadable_order", repr(error)) from error


def event(body: Mapping[str, Any]) -> SupplierEvent:
    """An event with what it says."""
    try:
        data = body["data"]
        return SupplierEvent(
            event_id=_text(body["id"]),
            kind=_KINDS[body["type"]],
            iccid=_text(body.get("iccid") or ""),
            usage=tuple(_usage(record) for record in data.get("records") or ()),
            profile_state=_text(data.get("profile_state") or ""),
            eid=_text(data.get("eid") or ""),
            reference=_text(data.get("reference") or ""),
        )
    except _WRONG_SHAPE as error:
        raise OutcomeUnknown(NAME, "unreadable_event", repr(error)) from error


def hints(body: Mapping[str, Any]) -> list[EventHint]:
    """What a webhook announces, without kinds of no use. Raises KeyError, TypeError or ValueError."""
    data, kind = body["data"], _KINDS.get(_text(body["type"]))
    if kind is None:
        return []
    hint = EventHint(
        event_id=_name(body["id"]),
        kind=kind,
        iccid=_name(data.get("iccid") or ""),
        reference=_name(data.get("reference") or ""),
    )
    return [hint]


def _profile(value: Any) -> Profile | None:
    if not value:
        return None
    optional = {name: _text(value.get(name) or "") for name in ("eid", "msisdn", "confirmation_code", "apn")}
    return Profile(
        iccid=_text(value["iccid"]),
        smdp_address=_text(value["smdp_address"]),
        matching_id=_text(value["matching_id"]),
        state=_text(value.get("state") or "released"),
        **optional,
    )


def _failure(value: Any) -> Failure | None:
    if not value:
        return None
    return Failure(
        _text(value["code"]), _text(value.get("message") or ""), permanent=value.get("permanent") is True
    )


def _usage(value: Any) -> UsageReport:
    at = datetime.fromisoformat(value["at"])
    if at.tzinfo is None or type(value["quantity"]) is not int:
        raise ValueError(f"a record without zone or whole quantity: {value!r}")
    return UsageReport(
        id=_text(value["id"]),
        service=_text(value["service"]),
        quantity=value["quantity"],
        at=at.astimezone(UTC),
        plmn=_text(value["plmn"]),
        destination=_text(value.get("destination") or ""),
    )


def _text(value: Any) -> str:
    """Text that a database takes: no NUL, and no half of a surrogate pair (UnicodeEncodeError)."""
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(f"not text: {value!r}")
    value.encode()
    return value


def _name(value: Any) -> str:
    text = _text(value)
    if len(text) > _NAME_LENGTH:
        raise ValueError(f"a name of {len(text)} characters")
    return text
