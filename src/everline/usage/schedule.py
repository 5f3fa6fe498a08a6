"""Where the periods of an order come to lie: the arithmetic behind quotes and fulfilment alike. Pure.

A line's base periods form one queue. Dated ones tile without hole or overlap; behind a period that waits for
its first use everything stays undated. Add-ons run beside the queue. Instants are aware and in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from everline.catalog.terms import Chain, Span, Term, next_span, refill_spans
from everline.catalog.types import PeriodKind, RenewalPolicy, StartPolicy
from everline.lines.states import ServiceState
from everline.usage.errors import InvalidQuantity, LineTerminated, StackLimit
from everline.usage.states import PeriodState, StartRule
from everline.usage.types import Service

MAX_QUANTITY = 24
#: Stands for "no deadline" where a column wants a time.
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


class PlanVersionLike(Protocol):
    """The columns of a plan version that decide how its periods lie and what they hold."""

    @property
    def term_unit(self) -> str: ...  # noqa: D102
    @property
    def term_count(self) -> int: ...  # noqa: D102
    @property
    def calendar_day(self) -> bool: ...  # noqa: D102
    @property
    def refill(self) -> str: ...  # noqa: D102
    @property
    def renewal_policy(self) -> str: ...  # noqa: D102
    @property
    def start_policy(self) -> str: ...  # noqa: D102
    @property
    def activation_deadline_days(self) -> int | None: ...  # noqa: D102
    @property
    def max_stacked_days(self) -> int: ...  # noqa: D102
    @property
    def data_bytes(self) -> int | None: ...  # noqa: D102
    @property
    def voice_seconds(self) -> int | None: ...  # noqa: D102
    @property
    def sms_count(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a plan version says about time and allowances; an allowance of None is unlimited, 0 is none."""

    term: Term
    calendar_day: bool = False
    refill: str = "none"
    renewal_policy: str = "extend"
    start_policy: str = "on_purchase"
    activation_deadline_days: int | None = None
    max_stacked_days: int = 731
    data_bytes: int | None = 0
    voice_seconds: int | None = 0
    sms_count: int | None = 0

    @classmethod
    def from_version(cls, version: PlanVersionLike) -> "PlanTerms":
        """The terms of a plan version of the catalogue."""
        return cls(
            term=Term(version.term_unit, version.term_count),
            calendar_day=version.calendar_day,
            refill=version.refill,
            renewal_policy=version.renewal_policy,
            start_policy=version.start_policy,
            activation_deadline_days=version.activation_deadline_days,
            max_stacked_days=version.max_stacked_days,
            data_bytes=version.data_bytes,
            voice_seconds=version.voice_seconds,
            sms_count=version.sms_count,
        )

    @property
    def allowances(self) -> list[tuple[Service, int | None]]:
        """What the plan includes; services it does not include are left out."""
        totals = (
            (Service.DATA, self.data_bytes),
            (Service.VOICE, self.voice_seconds),
            (Service.SMS, self.sms_count),
        )
        return [(service, total) for service, total in totals if total != 0]

    @property
    def kind(self) -> PeriodKind:
        """A plan that starts beside the running one makes add-ons."""
        return PeriodKind.ADDON if self.renewal_policy == RenewalPolicy.START_NOW else PeriodKind.BASE

    @property
    def waits_for_use(self) -> bool:
        """Whether the first period starts at its first use."""
        return self.start_policy == StartPolicy.ON_FIRST_USE

    @property
    def follow_rule(self) -> StartRule:
        """How a base period of this plan starts behind another one."""
        return (
            StartRule.DEPLETION if self.renewal_policy == RenewalPolicy.QUEUE_DEPLETED else StartRule.PREVIOUS
        )

    def deadline(self, since: datetime) -> datetime | None:
        """Until when the first use must come; None where the plan sets no limit."""
        days = self.activation_deadline_days
        return None if days is None else since + days * _DAY

    def span(self, start: datetime, zone: ZoneInfo, chain: Chain | None) -> Span:
        """The period of one term from `start`."""
        return next_span(start=start, term=self.term, zone=zone, chain=chain, calendar_day=self.calendar_day)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The state of a line's queue that the next order depends on.

    `service_state` is the effective one. `valid_until` is the end of the last dated base period and `chain`
    what that period leaves to its successor. `depleted`: the running period is the last dated one and is used
    up. `undated` are the terms of base periods whose start is open, in order. `position` is the queue number
    of the newest period.
    """

    line_id: str | None
    zone: ZoneInfo
    service_state: ServiceState = ServiceState.PENDING
    valid_until: datetime | None = None
    chain: Chain | None = None
    depleted: bool = False
    undated: tuple[PlanTerms, ...] = ()
    held_until: datetime | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class PlannedPeriod:
    """One period as it would be opened; without dates while its start is open."""

    kind: PeriodKind
    state: PeriodState
    start_rule: StartRule
    starts_at: datetime | None
    ends_at: datetime | None
    opens_by: datetime | None
    chain: Chain | None


def check_purchase(schedule: Schedule, terms: PlanTerms, quantity: int, now: datetime) -> list[PlannedPeriod]:
    """What an order would give if it were fulfilled this instant; refuses before anybody pays.

    Raises:
        InvalidQuantity: not 1 to 24.
        LineTerminated: the line's grace time is over.
        StackLimit: the new end lies too far away.
    """
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidQuantity(max_quantity=MAX_QUANTITY)
    if schedule.service_state is ServiceState.TERMINATED:
        raise LineTerminated
    planned = plan_periods(schedule, terms, quantity, now)
    check_stack(schedule, planned, terms, now)
    return planned


def plan_periods(schedule: Schedule, terms: PlanTerms, quantity: int, now: datetime) -> list[PlannedPeriod]:
    """The periods of `quantity` units bought for this line at `now`, in order. Refuses nothing."""
    if terms.waits_for_use or (terms.kind is PeriodKind.BASE and schedule.undated):
        return _undated_periods(schedule, terms, quantity, now)
    start, chain = _next_start(schedule, terms, now)
    planned = []
    for number in range(quantity):
        span = terms.span(start, schedule.zone, chain)
        if terms.kind is PeriodKind.ADDON:
            rule = StartRule.PREVIOUS if number else StartRule.NOW
        else:
            rule = terms.follow_rule
        state = PeriodState.QUEUED if now < span.starts_at else PeriodState.ACTIVE
        planned.append(PlannedPeriod(terms.kind, state, rule, span.starts_at, span.ends_at, None, span.chain))
        start, chain = span.ends_at, span.chain
    return planned


def check_stack(
    schedule: Schedule, planned: Sequence[PlannedPeriod], terms: PlanTerms, now: datetime
) -> None:
    """Refuse an end beyond `max_stacked_days` from now (inclusive).

    What waits for its first use is counted as if it were used as soon as it can be. A change of the clocks
    between now and the end is not held against the customer.

    Raises:
        StackLimit: the new end lies further away.
    """
    end = planned[-1].ends_at
    if end is None:
        end = _end_if_used(schedule, [*schedule.undated, *[terms] * len(planned)], now)
    by_wall_clock = end.astimezone(schedule.zone).replace(tzinfo=None) - now.astimezone(
        schedule.zone
    ).replace(tzinfo=None)
    if min(end - now, by_wall_clock) > terms.max_stacked_days * _DAY:
        raise StackLimit(max_days=terms.max_stacked_days)


def after(schedule: Schedule, planned: Sequence[PlannedPeriod], terms: PlanTerms) -> Schedule:
    """The line's schedule once these periods have been opened: what the next order of a batch starts from."""
    position = schedule.position + len(planned)
    if planned[0].kind is PeriodKind.ADDON:
        return replace(schedule, position=position)
    last = planned[-1]
    if last.ends_at is None:
        deadlines = [schedule.held_until] if schedule.undated else []
        return replace(
            schedule,
            undated=(*schedule.undated, *[terms] * len(planned)),
            held_until=latest([*deadlines, planned[0].opens_by]),
            position=position,
        )
    return replace(
        schedule,
        service_state=ServiceState.ACTIVE,
        valid_until=last.ends_at,
        chain=last.chain,
        depleted=False,
        position=position,
    )


def bucket_spans(
    terms: PlanTerms, span: Span, zone: ZoneInfo
) -> list[tuple[Service, int, datetime, datetime, int | None]]:
    """The buckets of one period: service, number, start, end, total.

    A plan that refills makes a bucket per refill of every limited allowance; an unlimited one needs none.
    """
    refills = refill_spans(span, terms.refill, zone, calendar_day=terms.calendar_day)
    buckets = []
    for service, total in terms.allowances:
        spans = [(span.starts_at, span.ends_at)] if total is None else refills
        buckets += [(service, number, start, end, total) for number, (start, end) in enumerate(spans, 1)]
    return buckets


def latest(deadlines: Sequence[datetime | None]) -> datetime | None:
    """How long periods that wait keep the number: the last of their deadlines; no deadline is for ever."""
    if not deadlines:
        return None
    return max(FOREVER if moment is None else moment for moment in deadlines)


def _next_start(schedule: Schedule, terms: PlanTerms, now: datetime) -> tuple[datetime, Chain | None]:
    end = schedule.valid_until
    if terms.kind is PeriodKind.ADDON or end is None or end < now:
        return now, None
    if terms.follow_rule is StartRule.DEPLETION and schedule.depleted:
        return now, None
    return end, schedule.chain


def _undated_periods(
    schedule: Schedule, terms: PlanTerms, quantity: int, now: datetime
) -> list[PlannedPeriod]:
    """The first waits for its use, the others for the one before.

    The time to use it runs from when it can first be used. Behind another open period that is not known yet.
    """
    opens_by = None
    if terms.waits_for_use and (terms.kind is PeriodKind.ADDON or not schedule.undated):
        since = now if terms.kind is PeriodKind.ADDON else max(now, schedule.valid_until or now)
        opens_by = terms.deadline(since)
    first = StartRule.FIRST_USE if terms.waits_for_use else terms.follow_rule
    rules = [first, *[terms.follow_rule] * (quantity - 1)]
    return [PlannedPeriod(terms.kind, PeriodState.QUEUED, rule, None, None, opens_by, None) for rule in rules]


def _end_if_used(schedule: Schedule, queue: Sequence[PlanTerms], now: datetime) -> datetime:
    start, chain = _next_start(schedule, queue[0], now)
    for terms in queue:
        span = terms.span(start, schedule.zone, chain)
        start, chain = span.ends_at, span.chain
    return start
