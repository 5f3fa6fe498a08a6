"""What staff did, to what, and why: a row in the transaction of the deed, which nobody can change or drop."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind
from everline.core.models import AuditEntry
from everline.core.transactions import in_transaction

#: Shorter is no reason.
MIN_REASON = 3
MAX_REASON = 500


class ReasonMissing(DomainError):
    """Staff must say why they do what they do."""

    code = "reason_missing"
    kind = Kind.INVALID
    field = "reason"
    message = _("Say why, in a few words: it is kept with what you do.")


class OutsideTransaction(RuntimeError):
    """A deed and its audit row must stand or fall together: a programming error."""


def record(
    *,
    actor: str,
    action: str,
    object_kind: str,
    object_id: object,
    reason: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one row in the transaction that is open; `before` and `after` hold primitives that changed.

    Raises:
        ReasonMissing: the reason is empty or too short to be one.
        OutsideTransaction: nothing holds the deed and this row together.
    """
    if not in_transaction():
        raise OutsideTransaction(action)
    return AuditEntry.objects.create(
        actor=actor,
        action=action,
        object_kind=object_kind,
        object_id=str(object_id),
        reason=checked_reason(reason),
        before=dict(before or {}),
        after=dict(after or {}),
        at=now,
    )


def checked_reason(reason: str) -> str:
    """The reason on one line, cut to its length.

    Raises:
        ReasonMissing: there is none.
    """
    text = " ".join(reason.split())
    if len(text) < MIN_REASON:
        raise ReasonMissing
    return text[:MAX_REASON]
