"""Paid orders become periods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from everline.catalog.models import PlanVersion
from everline.catalog.terms import Span
from everline.catalog.types import PeriodKind
from everline.core.ids import new_id
from everline.lines.services import set_validity
from everline.lines.types import Validity
from everline.usage import reflow
from everline.usage.charging import BucketState, rebucket
from everline.usage.models import Period
from everline.usage.schedule import (
    FOREVER,
    PlannedPeriod,
    PlanTerms,
    Schedule,
    after,
    bucket_spans,
    plan_periods,
)
from everline.usage.services.books import BookKeeper, add_buckets, load_books


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One paid order to be turned into `quantity` consecutive periods of a line.

    `schedule` is the line's as read under its lock. The line's time zone becomes `schedule.zone` when it has
    none yet.
    """

    order_id: str
    line_id: str
    version: PlanVersion
    quantity: int
    schedule: Schedule


def open_periods(items: Sequence[OpenOrder], now: datetime) -> dict[str, list[Period]]:
    """Open the periods of paid orders; `now` is the instant their boundaries are decided at.

    Runs in the transaction that fulfils the orders, with their lines held and each `schedule` read under that
    lock. Two orders of one line in a batch follow one another in the order given. A constant number of
    statements for the whole batch: one insert of periods, one of buckets, the lines' validity; more only
    where a running period that is used up gives way. An order opens its periods once: the second time the
    database refuses it.
    """
    lines: dict[str, Schedule] = {}
    opened: dict[str, list[Period]] = {}
    buckets: list[tuple[str, BucketState]] = []
    cut: list[str] = []
    for item in items:
        schedule = lines.get(item.line_id, item.schedule)
        terms = PlanTerms.from_version(item.version)
        planned = plan_periods(schedule, terms, item.quantity, now)
        if _cuts_running(schedule, planned[0]):
            cut.append(item.line_id)
        opened[item.order_id] = _rows(item, schedule, planned, now)
        for row in opened[item.order_id]:
            buckets += [
                (item.line_id, bucket) for bucket in _buckets(row, planned[row.seq - 1], terms, schedule)
            ]
        lines[item.line_id] = after(schedule, planned, terms)
    _end_running(cut, now)
    Period.objects.bulk_create([row for rows in opened.values() for row in rows])
    add_buckets(buckets, now)
    set_validity(
        [
            Validity(line_id, schedule.valid_until, schedule.held_until, schedule.zone.key)
            for line_id, schedule in lines.items()
        ],
        now=now,
        reason="period opened",
    )
    return opened


def _cuts_running(schedule: Schedule, first: PlannedPeriod) -> bool:
    """A plan that starts on depletion was bought when the running period was used up already."""
    end = schedule.valid_until
    return (
        first.kind is PeriodKind.BASE
        and end is not None
        and first.starts_at is not None
        and first.starts_at < end
    )


def _end_running(line_ids: Sequence[str], now: datetime) -> None:
    if not line_ids:
        return
    books = load_books(dict.fromkeys(line_ids, (now, FOREVER)), now)
    keeper = BookKeeper(books)
    for book in books.values():
        running = next(each for each in reversed(reflow.base_queue(book.booked)) if each.running(now))
        ended = replace(running, ends_at=now, chain=None)
        book.booked = [ended if each.id == running.id else each for each in book.booked]
        book.buckets = rebucket(book.buckets, running, ended, book.zone)
    keeper.save(reason="depletion", now=now)


def _rows(
    item: OpenOrder, schedule: Schedule, planned: Sequence[PlannedPeriod], now: datetime
) -> list[Period]:
    return [
        Period(
            id=new_id("per"),
            line_id=item.line_id,
            order=item.order_id,
            seq=seq,
            position=schedule.position + seq,
            version_id=item.version.pk,
            kind=each.kind,
            state=each.state,
            start_rule=each.start_rule,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            opens_by=each.opens_by,
            chain_anchor=each.chain.anchor if each.chain else None,
            chain_months=each.chain.months if each.chain else None,
            created_at=now,
        )
        for seq, each in enumerate(planned, 1)
    ]


def _buckets(row: Period, planned: PlannedPeriod, terms: PlanTerms, schedule: Schedule) -> list[BucketState]:
    if planned.starts_at is None or planned.ends_at is None:
        return []
    span = Span(planned.starts_at, planned.ends_at, planned.chain)
    return [
        BucketState(new_id("bkt"), row.pk, service, number, start, end, total, fresh=True)
        for service, number, start, end, total in bucket_spans(terms, span, schedule.zone)
    ]
