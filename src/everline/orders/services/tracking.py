"""Writing an order's timeline: many steps of many orders in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from everline.orders.models import TimelineEntry
from everline.orders.timeline import Step


@dataclass(frozen=True, slots=True)
class Note:
    """One step of one order; `context` holds primitives for its text."""

    order_id: str
    step: Step
    context: Mapping[str, Any] = field(default_factory=dict)


def write_timeline(notes: Sequence[Note], *, now: datetime) -> None:
    """Append steps in the order given, in the transaction that makes them true."""
    if notes:
        TimelineEntry.objects.bulk_create(
            TimelineEntry(order_id=note.order_id, event=note.step, context=dict(note.context), at=now)
            for note in notes
        )
