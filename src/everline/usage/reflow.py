"""How a line's queue of base periods moves when something happens to it. Pure.

Four things move boundaries that were already stored: the first use of a period that waited for it, the
depletion of the running period, a refund, and a deadline that passed unused. Each takes the periods of one
line in the order of their queue and gives them back with new dates; what did not change comes back equal.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from everline.catalog.terms import Chain, Span
from everline.catalog.types import PeriodKind
from everline.usage.schedule import PlanTerms, latest
from everline.usage.states import DEAD, PeriodState, StartRule

_INSTANT = timedelta(microseconds=1)
#: A dated period in one of these has begun; what is revoked before it begins loses its dates.
_BEGUN = frozenset({PeriodState.ACTIVE, PeriodState.ENDED, PeriodState.REVOKED})


@dataclass(frozen=True, slots=True)
class Booked:
    """One period of a line as the arithmetic sees it."""

    id: str
    order: str
    position: int
    kind: PeriodKind
    state: PeriodState
    start_rule: StartRule
    starts_at: datetime | None
    ends_at: datetime | None
    opens_by: datetime | None
    chain: Chain | None
    terms: PlanTerms
    created_at: datetime

    @property
    def alive(self) -> bool:
        """Neither refunded nor lapsed."""
        return self.state not in DEAD

    @property
    def gives(self) -> bool:
        """Alive and not suspended: it may be used, and may give way to the next."""
        return self.alive and self.state is not PeriodState.SUSPENDED

    @property
    def undated(self) -> bool:
        """Still without a start, and with a claim to one."""
        return self.starts_at is None and self.alive

    def started(self, now: datetime) -> bool:
        """Whether it has begun by then, ended or not."""
        return self.starts_at is not None and self.starts_at <= now

    def began(self, now: datetime) -> bool:
        """Like `started`; what is written down as begun has begun, even if the clock was put back."""
        return self.started(now) or (self.starts_at is not None and self.state in _BEGUN)

    def running(self, at: datetime) -> bool:
        """Whether this instant lies in it."""
        return self.starts_at is not None and self.ends_at is not None and self.starts_at <= at < self.ends_at

    def span(self) -> Span:
        """Its dates and chain; only for a dated period."""
        if self.starts_at is None or self.ends_at is None:
            raise ValueError(f"{self.id} has no dates")
        return Span(self.starts_at, self.ends_at, self.chain)


def base_queue(booked: Sequence[Booked]) -> list[Booked]:
    """The base periods that count, in the order of the queue."""
    return sorted(
        (
            each
            for each in booked
            if each.kind is PeriodKind.BASE and (each.alive or each.starts_at is not None)
        ),
        key=lambda each: each.position,
    )


def valid_until(booked: Sequence[Booked]) -> datetime | None:
    """The end of the last dated base period; one cut short by a refund counts up to its cut."""
    return max((each.ends_at for each in base_queue(booked) if each.ends_at is not None), default=None)


def held_until(booked: Sequence[Booked]) -> datetime | None:
    """How long base periods without dates keep the line's number."""
    return latest([each.opens_by for each in base_queue(booked) if each.undated])


def revoke(booked: Sequence[Booked], ids: Collection[str], zone: ZoneInfo, now: datetime) -> list[Booked]:
    """Take periods away: a running one ends now, one to come loses its dates, those behind move up."""
    taken = [_revoked(each, now) if each.id in ids and each.alive else each for each in booked]
    return _flow(taken, zone, floor=now, now=now)


def start_by_use(booked: Sequence[Booked], period_id: str, at: datetime, zone: ZoneInfo) -> list[Booked]:
    """Date the period that was first used at `at`, and those that only waited behind it."""
    used = next(each for each in booked if each.id == period_id)
    if used.kind is PeriodKind.ADDON:
        return _flow_addons(booked, used, zone, at)
    return _flow(booked, zone, floor=at, now=at, opened={period_id})


def start_next(booked: Sequence[Booked], running: Booked, at: datetime, zone: ZoneInfo) -> list[Booked]:
    """End the used-up period at `at` and start the next one there."""
    cut = max(at, running.span().starts_at + _INSTANT)
    shortened = [replace(each, ends_at=cut, chain=None) if each.id == running.id else each for each in booked]
    return _flow(shortened, zone, floor=cut, now=at)


def lapse(booked: Sequence[Booked], zone: ZoneInfo, now: datetime) -> list[Booked]:
    """Close what was not used in time; what waited behind it starts at that deadline.

    Deadlines are taken one by one, as they came, however late this runs.
    """
    current = list(booked)
    while deadlines := [each.opens_by for each in current if _overdue(each, now) and each.opens_by]:
        moment = min(deadlines)
        gone = [
            replace(each, state=PeriodState.LAPSED) if _overdue(each, moment) else each for each in current
        ]
        current = _flow(gone, zone, floor=moment, now=moment)
    return current


def _overdue(period: Booked, now: datetime) -> bool:
    """Whether its time for a first use has passed; a suspended one waits for its case to end."""
    return period.undated and period.gives and period.opens_by is not None and period.opens_by <= now


def _revoked(period: Booked, now: datetime) -> Booked:
    if period.state is PeriodState.ENDED:
        return period
    if not period.began(now):
        return replace(period, state=PeriodState.REVOKED, starts_at=None, ends_at=None, chain=None)
    if period.span().ends_at > now:
        cut = max(now, period.span().starts_at + _INSTANT)
        return replace(period, state=PeriodState.REVOKED, ends_at=cut, chain=None)
    return period


def _flow(
    booked: Sequence[Booked],
    zone: ZoneInfo,
    *,
    floor: datetime,
    now: datetime,
    opened: Collection[str] = (),
) -> list[Booked]:
    """Let the base periods that have not started by `now` follow one another again, none before `floor`.

    A period that waits for its first use, unless it is in `opened`, stops the flow: it and all behind it stay
    undated, but now it is known from when it can be used, so its deadline is set.
    """
    queue = base_queue(booked)
    fixed = [each for each in queue if each.began(now)]
    last = max(fixed, key=lambda each: each.span().ends_at, default=None)
    end, chain = (last.ends_at, last.chain) if last is not None else (None, None)
    moved: dict[str, Booked] = {}
    for period in (each for each in queue if each not in fixed):
        start = floor if end is None else max(end, floor)
        if period.undated and period.start_rule is StartRule.FIRST_USE and period.id not in opened:
            moved |= _with_deadline(queue, period, since=start)
            break
        if end is None or start > end:
            chain = None
        if period.starts_at != start:
            span = period.terms.span(start, zone, chain)
            period = replace(  # noqa: PLW2901 - the walk goes on from the moved one
                period, starts_at=span.starts_at, ends_at=span.ends_at, chain=span.chain
            )
            moved[period.id] = period
        end, chain = period.ends_at, period.chain
    return [moved.get(each.id, each) for each in booked]


def _with_deadline(queue: Sequence[Booked], head: Booked, since: datetime) -> dict[str, Booked]:
    if head.opens_by is not None:
        return {}
    opens_by = head.terms.deadline(since)
    return {each.id: replace(each, opens_by=opens_by) for each in queue if each.order == head.order}


def _flow_addons(booked: Sequence[Booked], used: Booked, zone: ZoneInfo, at: datetime) -> list[Booked]:
    start, chain, moved = at, None, {}
    for period in sorted(
        (each for each in booked if each.order == used.order), key=lambda each: each.position
    ):
        if period.undated:
            span = period.terms.span(start, zone, chain)
            moved[period.id] = replace(
                period, starts_at=span.starts_at, ends_at=span.ends_at, chain=span.chain
            )
            start, chain = span.ends_at, span.chain
    return [moved.get(each.id, each) for each in booked]
