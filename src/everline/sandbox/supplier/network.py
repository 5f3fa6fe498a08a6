"""What the simulated network reports: usage, and what happens to a profile on a device."""

from datetime import datetime
from typing import Any

from everline.core import clock
from everline.core.ids import is_id, new_id
from everline.sandbox import webhooks
from everline.sandbox.db import atomic
from everline.sandbox.models import Profile, SupplierEvent
from everline.sandbox.supplier import numbers, orders
from everline.sandbox.wire import Body, bad, missing, stamp

SERVICES = frozenset({"data", "voice", "sms"})
PROFILE_STATES = frozenset(
    {"allocated", "released", "downloaded", "installed", "enabled", "disabled", "deleted", "error"}
)
#: States in which a device holds the profile, so that it has an EID.
ON_DEVICE = frozenset({"downloaded", "installed", "enabled", "disabled"})
MAX_RECORDS = 1_000
#: Where a report names no network the place is unknown: an allowance of any coverage takes it.
NO_PLMN = ""


def read_iccid(body: Body) -> str:
    """18 to 20 digits."""
    return str(body.text("iccid", most=20, pattern=numbers.ICCID.pattern))


def report_usage(body: Body) -> SupplierEvent:
    """A usage event for `iccid`: `records`, or one record's members beside the ICCID.

    Raises:
        WireError: 400.
    """
    iccid, now = read_iccid(body), clock.now()
    items = body.items("records", most=MAX_RECORDS) if "records" in body.data else [body]
    if not items:
        raise bad("records", "must not be empty")
    return _report(iccid, "usage.reported", {"records": [_record(item, now) for item in items]}, now)


def _record(item: Body, now: datetime) -> dict[str, Any]:
    return {
        "id": item.text("id", most=100, default=None) or new_id("use"),
        "service": item.choice("service", SERVICES, default="data"),
        "quantity": item.integer("quantity", low=0),
        "at": stamp(item.moment("at", default=now)),
        "plmn": item.text("plmn", most=6, default=NO_PLMN, pattern=r"\d{5,6}"),
        "destination": item.text("destination", most=40, default=None),
    }


def change_profile(body: Body) -> SupplierEvent:
    """A profile event for `iccid`; one that a device holds gets an EID when none is given.

    Raises:
        WireError: 400.
    """
    iccid, now = read_iccid(body), clock.now()
    name = "profile_state" if "profile_state" in body.data else "state"
    state = body.choice(name, PROFILE_STATES)
    eid = body.text("eid", most=32, default=None, pattern=numbers.EID.pattern)
    with atomic():
        profile = orders.adopt(iccid, now)
        known = eid or profile.eid or (numbers.new_eid() if state in ON_DEVICE else None)
        Profile.objects.filter(pk=iccid).update(state=state, eid=known)
        return _report(iccid, "profile.changed", {"profile_state": state, "eid": known}, now)


def _report(iccid: str, kind: str, data: dict[str, Any], now: datetime) -> SupplierEvent:
    with atomic():
        orders.adopt(iccid, now)
        event = SupplierEvent.objects.create(type=kind, iccid=iccid, data=data, created_at=now)
        hint = {"iccid": iccid, "reference": None}
        webhooks.emit("suppliers", event.pk, kind, hint, lane=iccid, now=now)
        return event


def find_event(event_id: str) -> SupplierEvent:
    """The event of this id.

    Raises:
        WireError: 404.
    """
    event = SupplierEvent.objects.filter(pk=event_id).first() if is_id("sev", event_id) else None
    if event is None:
        raise missing("event")
    return event


def show(event: SupplierEvent) -> dict[str, Any]:
    """An event on the wire."""
    return {"id": event.pk, "type": event.type, "iccid": event.iccid, "data": event.data}
