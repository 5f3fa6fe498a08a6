"""What takes periods away or lets them move: refunds, deadlines, and the dates themselves."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from everline.core.states import transition_many
from everline.core.transactions import retrying
from everline.lines.access import lock_lines
from everline.usage import reflow
from everline.usage.charging import LineBook, rebucket
from everline.usage.models import Period
from everline.usage.reflow import Booked
from everline.usage.schedule import FOREVER
from everline.usage.services.books import BookKeeper, load_books
from everline.usage.states import PeriodState

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a refund did to a line: periods taken away, and periods that moved up for it."""

    line_id: str | None
    revoked: list[str]
    moved: list[str]


@transaction.atomic
def revoke_periods(order_id: str, now: datetime) -> Revocation:
    """Take back what an order gave: running periods end now, queued ones go, those behind them move up.

    Nothing is left between the periods that remain, and none of them gets shorter than its term. Periods that
    have ended stay as they are. Asked again, nothing more happens.
    """
    given = list(Period.objects.filter(order=order_id).values_list("line_id", "id"))
    if not given:
        return Revocation(None, [], [])
    line_id = given[0][0]
    lock_lines([line_id])
    book = load_books({line_id: (now, FOREVER)}, now)[line_id]
    keeper = BookKeeper({line_id: book})
    before = {each.id: each for each in book.booked}
    _move(book, reflow.revoke(book.booked, {key for _line, key in given}, book.zone, now))
    keeper.save(reason="refund", now=now)
    changed = [each for each in book.booked if each != before[each.id]]
    return Revocation(
        line_id,
        [each.id for each in changed if each.state is PeriodState.REVOKED],
        [each.id for each in changed if each.state is not PeriodState.REVOKED],
    )


@retrying
def lapse_periods(now: datetime) -> int:
    """Close periods that were not used by their deadline and date what waited behind them; how many did."""
    with transaction.atomic():
        due = Period.objects.filter(state=PeriodState.QUEUED, starts_at=None, opens_by__lte=now)
        deadlines: dict[str, datetime] = {}
        for line_id, opens_by in due.order_by("opens_by").values_list("line_id", "opens_by")[:_BATCH]:
            deadlines.setdefault(line_id, opens_by or now)
        if not deadlines:
            return 0
        lock_lines(deadlines)
        # Whatever lay after the deadline matters, also what is over by now: the sweep may come late.
        books = load_books({line_id: (since, now) for line_id, since in deadlines.items()}, now)
        keeper = BookKeeper(books)
        lapsed = 0
        for book in books.values():
            alive = sum(each.alive for each in book.booked)
            _move(book, reflow.lapse(book.booked, book.zone, now))
            lapsed += alive - sum(each.alive for each in book.booked)
        keeper.save(reason="lapse", now=now)
    return lapsed


@retrying
def catch_up_periods(now: datetime) -> int:
    """Write onto stored states what the dates already say; returns how many periods moved."""
    with transaction.atomic():
        waiting = Q(state=PeriodState.QUEUED, starts_at__lte=now)
        over = Q(state__in=[PeriodState.ACTIVE, PeriodState.SUSPENDED], ends_at__lte=now)
        rows = (
            Period.objects.filter(waiting | over)
            .order_by("pk")
            .values_list("pk", "state", "ends_at")[:_BATCH]
        )
        due = list(rows)
        starting = [key for key, state, _ends in due if state == PeriodState.QUEUED]
        ending = [key for key, _state, ends in due if ends is not None and ends <= now]
        moved = transition_many(Period, starting, to=PeriodState.ACTIVE, reason="started", now=now)
        moved += transition_many(Period, ending, to=PeriodState.ENDED, reason="over", now=now)
    return len(set(moved))


def _move(book: LineBook, booked: list[Booked]) -> None:
    before = {each.id: each for each in book.booked}
    book.booked = booked
    for each in booked:
        old = before[each.id]
        if (each.starts_at, each.ends_at) != (old.starts_at, old.ends_at):
            book.buckets = rebucket(book.buckets, old, each, book.zone)
