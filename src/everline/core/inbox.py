"""The inbox: hints that something outside changed, stored raw and untrusted, applied by asking again.

Webhooks, return pages and reconcilers insert; one job per source applies, and `take` marks the rows
processed in the transaction that holds their effects.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from everline.core import clock, jobs
from everline.core.models import InboxHint

BATCH = 100
_FIRST_PAUSE = timedelta(seconds=10)
_MAX_DOUBLINGS = 9
_MAX_ERROR = 2000


def store(
    *,
    source: str,
    event_id: str,
    kind: str,
    job: str,
    object_ref: str = "",
    reference: str = "",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> bool:
    """Keep a hint once, with the job that will apply it; False when this event is known already.

    `source` names the sender (`payments:sandbox`), `object_ref` the sender's object, `reference` ours.
    """
    now = clock.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_inboxhint (source, event_id, kind, object_ref, reference, body, headers,"
                " received_at, next_try_at, tries, error)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, 0, '') ON CONFLICT DO NOTHING",
                [source, event_id, kind, object_ref, reference, body, _json(headers), now, now],
            )
            fresh = bool(cursor.rowcount == 1)
        if fresh:
            jobs.defer(job)
    return fresh


def pending(
    *, source: str, now: datetime, kinds: Iterable[str] | None = None, limit: int = BATCH
) -> list[InboxHint]:
    """Hints of senders whose name starts with `source` that wait and are due, oldest first."""
    rows = InboxHint.objects.filter(processed_at=None, next_try_at__lte=now, source__startswith=source)
    if kinds is not None:
        rows = rows.filter(kind__in=list(kinds))
    return list(rows.order_by("id")[:limit])


_TAKE = """
WITH held AS (
    SELECT id FROM core_inboxhint WHERE id = ANY(%s) AND processed_at IS NULL
    ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE core_inboxhint AS h SET processed_at = %s, error = '' FROM held WHERE h.id = held.id RETURNING h.id
"""


def take(ids: Iterable[int], now: datetime) -> set[int]:
    """Mark hints processed in the open transaction; returns those that were ours to take.

    Rows that another worker holds or has done are left out: their effects are its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [list(ids), now])
        return {row[0] for row in cursor.fetchall()}


def postpone(key: int, error: object, now: datetime) -> None:
    """Note why a hint could not be applied; it is tried again later, ever more rarely, and never dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_inboxhint SET tries = tries + 1, error = %s,"
            " next_try_at = %s + make_interval(secs => %s * power(2, least(tries, %s)))"
            " WHERE id = %s AND processed_at IS NULL",
            [str(error)[:_MAX_ERROR], now, _FIRST_PAUSE.total_seconds(), _MAX_DOUBLINGS, key],
        )


def replay(key: int, now: datetime) -> bool:
    """Have a hint applied once more, in the transaction that is open; False when there is no such row.

    Whatever was applied before: the source is asked again, and the same truth changes nothing.
    """
    rows = InboxHint.objects.filter(pk=key)
    return rows.update(processed_at=None, next_try_at=now, tries=0, error="to be applied again") == 1


def _json(headers: Mapping[str, str] | None) -> str:
    return json.dumps(dict(headers or {}))
