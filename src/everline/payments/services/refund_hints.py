"""Applying hints about refunds: ask the provider, keep what it says, mark the hints done."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from everline.core import ids, inbox
from everline.core.batches import bisect
from everline.core.models import InboxHint
from everline.payments.models import Refund
from everline.payments.services.refund_calls import RefundOutcome, ask_about
from everline.payments.services.refund_outcomes import settle_refunds
from everline.payments.types import REFUND_CHANGED

logger = logging.getLogger(__name__)


def settle_refund_hints(*, now: datetime) -> int:
    """Apply every waiting hint about a refund, outside any transaction. Returns how many were applied.

    Hints about refunds that are not ours (made at the provider by hand) change nothing here and are logged.
    """
    hints = inbox.pending(source="payments:", kinds=[REFUND_CHANGED], now=now)
    if not hints:
        return 0
    wanted = {hint.reference for hint in hints if ids.is_id("ref", hint.reference)}
    refunds = list(Refund.objects.filter(pk__in=wanted).select_related("attempt"))
    outcomes = {each.refund_id: each for each in ask_about(refunds=refunds)} if refunds else {}
    return bisect(
        hints,
        lambda some: _apply(some, outcomes, now),
        lambda hint, error: inbox.postpone(hint.id, error, now),
    )


@transaction.atomic
def _apply(hints: Sequence[InboxHint], outcomes: dict[str, RefundOutcome], now: datetime) -> int:
    done: list[InboxHint] = []
    unclear: list[InboxHint] = []
    for hint in hints:
        outcome = outcomes.get(hint.reference)
        if outcome is None:
            logger.warning("%s tells of refund %r, which is not ours", hint.source, hint.object_ref)
        (unclear if outcome is not None and outcome.error else done).append(hint)
    taken = inbox.take([hint.id for hint in done], now)
    chosen = {hint.reference for hint in done if hint.id in taken} & set(outcomes)
    settle_refunds(outcomes=[outcomes[key] for key in sorted(chosen)], now=now)
    for hint in unclear:
        inbox.postpone(hint.id, outcomes[hint.reference].error, now)
    return len(taken)
