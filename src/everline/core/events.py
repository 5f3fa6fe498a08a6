"""News that rises: an event is written to the outbox in the transaction that makes it, handled after it.

Who handles what stands in one table (`settings.EVERLINE_EVENT_HANDLERS`, a dotted path to
`{event type: (handler, …)}`). A handler takes a list of events of its type, runs in the transaction that
marks them done, and may see an event twice only if that transaction failed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, dataclass_transform

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from everline.core import clock, jobs
from everline.core.batches import bisect
from everline.core.models import OutboxEvent

C = TypeVar("C")
Handler = Callable[[list[Any]], None]

_TYPES: dict[str, type[Any]] = {}
_NAMES: dict[type[Any], str] = {}
BATCH = 100
_FIRST_PAUSE = timedelta(seconds=5)
_MAX_DOUBLINGS = 10
_KEPT = timedelta(days=30)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str) -> Callable[[type[C]], type[C]]:
    """Make a class of primitives a frozen event called `room.Name`."""

    def register(cls: type[C]) -> type[C]:
        frozen = dataclass(frozen=True, kw_only=True)(cls)
        if name in _TYPES:
            raise ValueError(f"two events are called {name}")
        _TYPES[name] = frozen
        _NAMES[frozen] = name
        return frozen

    return register


def publish(*events: Any) -> None:
    """Write events to the outbox, in the transaction that is open."""
    if not events:
        return
    now = clock.now()
    OutboxEvent.objects.bulk_create(
        OutboxEvent(type=_NAMES[type(each)], payload=asdict(each), created_at=now, next_try_at=now)
        for each in events
    )
    jobs.defer("core.dispatch")


def dispatch(now: datetime) -> int:
    """Hand waiting events to their handlers, oldest first, in batches; returns how many were handled."""
    total = 0
    while True:
        waiting = list(
            OutboxEvent.objects.filter(dispatched_at=None, next_try_at__lte=now)
            .order_by("id")
            .values_list("id", flat=True)[:BATCH]
        )
        done = bisect(waiting, lambda ids: _handle(ids, now), lambda key, error: _postpone(key, error, now))
        total += done
        if len(waiting) < BATCH or not done:
            return total


def handlers() -> Mapping[type[Any], Sequence[Handler]]:
    """The one table of who handles what."""
    table: Mapping[type[Any], Sequence[Handler]] = import_string(settings.EVERLINE_EVENT_HANDLERS)
    return table


@transaction.atomic
def _handle(ids: Sequence[int], now: datetime) -> int:
    rows = list(
        OutboxEvent.objects.select_for_update(skip_locked=True)
        .filter(id__in=ids, dispatched_at=None)
        .order_by("id")
    )
    by_type: dict[type[Any], list[Any]] = {}
    for row in rows:
        cls = _TYPES[row.type]
        by_type.setdefault(cls, []).append(cls(**row.payload))
    table = handlers()
    for cls, events in by_type.items():
        for handler in table.get(cls, ()):
            handler(events)
    OutboxEvent.objects.filter(id__in=[row.id for row in rows]).update(dispatched_at=now, error="")
    return len(rows)


def _postpone(key: int, error: Exception, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_outboxevent SET tries = tries + 1, error = %s,"
            " next_try_at = %s + make_interval(secs => %s * power(2, least(tries, %s))) WHERE id = %s",
            [repr(error)[:2000], now, _FIRST_PAUSE.total_seconds(), _MAX_DOUBLINGS, key],
        )


def forget_old(now: datetime) -> int:
    """Drop events handled a month ago."""
    return OutboxEvent.objects.filter(dispatched_at__lt=now - _KEPT).delete()[0]
