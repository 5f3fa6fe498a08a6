"""The small drawing of an offer: what a line has now and what it gets. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from everline.catalog.types import PeriodKind

_WHOLE = 100
#: Even a day beside a year is to be seen.
_LEAST = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A bar of a hundred units from now on: the first `kept` are there already, the next `added` come new."""

    kept: int
    added: int

    @property
    def end(self) -> int:
        """Where the new part ends."""
        return self.kept + self.added


def span_of(
    now: datetime,
    current: datetime | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    kind: str,
) -> Span | None:
    """None where the start is open, or where the plan runs beside what the line has."""
    if starts_at is None or ends_at is None or kind == PeriodKind.ADDON or ends_at <= now:
        return None
    before = max(starts_at - now, timedelta(0)) if current is not None else timedelta(0)
    kept = before * _WHOLE // (ends_at - now)
    if before > timedelta(minutes=1):
        kept = max(_LEAST, min(kept, _WHOLE - _LEAST))
    return Span(kept, _WHOLE - kept)
