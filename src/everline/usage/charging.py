"""Which buckets a usage record is taken from, and what happens when there is no room left. Pure.

The order is: matching coverage and service, earliest end, smallest remaining. Nothing is clamped: what fits
no bucket becomes an overrun under the plan's rule.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from everline.catalog.types import PeriodKind
from everline.core.ids import new_id
from everline.usage import reflow
from everline.usage.reflow import Booked, base_queue, valid_until
from everline.usage.schedule import bucket_spans
from everline.usage.states import PeriodState, StartRule
from everline.usage.types import BIGINT_MAX, Service

#: How long after its end a period still takes late records.
CLOSES_AFTER = timedelta(hours=72)
_BLOCK = "block"


@dataclass(slots=True)
class BucketState:
    """One bucket while a batch is charged; `used` grows in place."""

    id: str
    period_id: str
    service: str
    number: int
    starts_at: datetime
    ends_at: datetime
    total: int | None
    used: int = 0
    reserved: int = 0
    fresh: bool = False

    @property
    def room(self) -> int:
        """How much it can still take; what the column can hold bounds even an unlimited one."""
        return (BIGINT_MAX if self.total is None else self.total) - self.used - self.reserved

    def covers(self, at: datetime) -> bool:
        """Whether this instant lies in it."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Offer:
    """What the plan version behind a period says about where it works and what an overrun means."""

    countries: frozenset[str]
    overage: str


@dataclass(frozen=True, slots=True)
class Event:
    """One usage record to be charged; `countries` are where it may have happened, None if not told."""

    record_id: int
    service: str
    quantity: int
    at: datetime
    countries: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a record: from a bucket, or as an overrun."""

    record_id: int
    quantity: int
    period_id: str | None
    bucket_id: str | None
    overrun: str = ""
    late: bool = False


@dataclass(slots=True)
class LineBook:
    """One line's periods and buckets while a batch of its records is charged, in memory and under its lock.

    `moved` names why the queue moved, if it did; the caller stores the difference.
    """

    line_id: str
    zone: ZoneInfo
    booked: list[Booked]
    offers: dict[str, Offer]
    buckets: list[BucketState]
    now: datetime
    moved: dict[str, str] = field(default_factory=dict)
    _by_id: dict[str, Booked] | None = None

    def charge(self, event: Event) -> list[Share]:
        """Split one record over buckets; what fits none becomes an overrun."""
        shares: list[Share] = []
        left, moment = event.quantity, event.at
        while left:
            left = self._spend(event, left, moment, shares)
            following = self._start_depleted(moment) or (self._start_by_use(event) if left else None)
            if following is None:
                break
            moment = following
        if left:
            shares.append(self._overrun(event, left))
        return shares

    def _spend(self, event: Event, left: int, moment: datetime, shares: list[Share]) -> int:
        for bucket in self._candidates(event, moment):
            taken = min(bucket.room, left)
            if self._closed(self._period(bucket.period_id)):
                shares.append(self._late(event, bucket.period_id, taken))
            else:
                bucket.used += taken
                shares.append(Share(event.record_id, taken, bucket.period_id, bucket.id))
            left -= taken
            if not left:
                break
        return left

    def _candidates(self, event: Event, moment: datetime) -> list[BucketState]:
        found = [
            bucket
            for bucket in self.buckets
            if bucket.service == event.service
            and bucket.room > 0
            and bucket.covers(moment)
            and self._period(bucket.period_id).state is not PeriodState.SUSPENDED
            and self._works_there(bucket.period_id, event)
        ]
        return sorted(found, key=lambda bucket: (bucket.ends_at, bucket.room, bucket.id))

    def _works_there(self, period_id: str, event: Event) -> bool:
        return event.countries is None or bool(event.countries & self.offers[period_id].countries)

    def _period(self, period_id: str) -> Booked:
        if self._by_id is None:
            self._by_id = {each.id: each for each in self.booked}
        return self._by_id[period_id]

    def _closed(self, period: Booked) -> bool:
        return period.ends_at is not None and period.ends_at + CLOSES_AFTER <= self.now

    def _late(self, event: Event, period_id: str, quantity: int) -> Share:
        overage = self.offers[period_id].overage
        return Share(event.record_id, quantity, period_id, None, overrun=overage, late=True)

    def _overrun(self, event: Event, quantity: int) -> Share:
        """What no bucket takes belongs to the period of its time, the base one first."""
        there = [each for each in self.booked if each.running(event.at)]
        there.sort(key=lambda each: (not self._works_there(each.id, event), each.kind is not PeriodKind.BASE))
        if not there:
            return Share(event.record_id, quantity, None, None, overrun=_BLOCK)
        own = there[0]
        if self._closed(own):
            return self._late(event, own.id, quantity)
        return Share(event.record_id, quantity, own.id, None, overrun=self.offers[own.id].overage)

    def _start_depleted(self, at: datetime) -> datetime | None:
        """Start the next base period where the running one is used up and the next one's plan wants it.

        Returns when it starts: a hair after `at` where the one before had only just begun.
        """
        queue = base_queue(self.booked)
        started = [each for each in queue if each.started(max(self.now, at))]
        running = started[-1] if started else None
        if running is None or not running.running(at) or not running.gives:
            return None
        following = next((each for each in queue if each.position > running.position), None)
        if following is None or following.start_rule is not StartRule.DEPLETION or not self._used_up(running):
            return None
        self._apply(reflow.start_next(self.booked, running, at, self.zone), "depletion")
        return self._period(following.id).starts_at

    def _used_up(self, period: Booked) -> bool:
        return depleted([each for each in self.buckets if each.period_id == period.id], self.now)

    def _start_by_use(self, event: Event) -> datetime | None:
        """Date a period that waits for its first use, if this is one and nothing dated carried it."""
        for period in self.booked:
            waits = period.undated and period.gives and period.start_rule is StartRule.FIRST_USE
            if waits and self._is_first_use(period, event):
                self._apply(reflow.start_by_use(self.booked, period.id, event.at, self.zone), "first_use")
                return event.at
        return None

    def _is_first_use(self, period: Booked, event: Event) -> bool:
        if event.at < period.created_at or (period.opens_by is not None and event.at >= period.opens_by):
            return False
        if not any(service == event.service for service, _total in period.terms.allowances):
            return False
        if not self._works_there(period.id, event):
            return False
        if period.kind is PeriodKind.ADDON:
            return True
        end = valid_until(self.booked)
        head = next(each for each in base_queue(self.booked) if each.undated)
        return head.id == period.id and (end is None or end <= event.at)

    def _apply(self, booked: list[Booked], reason: str) -> None:
        old = {each.id: each for each in self.booked}
        self.booked, self._by_id = booked, None
        for period in booked:
            before = old[period.id]
            if (period.starts_at, period.ends_at) != (before.starts_at, before.ends_at):
                self.moved.setdefault(period.id, reason)
                self.buckets = rebucket(self.buckets, before, period, self.zone)


def depleted(buckets: list[BucketState], now: datetime) -> bool:
    """Whether a period is used up: its data, or all it limits where it holds no data.

    Refills to come count as left; an unlimited allowance is never used up.
    """
    data = [each for each in buckets if each.service == Service.DATA]
    measured = data or buckets
    return bool(measured) and not any(each.room > 0 and each.ends_at > now for each in measured)


def rebucket(buckets: list[BucketState], before: Booked, period: Booked, zone: ZoneInfo) -> list[BucketState]:
    """The line's buckets after this period moved: cut where it was cut, laid out again where it starts anew.

    A bucket keeps its identity by service and number, so what was used of it stays used.
    """
    others = [each for each in buckets if each.period_id != period.id]
    own = [each for each in buckets if each.period_id == period.id]
    if period.starts_at is None or period.ends_at is None:
        return others + [_clipped(each, each.ends_at) for each in own if each.used or each.reserved]
    if period.starts_at == before.starts_at:
        return others + [_clipped(each, period.ends_at) for each in own if each.starts_at < period.ends_at]
    known = {(each.service, each.number): each for each in own}
    laid = []
    for service, number, start, end, total in bucket_spans(period.terms, period.span(), zone):
        bucket = known.get((service, number)) or BucketState(
            new_id("bkt"), period.id, service, number, start, end, total, fresh=True
        )
        bucket.starts_at, bucket.ends_at = start, end
        laid.append(bucket)
    return others + laid


def _clipped(bucket: BucketState, end: datetime) -> BucketState:
    bucket.ends_at = min(bucket.ends_at, end)
    return bucket
