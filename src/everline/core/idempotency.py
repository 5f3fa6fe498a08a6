"""A client's key makes one object: begun once, continued after a crash, repeated without effect.

A key belongs to an owner for 48 hours. While a request works on it a lease of 60 seconds keeps others out; a
crash lets the lease run out, and the next request with the key continues the same object.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind
from everline.core.models import IdempotencyRecord

LEASE = timedelta(seconds=60)
LIFETIME = timedelta(hours=48)
MAX_KEY_LENGTH = 255


class KeyRequired(DomainError):
    """The call changes something and came without a key."""

    code = "idempotency_key_required"
    kind = Kind.INVALID
    message = _("Send an Idempotency-Key header of 1 to 255 printable characters with this request.")


class KeyReused(DomainError):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    kind = Kind.UNPROCESSABLE
    message = _("This Idempotency-Key was used for a different request. Use a new key for a new request.")


class InProgress(DomainError):
    """Another request with the key is still at work; `object_id` is what it works on."""

    object_id = ""
    code = "idempotency_in_progress"
    kind = Kind.CONFLICT
    message = _(
        "A request with this Idempotency-Key is still being worked on. Try again with the same key shortly."
    )


@dataclass(frozen=True)
class Claim:
    """A key in our hands. `object_id` is the object it made already; `status` is set once it has ended."""

    record_id: int
    object_id: str
    status: int | None


def fingerprint(operation: str, body: Any) -> str:
    """A digest of what was asked, the same for the same request whatever the order of its members."""
    text = json.dumps([operation, body], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


_SQL = """
INSERT INTO core_idempotencyrecord AS r (owner, key, fingerprint, object_id, status, lease_until, created_at)
VALUES (%(owner)s, %(key)s, %(fingerprint)s, %(object)s, %(status)s, %(lease)s, %(now)s)
ON CONFLICT (owner, key) DO UPDATE SET
    fingerprint = CASE WHEN r.created_at < %(oldest)s THEN EXCLUDED.fingerprint ELSE r.fingerprint END,
    object_id = CASE WHEN r.created_at < %(oldest)s THEN EXCLUDED.object_id ELSE r.object_id END,
    status = CASE WHEN r.created_at < %(oldest)s THEN EXCLUDED.status ELSE r.status END,
    created_at = CASE WHEN r.created_at < %(oldest)s THEN EXCLUDED.created_at ELSE r.created_at END,
    lease_until = EXCLUDED.lease_until
WHERE r.created_at < %(oldest)s
   OR (r.fingerprint = EXCLUDED.fingerprint AND r.status IS NULL
       AND (r.lease_until <= %(now)s OR r.lease_until > %(far)s))
RETURNING r.id, r.object_id, r.status
"""


def claim(
    *,
    owner: str,
    key: str | None,
    fingerprint: str,
    now: datetime,
    object_id: str = "",
    status: int | None = None,
) -> Claim:
    """Take a key for a request. Commit soon after: what is committed is what others see.

    Returns a claim that is new, to continue (an object without a status) or to replay (a status). Who knows
    beforehand what the object will be called names it with `object_id`: a claim that bears this very name is
    new. Who makes the object in the same transaction gives the answer's `status` as well.

    Raises:
        KeyRequired: no key, or one that is too long or not printable ASCII.
        KeyReused: the key stands for another request.
        InProgress: another request holds it.
    """
    if not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise KeyRequired
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL,
            {
                "owner": owner,
                "key": key,
                "fingerprint": fingerprint,
                "object": object_id,
                "status": status,
                "now": now,
                "lease": now + LEASE,
                "far": now + 2 * LEASE,  # the clock was moved back: such a lease binds nobody
                "oldest": now - LIFETIME,
            },
        )
        row = cursor.fetchone()
    if row is not None:
        return Claim(*row)
    record = IdempotencyRecord.objects.get(owner=owner, key=key)
    if record.fingerprint != fingerprint:
        raise KeyReused
    if record.status is None:
        busy = InProgress()
        busy.object_id = record.object_id
        raise busy
    return Claim(record.pk, record.object_id, record.status)


def bind(held: Claim, object_id: str, *, status: int | None = None) -> None:
    """Remember the object, in the transaction that makes it; with a status the request has ended."""
    IdempotencyRecord.objects.filter(pk=held.record_id).update(object_id=object_id, status=status)


def close(held: Claim, status: int) -> None:
    """The request has ended: repeats get this status and the object as it is then."""
    IdempotencyRecord.objects.filter(pk=held.record_id).update(status=status)


def release(held: Claim, now: datetime) -> None:
    """Give the key back without an end: the next request with it continues at once."""
    IdempotencyRecord.objects.filter(pk=held.record_id, status=None).update(lease_until=now)


def forget_old(now: datetime) -> int:
    """Drop keys past their lifetime."""
    return IdempotencyRecord.objects.filter(created_at__lt=now - LIFETIME).delete()[0]
