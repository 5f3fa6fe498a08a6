"""Signed webhooks to the shop: written with the change they tell of, delivered until the shop says 2xx."""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from everline.core import clock, sandbox_link
from everline.core.http import Client, NoAnswer, NotSent
from everline.sandbox import faults
from everline.sandbox.db import alias
from everline.sandbox.faults import At, Fault
from everline.sandbox.models import Webhook, WebhookStatus
from everline.sandbox.wire import MAX_BIGINT, WireError, stamp

logger = logging.getLogger(__name__)

PATHS = {"payments": "/webhooks/payments/sandbox", "suppliers": "/webhooks/suppliers/simulator"}
#: Seconds until the next try after the first, second, … failure; the last one repeats.
RETRIES = (1, 5, 30, 120, 600, 3600)
GIVE_UP_AFTER = timedelta(days=3)
BATCH = 200
LANES = 4
#: Faults of a single try: the shop is not called, or its answer does not count.
_UNSENT = {Fault.DROP_BEFORE, Fault.HTTP_500, Fault.HTTP_500_SAVED, Fault.HTTP_429}
_LATER = {Fault.DELAY, Fault.SLOW}

_listeners: list[Callable[[], None]] = []
_client_lock = threading.Lock()
_clients: dict[str, Client] = {}


def on_new(listener: Callable[[], None]) -> None:
    """Call `listener` after every commit that wrote a webhook."""
    _listeners.append(listener)


def _tell() -> None:
    for listener in _listeners:
        listener()


def emit(target: str, event: str, kind: str, data: dict[str, Any], *, lane: str, now: datetime) -> None:
    """Write one event's delivery; call inside the transaction of the change. Spends faults at `webhook`.

    Events of one `lane` are delivered one after the other.
    """
    body = json.dumps({"id": event, "type": kind, "created": stamp(now), "data": data}, separators=(",", ":"))
    fired = faults.fire(At.WEBHOOK)
    row = Webhook(event=event, target=target, type=kind, lane=lane, body=body, created_at=now)
    if fired is not None:
        row.fault = fired.fault
        if fired.fault is Fault.LOSE:
            row.status = WebhookStatus.LOST
        elif fired.fault in _LATER or fired.fault is Fault.REORDER:
            row.due_at = now + timedelta(seconds=fired.seconds)
            row.held = fired.fault is Fault.REORDER
    rows = [row]
    if row.fault == Fault.DUPLICATE:
        # The copy has a lane of its own, so that both arrive at the same moment.
        rows.append(
            Webhook(
                event=event,
                target=target,
                type=kind,
                lane=f"{lane}+",
                body=body,
                created_at=now,
                fault=row.fault,
            )
        )
    Webhook.objects.bulk_create(rows)
    transaction.on_commit(_tell, using=alias())


def deliver_due(now: datetime, *, horizon: timedelta = timedelta(0)) -> list[str]:
    """Try every delivery due until `now + horizon` once; returns `webhook <type> <event>` for each try.

    One caller at a time (see `engine`): a delivery is marked only after the shop answered.
    """
    due = Q(due_at=None) | Q(due_at__lte=now + horizon)
    rows = list(Webhook.objects.filter(due, status=WebhookStatus.PENDING).order_by("held", "id")[:BATCH])
    if not rows:
        return []
    lanes: dict[str, list[Webhook]] = defaultdict(list)
    for row in rows:
        lanes[row.lane if not row.held else f"{row.lane}~"].append(row)
    for group in (
        [lane for lane in lanes.values() if not lane[0].held],
        [lane for lane in lanes.values() if lane[0].held],
    ):
        _deliver_lanes(group)
    return [f"webhook {row.type} {row.event}" for row in rows]


def _deliver_lanes(lanes: Sequence[list[Webhook]]) -> None:
    if len(lanes) == 1:
        for row in lanes[0]:
            _record(row, *_send(row))
        return
    with ThreadPoolExecutor(max_workers=LANES, thread_name_prefix="webhook") as pool:
        for results in pool.map(_send_lane, lanes):
            for row, status, error in results:
                _record(row, status, error)


def _send_lane(rows: list[Webhook]) -> list[tuple[Webhook, int | None, str]]:
    return [(row, *_send(row)) for row in rows]


def _send(row: Webhook) -> tuple[int | None, str]:
    """One try: the shop's status, or what kept it from answering. Touches no database."""
    first = row.tries == 0
    if first and row.fault in _UNSENT:
        return None, f"fault {row.fault}: not sent"
    body = row.body.encode()
    secret = sandbox_link.webhook_secret(sandbox_link.token())
    if first and row.fault == Fault.BAD_SIGNATURE:
        secret += "-forged"
    headers = {
        "Content-Type": "application/json",
        "Sandbox-Signature": sandbox_link.signature(secret, int(clock.real_now().timestamp()), body),
    }
    try:
        answer = _client().request("POST", PATHS[row.target], content=body, headers=headers)
    except (NotSent, NoAnswer) as error:
        return None, str(error)
    if first and row.fault == Fault.DROP_AFTER:
        return None, "fault drop_after: the answer was lost"
    return answer.status_code, ""


def _record(row: Webhook, status: int | None, error: str) -> None:
    now = clock.now()
    values: dict[str, Any] = {"tries": F("tries") + 1, "answer": status, "error": error[:200], "held": False}
    if status is not None and 200 <= status < 300:  # noqa: PLR2004 - the 2xx class
        values |= {"status": WebhookStatus.DELIVERED, "delivered_at": now, "due_at": None}
    elif now - row.created_at >= GIVE_UP_AFTER:
        values |= {"status": WebhookStatus.GIVEN_UP}
    else:
        wait = RETRIES[min(row.tries, len(RETRIES) - 1)]
        values |= {"due_at": now + timedelta(seconds=wait)}
    Webhook.objects.filter(pk=row.pk, status=WebhookStatus.PENDING).update(**values)
    if values.get("status") == WebhookStatus.DELIVERED:
        # What was held back to come late may come now: a later event has overtaken it.
        Webhook.objects.filter(held=True, pk__lt=row.pk).update(due_at=None, held=False)


def redeliver(ident: str, now: datetime) -> Webhook:
    """Send an event once more, whatever became of it: a new delivery, at once and without a fault.

    `ident` is a delivery's id or its event's.

    Raises:
        WireError: 404, no such delivery.
    """
    numeric = ident.isascii() and ident.isdigit() and int(ident) <= MAX_BIGINT
    chosen = Q(pk=int(ident)) if numeric else Q(event=ident)
    row = Webhook.objects.filter(chosen).order_by("-id").first()
    if row is None:
        raise WireError(404, "not_found", "There is no such webhook.")
    copy = Webhook.objects.create(
        event=row.event, target=row.target, type=row.type, lane=row.lane, body=row.body, created_at=now
    )
    _tell()
    return copy


def show(row: Webhook) -> dict[str, Any]:
    """A delivery as the control API lists it."""
    return {
        "id": str(row.pk),
        "event": row.event,
        "type": row.type,
        "target": PATHS[row.target],
        "status": row.status,
        "fault": row.fault or None,
        "attempts": row.tries,
        "response_status": row.answer,
        "error": row.error or None,
        "due_at": stamp(row.due_at),
        "created_at": stamp(row.created_at),
        "delivered_at": stamp(row.delivered_at),
        "body": json.loads(row.body),
    }


def _client() -> Client:
    """The kept-open client of the shop, per address."""
    url = shop_url()
    with _client_lock:
        if url not in _clients:
            _clients[url] = Client(url)
        return _clients[url]


def shop_url() -> str:
    """Where the shop is, without a slash at the end."""
    return str(settings.EVERLINE_SHOP_URL).rstrip("/")
