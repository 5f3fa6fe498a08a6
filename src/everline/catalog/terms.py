"""Calendar arithmetic of plan terms: when a period ends, where its refills lie, how many days are left.

Pure: no Django, no clock, no database. Every instant that comes in is aware, every instant that goes out is
UTC. The rules are those of the business ("Periods and renewal"):

* A day term is count x 24 hours. With ``calendar_day`` it ends at the first local midnight that is at least
  that far away.
* Months and years keep the *anchor* of their chain: the day of month and the wall-clock time in the line's
  zone. The end of the k-th period is anchor + k terms and never "the last end + 1", so 31 January is followed
  by 28 or 29 February and then by 31 March again.
* A wall time that falls into a gap moves forward by the gap; of the two instants of a fold the first counts.

Both clock rules are what ``datetime`` with ``fold=0`` means (PEP 495): in a gap it applies the offset from
before the change, in a fold the earlier of the two instants.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, pairwise, takewhile
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MONTHS_PER_YEAR = 12
_MIDNIGHT = time(0)


class TermUnit(StrEnum):
    """What a term is counted in."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Refill(StrEnum):
    """How often the allowances of a period start afresh."""

    NONE = "none"
    DAILY = "daily"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Term:
    """``count`` days, months or years; ``unit`` is a :class:`TermUnit` or its plain text."""

    unit: str
    count: int

    def __post_init__(self) -> None:
        """Refuse a unit nobody knows and a term that does not move forward."""
        TermUnit(self.unit)
        if self.count < 1:
            raise ValueError(f"a term is at least one {self.unit}, not {self.count}")


@dataclass(frozen=True, slots=True)
class Chain:
    """Unbroken base periods in months or years: where they began and how many months they have run.

    ``months`` counts from the anchor to the end of the last period of the chain.
    """

    anchor: datetime
    months: int


@dataclass(frozen=True, slots=True)
class Span:
    """One period ``[starts_at, ends_at)`` and the chain its successor continues (None after a day term)."""

    starts_at: datetime
    ends_at: datetime
    chain: Chain | None


def months_of(term: Term) -> int:
    """Whole calendar months in a term; 0 for a day term, which is counted in hours."""
    match TermUnit(term.unit):
        case TermUnit.DAY:
            return 0
        case TermUnit.MONTH:
            return term.count
        case TermUnit.YEAR:
            return term.count * MONTHS_PER_YEAR


def next_span(
    *,
    start: datetime,
    term: Term,
    zone: ZoneInfo,
    chain: Chain | None = None,
    calendar_day: bool = False,
) -> Span:
    """Return the period of one ``term`` that begins at ``start``.

    Pass ``chain`` only when the new period continues an unbroken chain of months and years, that is when
    ``start`` is the end of its last period; without it ``start`` becomes the anchor of a new one.
    ``calendar_day`` matters to day terms only.
    """
    starts_at = _utc(start)
    months = months_of(term)
    if months == 0:
        return Span(starts_at, _day_end(starts_at, term.count, zone, calendar_day=calendar_day), None)
    grown = Chain(starts_at, months) if chain is None else Chain(_utc(chain.anchor), chain.months + months)
    ends_at = add_months(grown.anchor, grown.months, zone)
    if ends_at <= starts_at:
        raise ValueError(f"the chain ends at {ends_at.isoformat()}, before the start {starts_at.isoformat()}")
    return Span(starts_at, ends_at, grown)


def refill_spans(
    span: Span, refill: str, zone: ZoneInfo, *, calendar_day: bool = False
) -> list[tuple[datetime, datetime]]:
    """Cut a period into the spans of its allowances; they tile it exactly, in order.

    ``none`` gives the period itself. ``monthly`` keeps the anchor of the period's chain (of the period itself
    where it has none). ``daily`` follows the calendar of the period: 24-hour steps in a day term, local
    midnights under ``calendar_day``, the anchor's wall-clock time in a term of months or years, so that a
    change of the clocks neither adds nor takes a day's allowance.
    """
    match Refill(refill):
        case Refill.NONE:
            inner: Iterator[datetime] = iter(())
        case Refill.MONTHLY:
            inner = _monthly_boundaries(span, zone)
        case Refill.DAILY:
            inner = _daily_boundaries(span, zone, calendar_day=calendar_day)
    starts_at, ends_at = _utc(span.starts_at), _utc(span.ends_at)
    # A set, because a zone that skips a whole date (Samoa, 2011) shows two wall times at one instant.
    edges = sorted({starts_at, *(edge for edge in inner if starts_at < edge < ends_at), ends_at})
    return list(pairwise(edges))


def days_left(now: datetime, end: datetime) -> int:
    """Days of 24 hours still to come, a begun one counted whole; 0 once ``end`` is reached."""
    return max(0, -((now - end) // DAY))


def add_months(anchor: datetime, months: int, zone: ZoneInfo) -> datetime:
    """Return ``anchor`` + ``months`` by the calendar of ``zone``: same day of month and wall-clock time.

    A day that the month lacks becomes its last one.
    """
    local = _utc(anchor).astimezone(zone)
    if months == 0:
        return _utc(anchor)
    year, month_index = divmod(local.year * MONTHS_PER_YEAR + local.month - 1 + months, MONTHS_PER_YEAR)
    day = min(local.day, monthrange(year, month_index + 1)[1])
    return _at_wall_time(date(year, month_index + 1, day), local.time(), zone)


def _day_end(starts_at: datetime, days: int, zone: ZoneInfo, *, calendar_day: bool) -> datetime:
    sold = starts_at + days * DAY
    if not calendar_day:
        return sold
    return next(midnight for midnight in _local_times(sold, _MIDNIGHT, zone) if midnight >= sold)


def _monthly_boundaries(span: Span, zone: ZoneInfo) -> Iterator[datetime]:
    """All month steps around the period; the caller keeps those inside.

    Counted from the anchor and not from the start: a year that continues a chain from the 31st may itself
    start on the 30th.
    """
    anchor = span.starts_at if span.chain is None else span.chain.anchor
    elapsed = (span.starts_at.year - anchor.year) * MONTHS_PER_YEAR + span.starts_at.month - anchor.month
    months = max(0, elapsed - 1)
    while (edge := add_months(anchor, months, zone)) < span.ends_at:
        yield edge
        months += 1


def _daily_boundaries(span: Span, zone: ZoneInfo, *, calendar_day: bool) -> Iterator[datetime]:
    if calendar_day:
        edges = _local_times(span.starts_at, _MIDNIGHT, zone)
    elif span.chain is not None:
        edges = _local_times(span.starts_at, span.chain.anchor.astimezone(zone).time(), zone)
    else:
        edges = (_utc(span.starts_at) + days * DAY for days in count(1))
    return takewhile(lambda edge: edge < span.ends_at, edges)


def _local_times(around: datetime, wall: time, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when the clocks of ``zone`` show ``wall``, once a date, from the day before ``around`` on.

    The day before, because a fold at midnight can show yesterday's date a second time.
    """
    day = around.astimezone(zone).date() - DAY
    while True:
        yield _at_wall_time(day, wall, zone)
        day += DAY


def _at_wall_time(day: date, wall: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, wall.replace(fold=0), tzinfo=zone).astimezone(UTC)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)
