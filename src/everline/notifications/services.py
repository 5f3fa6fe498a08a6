"""Messages in, outcomes recorded. Sending itself happens outside transactions, in `delivery`."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from everline.core import jobs
from everline.core.events import publish
from everline.core.ids import from_int, new_id, to_int
from everline.core.states import transition_many
from everline.core.transactions import retrying
from everline.notifications.events import MessageGivenUp, MessageSent
from everline.notifications.models import Delivery
from everline.notifications.models import Message as MessageRow
from everline.notifications.states import DeliveryState
from everline.notifications.types import Channel, Kind, Message, Outcome

BATCH = 100
#: How long a worker may hold what it took; longer than its sending can last.
LEASE = timedelta(seconds=30)
#: Pauses after the first, second, … refused try; the last one repeats until the patience ends.
PAUSES: tuple[timedelta, ...] = (
    timedelta(seconds=20),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
#: From the moment a message was queued; a clock that jumps ahead takes none of these tries away.
PATIENCE = timedelta(hours=72)
MIN_TRIES = 5
#: Clocks of several machines differ by less; a decision further ahead was made before the clock went back.
CLOCK_STEP = timedelta(minutes=15)
_ERROR_LENGTH = 500

_ENQUEUE = """
WITH added AS (
    INSERT INTO notifications_message
        (id, kind, channel, "to", locale, brand, context, private, attachments, dedupe_key, reference,
         created_at)
    SELECT n.id, n.kind, n.channel, n."to", n.locale, n.brand, n.context, n.private, n.attachments,
           n.dedupe_key, n.reference, %(now)s
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS n (
        id bigint, kind text, channel text, "to" text, locale text, brand jsonb, context jsonb, private jsonb,
        attachments jsonb, dedupe_key text, reference text
    )
    ON CONFLICT (dedupe_key) DO NOTHING
    RETURNING id
)
INSERT INTO notifications_delivery
    (message_id, status, tries, queued_at, next_try_at, decided_at, last_error)
SELECT id, %(queued)s, 0, %(now)s, %(now)s, %(now)s, '' FROM added
RETURNING message_id
"""


def enqueue(*messages: Message, now: datetime) -> list[str]:
    """Write messages to be delivered, in the transaction that is open; returns the ids of the new ones.

    A message whose `dedupe_key` is known already is left out.

    Raises:
        ValueError: a kind or channel that does not exist.
    """
    if not messages:
        return []
    rows = [_as_row(message) for message in messages]
    with connection.cursor() as cursor:
        cursor.execute(_ENQUEUE, {"rows": json.dumps(rows), "now": now, "queued": DeliveryState.QUEUED.value})
        added = [from_int("msg", row[0]) for row in cursor.fetchall()]
    if added:
        jobs.defer("notifications.deliver")
    return added


def _as_row(message: Message) -> dict[str, object]:
    return {
        "id": to_int("msg", new_id("msg")),
        "kind": Kind(message.kind).value,
        "channel": Channel(message.channel).value,
        "to": message.to,
        "locale": message.locale,
        "brand": message.brand,
        "context": message.context,
        "private": message.private,
        "attachments": [{"kind": each.kind, "reference": each.reference} for each in message.attachments],
        "dedupe_key": message.dedupe_key,
        "reference": message.reference,
    }


@retrying
@transaction.atomic
def claim_due(now: datetime) -> list[Delivery]:
    """Take up to a hundred deliveries that are due, oldest first, with their messages, for `LEASE`.

    What another worker holds is passed over. A worker that dies gives its share back when the lease ends.
    """
    due = Q(next_try_at__lte=now) | Q(decided_at__gt=now + CLOCK_STEP)
    claimed = list(
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(due, status=DeliveryState.QUEUED)
        .select_related("message")
        .order_by("next_try_at", "id")[:BATCH]
    )
    Delivery.objects.filter(id__in=[each.id for each in claimed]).update(
        next_try_at=now + LEASE, decided_at=now
    )
    return claimed


@retrying
@transaction.atomic
def record_outcomes(
    deliveries: Sequence[Delivery], outcomes: Sequence[Outcome], now: datetime
) -> Counter[str]:
    """Write what came of a batch and publish it; returns how many were sent, given up and postponed.

    A delivery that somebody else has ended meanwhile stays as it is and publishes nothing.
    """
    by_id = {each.id: each for each in deliveries}
    sent = [outcome.delivery_id for outcome in outcomes if not outcome.error]
    failed = [outcome for outcome in outcomes if outcome.error]
    hopeless = [o for o in failed if o.permanent or _is_out_of_patience(by_id[o.delivery_id], now)]
    waiting = [o for o in failed if o not in hopeless]
    ended = {"ended_at": now, "decided_at": now}
    moved = transition_many(Delivery, sent, to=DeliveryState.SENT, set={**ended, "last_error": ""}, now=now)
    publish(*(_sent(by_id[key].message, now) for key in moved))
    lost = _give_up(by_id, hopeless, ended, now)
    _postpone(by_id, waiting, now)
    _wipe_private(by_id, [*moved, *lost])
    return Counter(sent=len(moved), given_up=len(lost), postponed=len(waiting))


def release(deliveries: Sequence[Delivery], now: datetime) -> None:
    """Give back deliveries that were taken and not tried."""
    ids = [each.id for each in deliveries]
    Delivery.objects.filter(id__in=ids, status=DeliveryState.QUEUED).update(next_try_at=now, decided_at=now)


def _sent(message: MessageRow, now: datetime) -> MessageSent:
    return MessageSent(
        message_id=message.id,
        kind=message.kind,
        reference=message.reference,
        dedupe_key=message.dedupe_key,
        channel=message.channel,
        at=now.isoformat(),
    )


def _give_up(
    by_id: dict[int, Delivery], outcomes: Sequence[Outcome], ended: dict[str, datetime], now: datetime
) -> list[int]:
    reasons = {o.delivery_id: o.error[:_ERROR_LENGTH] for o in outcomes}
    lost: list[int] = []
    for reason in sorted(set(reasons.values())):
        ids = [key for key, text in reasons.items() if text == reason]
        lost += transition_many(
            Delivery, ids, to=DeliveryState.GIVEN_UP, set={**ended, "last_error": reason}, now=now
        )
    publish(
        *(
            MessageGivenUp(
                message_id=by_id[key].message.id,
                kind=by_id[key].message.kind,
                reference=by_id[key].message.reference,
                dedupe_key=by_id[key].message.dedupe_key,
                channel=by_id[key].message.channel,
                reason=reasons[key],
                at=now.isoformat(),
            )
            for key in lost
        )
    )
    return lost


def _is_out_of_patience(delivery: Delivery, now: datetime) -> bool:
    return delivery.queued_at + PATIENCE <= now and delivery.tries + 1 >= MIN_TRIES


def _postpone(by_id: dict[int, Delivery], outcomes: Sequence[Outcome], now: datetime) -> None:
    postponed = []
    for outcome in outcomes:
        delivery = by_id[outcome.delivery_id]
        pause = PAUSES[min(delivery.tries, len(PAUSES) - 1)]
        # The last try happens when the patience ends, not up to six hours later.
        last_call = delivery.queued_at + PATIENCE
        due = now + pause if last_call <= now else min(now + pause, last_call)
        postponed.append((delivery.id, due, outcome.error[:_ERROR_LENGTH]))
    if not postponed:
        return
    ids, times, errors = zip(*postponed, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_delivery AS d SET tries = d.tries + 1, next_try_at = o.at, decided_at = %s,"
            " last_error = o.error"
            " FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS o (id, at, error)"
            " WHERE d.id = o.id AND d.status = %s",
            [now, list(ids), list(times), list(errors), DeliveryState.QUEUED.value],
        )


def _wipe_private(by_id: dict[int, Delivery], ended: Sequence[int]) -> None:
    secret = [by_id[key].message_id for key in ended if by_id[key].message.private]
    if secret:
        MessageRow.objects.filter(id__in=secret).update(private={})
