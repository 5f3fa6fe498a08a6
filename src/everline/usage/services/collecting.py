"""What suppliers announce about lines: fetched as they tell it, then applied."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import transaction

from everline.core import inbox
from everline.core.batches import bisect
from everline.lines.services import set_profile_states
from everline.lines.types import ProfileChange
from everline.suppliers.services import fetch_event
from everline.suppliers.types import PROFILE_CHANGED, USAGE_REPORTED, SupplierEvent
from everline.usage.services.recording import MAX_RECORDS, record_usage
from everline.usage.types import UsageInput

logger = logging.getLogger(__name__)

SOURCE = "suppliers:"
_KINDS = (USAGE_REPORTED, PROFILE_CHANGED)
_AT_ONCE = 8

_Fetched = tuple[int, str, SupplierEvent]


class EventNotApplied(RuntimeError):
    """A supplier's event names what we do not know (yet), so it waits in the inbox with this reason."""


def collect_supplier_events(now: datetime) -> int:
    """Apply waiting news of usage and profiles; returns how many events were applied.

    The truth is fetched outside any transaction; records, profile states and the inbox rows' end are written
    in one. An event that cannot be applied is tried again later and keeps its reason.
    """
    hints = inbox.pending(source=SOURCE, kinds=_KINDS, now=now)
    if not hints:
        return 0
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = list(pool.map(lambda hint: _fetch(hint.source, hint.event_id), hints))
    fetched: list[_Fetched] = []
    for hint, answer in zip(hints, answers, strict=True):
        if isinstance(answer, SupplierEvent):
            fetched.append((hint.id, hint.source, answer))
        else:
            inbox.postpone(hint.id, answer, now)
    return bisect(
        fetched,
        lambda items: _apply(items, now),
        lambda item, error: inbox.postpone(item[0], error, now),
    )


def _fetch(source: str, event_id: str) -> SupplierEvent | Exception:
    try:
        return fetch_event(supplier=source.removeprefix(SOURCE), event_id=event_id)
    except Exception as error:  # noqa: BLE001 - one supplier's failure must not stop another's events
        return error


@transaction.atomic
def _apply(items: Sequence[_Fetched], now: datetime) -> int:
    ours = inbox.take([key for key, _source, _event in items], now)
    events = [(source, event) for key, source, event in items if key in ours]
    records = [
        UsageInput(
            source=source,
            id=report.id,
            service=report.service,
            quantity=report.quantity,
            at=report.at,
            iccid=event.iccid,
            plmn=report.plmn or None,
            destination=report.destination or None,
        )
        for source, event in events
        if event.kind == USAGE_REPORTED
        for report in event.usage
    ]
    for start in range(0, len(records), MAX_RECORDS):
        rejected = record_usage(records[start : start + MAX_RECORDS], now).rejected
        if rejected:
            raise EventNotApplied(", ".join(sorted({f"{each.code}: {each.id}" for each in rejected})))
    changes = [
        ProfileChange(iccid=event.iccid, state=event.profile_state, eid=event.eid)
        for _source, event in events
        if event.kind == PROFILE_CHANGED
    ]
    if changes:
        set_profile_states(changes, now=now)
    return len(events)
