"""A line's service periods as a drawing: what runs and what waits, on one scale of time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from everline.catalog.types import PeriodKind
from everline.usage.states import PeriodState

if TYPE_CHECKING:
    from everline.usage.types import PeriodView

#: Positions and widths are parts of this.
WIDTH = 1000
#: How wide a period is drawn that has no dates yet.
_UNDATED = 140
_NARROWEST = 12
#: What still counts; the rest is past.
SHOWN = frozenset({PeriodState.ACTIVE, PeriodState.QUEUED, PeriodState.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Block:
    """One period: from `x` on, so wide; base periods stand in row 0, add-ons in row 1."""

    x: int
    width: int
    row: int
    state: str
    dated: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Blocks in the order of the queue, where now is, and how many rows there are."""

    blocks: Sequence[Block]
    now: int
    rows: int
    starts_at: datetime
    ends_at: datetime


def draw(periods: "Sequence[PeriodView]", now: datetime) -> Drawing | None:
    """What runs and what waits; None where nothing has dates."""
    shown = [each for each in periods if each.state in SHOWN]
    spans = [(each.starts_at, each.ends_at) for each in shown if each.starts_at and each.ends_at]
    if not spans:
        return None
    start = min(now, *(span[0] for span in spans))
    end = max(span[1] for span in spans)
    waiting = [each for each in shown if each.starts_at is None]
    room = max(WIDTH // 2, WIDTH - _UNDATED * len(waiting))
    blocks: list[Block] = []
    for each in shown:
        if each.starts_at is not None and each.ends_at is not None:
            x = _place(each.starts_at, start, end, room)
            width = max(_NARROWEST, _place(each.ends_at, start, end, room) - x)
            blocks.append(Block(min(x, room - width), width, _row(each), each.state, dated=True))
    undated = (WIDTH - room) // max(1, len(waiting))
    blocks += [
        Block(room + undated * number, undated, _row(each), each.state, dated=False)
        for number, each in enumerate(waiting)
    ]
    rows = 1 + max(block.row for block in blocks)
    return Drawing(blocks, _place(now, start, end, room), rows, start, end)


def _row(period: "PeriodView") -> int:
    return int(period.kind == PeriodKind.ADDON)


def _place(moment: datetime, start: datetime, end: datetime, room: int) -> int:
    return (moment - start) * room // max(end - start, timedelta(microseconds=1))
