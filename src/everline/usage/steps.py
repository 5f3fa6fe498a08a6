"""The steps of a usage report: hours, days or months of a line's own calendar. Pure.

A step is `[start, end)` in UTC. Days and months begin at local midnight, hours at the local full hour. Where
the clock is put forward or back a step is longer or shorter, and both hours of a fold have one of their own.
"""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from everline.usage.errors import InvalidRange

By = Literal["hour", "day", "month"]
UNITS: tuple[By, ...] = ("hour", "day", "month")
MAX_STEPS = 1_000
_MONTHS = 12


def edges_between(start: datetime, end: datetime, by: str, zone: ZoneInfo) -> list[datetime]:
    """Where a new local hour, day or month begins strictly between start and end, in UTC.

    Raises:
        InvalidRange: nothing between start and end, an unknown step, or more than a thousand steps.
    """
    if start >= end or by not in UNITS:
        raise InvalidRange(max_steps=MAX_STEPS)
    edges: list[datetime] = []
    edge = start
    while (edge := _next_edge(edge, by, zone)) < end:
        edges.append(edge)
        if len(edges) >= MAX_STEPS:
            raise InvalidRange(max_steps=MAX_STEPS)
    return edges


def steps_between(start: datetime, end: datetime, by: str, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Every step from start to end, the first and the last cut there, whether anything happened in it or not.

    Raises:
        InvalidRange: see `edges_between`.
    """
    cuts = [start.astimezone(UTC), *edges_between(start, end, by, zone), end.astimezone(UTC)]
    return list(itertools.pairwise(cuts))


def window(now: datetime, by: By, count: int, zone: ZoneInfo, *, back: int = 0) -> tuple[datetime, datetime]:
    """`count` whole steps of which the last holds `now`; with `back`, that many windows earlier.

    Windows follow one another without gap or overlap.
    """
    end = _shift(_next_edge(now, by, zone), by, -count * back, zone)
    return _shift(end, by, -count, zone), end


def _shift(edge: datetime, by: By, steps: int, zone: ZoneInfo) -> datetime:
    """The beginning of the step so many steps away; `edge` is the beginning of one."""
    if by == "hour":
        return edge + timedelta(hours=steps)
    local = edge.astimezone(zone)
    if by == "day":
        # Half a day on is the same date also where midnight is left out.
        wanted = (local + timedelta(hours=12)).date() + timedelta(days=steps)
        return _midnight(wanted.year, wanted.month, wanted.day, zone)
    year, month = divmod(local.year * _MONTHS + local.month - 1 + steps, _MONTHS)
    return _midnight(year, month + 1, 1, zone)


def _midnight(year: int, month: int, day: int, zone: ZoneInfo) -> datetime:
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)


def _next_edge(after: datetime, by: str, zone: ZoneInfo) -> datetime:
    local = after.astimezone(zone)
    if by == "hour":
        # Stepping in UTC keeps both hours of a fold; only the minutes of the offset are local.
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return after.astimezone(UTC) - into + timedelta(hours=1)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if by == "day":
        following = midnight + timedelta(days=1)
    else:
        following = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    edge = following.astimezone(UTC)
    return edge if edge > after else (following + timedelta(days=1)).astimezone(UTC)
