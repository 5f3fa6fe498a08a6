"""The network part of refunds: which are due, and what their providers say. Writes nothing but the lease."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import prefetch_related_objects

from everline.payments import registry, states
from everline.payments.errors import (
    AlreadyDone,
    AuthConfig,
    Declined,
    IdempotencyConflict,
    InvalidRequest,
    NotKnown,
    OutcomeUnknown,
    ProviderError,
    TemporarilyUnavailable,
    Unsupported,
)
from everline.payments.models import Refund
from everline.payments.port import PaymentProvider, TracksRefunds
from everline.payments.types import RefundSnapshot, RefundState

logger = logging.getLogger(__name__)

#: Longer than any call may take, so that nobody else sends the same refund meanwhile.
LEASE = timedelta(seconds=90)
#: Providers keep idempotency keys for 24 hours; an older refund is looked up before it is sent again.
KEY_LIFE = timedelta(hours=20)
#: A key that was answered with an error this often, while the provider has no refund of ours, is burnt.
_BURNT_AFTER = 4
_THREADS = 8


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """What a call brought: the refund as it is there, or a refusal for good, or nothing clear (`error`).

    `burnt`: the provider has no refund of ours and answers our key with an error again and again.
    """

    refund_id: str
    snapshot: RefundSnapshot | None = None
    refusal: str = ""
    error: str = ""
    burnt: bool = False


#: The due rows stand in a CTE: as a subquery in FROM the planner may run its LIMIT once per row.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM payments_refund WHERE status = ANY(%(open)s) AND next_try_at <= %(now)s
    ORDER BY next_try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE payments_refund AS r SET tries = r.tries + 1, next_try_at = %(until)s
FROM due
WHERE r.id = due.id
RETURNING r.*
"""


def claim_refunds(*, now: datetime, limit: int) -> list[Refund]:
    """Refunds that are due with their attempts, each for this caller alone until the lease ends."""
    rows = list(
        Refund.objects.raw(
            _CLAIM,
            {
                "now": now,
                "until": now + LEASE,
                "limit": limit,
                "open": sorted(str(status) for status in states.REFUND_OPEN),
            },
        )
    )
    prefetch_related_objects(rows, "attempt")
    return rows


def perform_all(*, refunds: Sequence[Refund], now: datetime) -> list[RefundOutcome]:
    """Send each refund, or ask about it when it was sent before; in parallel, without the database."""
    with ThreadPoolExecutor(min(_THREADS, len(refunds))) as pool:
        return list(pool.map(lambda refund: perform(refund, now), refunds))


def ask_about(*, refunds: Sequence[Refund]) -> list[RefundOutcome]:
    """What the providers say about refunds, in parallel, without the database. Nothing is sent."""
    with ThreadPoolExecutor(min(_THREADS, len(refunds))) as pool:
        return list(pool.map(_ask, refunds))


def perform(refund: Refund, now: datetime) -> RefundOutcome:
    """One refund: the same key again while providers remember it, else a look first."""
    try:
        adapter = registry.provider(refund.attempt.provider)
        if refund.psp_ref is not None:
            return _ask(refund)
        if now - refund.created_at > KEY_LIFE:
            found = _look_up(adapter, refund)
            if found is not None:
                return RefundOutcome(refund.id, snapshot=found)
        return _send(adapter, refund)
    except ProviderError as error:
        return RefundOutcome(refund.id, error=str(error))


def _send(adapter: PaymentProvider, refund: Refund) -> RefundOutcome:
    ref = refund.attempt.psp_ref or ""
    try:
        sent = adapter.refund(ref, refund.amount, refund.reason, refund.key)
    except (TemporarilyUnavailable, AuthConfig) as error:
        return RefundOutcome(refund.id, error=str(error))
    except (Declined, Unsupported, NotKnown) as error:
        return RefundOutcome(refund.id, refusal=error.code or "refused")
    except (InvalidRequest, AlreadyDone, IdempotencyConflict, OutcomeUnknown) as error:
        return _after_unclear(adapter, refund, error)
    return RefundOutcome(refund.id, snapshot=sent)


def _after_unclear(adapter: PaymentProvider, refund: Refund, error: ProviderError) -> RefundOutcome:
    """The provider said no or nothing: what it knows about our reference decides."""
    found = _look_up(adapter, refund)
    if found is not None:
        return RefundOutcome(refund.id, snapshot=found)
    if isinstance(error, InvalidRequest | AlreadyDone):
        return RefundOutcome(refund.id, refusal=error.code or "refused")
    can_look = isinstance(adapter, TracksRefunds)
    burnt = can_look and (
        isinstance(error, IdempotencyConflict) or refund.tries >= _BURNT_AFTER * (refund.key_serial + 1)
    )
    return RefundOutcome(refund.id, error=str(error), burnt=burnt)


def _look_up(adapter: PaymentProvider, refund: Refund) -> RefundSnapshot | None:
    if not isinstance(adapter, TracksRefunds):
        return None
    found = adapter.find_refund(refund.id)
    alive = [each for each in found if each.state != RefundState.FAILED]
    return next(iter(alive or found), None)


def _ask(refund: Refund) -> RefundOutcome:
    try:
        adapter = registry.provider(refund.attempt.provider)
        if not isinstance(adapter, TracksRefunds):
            return _send(adapter, refund)
        found = adapter.fetch_refund(refund.psp_ref) if refund.psp_ref else _look_up(adapter, refund)
    except ProviderError as error:
        return RefundOutcome(refund.id, error=str(error))
    if found is None:
        return RefundOutcome(refund.id, error="the provider has no such refund yet")
    return RefundOutcome(refund.id, snapshot=found)
