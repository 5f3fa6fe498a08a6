"""What whoever helps a customer writes down or sets going again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from everline.accounts.models import Customer
from everline.core import audit, ids, inbox
from everline.core.errors import DomainError, Kind, NotFound
from everline.core.models import InboxHint
from everline.support.models import NOTE_LENGTH, CustomerNote


class NoteEmpty(DomainError):
    """A note says something."""

    code = "note_empty"
    kind = Kind.INVALID
    field = "text"
    message = _("Write what your colleagues should know.")


@transaction.atomic
def add_note(*, customer_id: str, text: str, actor: str, reason: str, now: datetime) -> CustomerNote:
    """Keep a note on a customer, for staff only.

    Raises:
        NotFound: no such customer.
        NoteEmpty, ReasonMissing: nothing was kept.
    """
    if not Customer.objects.filter(pk=ids.require("cus", customer_id)).exists():
        raise NotFound
    if not text.strip():
        raise NoteEmpty
    note = CustomerNote.objects.create(
        customer_id=customer_id, author=actor, text=text.strip()[:NOTE_LENGTH], at=now
    )
    audit.record(
        actor=actor,
        action="customer.noted",
        object_kind="customer",
        object_id=customer_id,
        reason=reason,
        after={"note": note.pk},
        now=now,
    )
    return note


@transaction.atomic
def replay_hint(*, hint_id: int, actor: str, reason: str, now: datetime) -> InboxHint:
    """Have an inbox row applied once more; the sweep that applies its kind takes it within seconds.

    Raises:
        NotFound: no such row.
        ReasonMissing: nothing was done.
    """
    hint = InboxHint.objects.select_for_update().filter(pk=hint_id).first()
    if hint is None:
        raise NotFound
    inbox.replay(hint.pk, now)
    audit.record(
        actor=actor,
        action="inbox.replayed",
        object_kind="inbox",
        object_id=hint.pk,
        reason=reason,
        before={
            "processed_at": hint.processed_at.isoformat() if hint.processed_at else None,
            "tries": hint.tries,
            "error": hint.error[:300],
            "reference": hint.reference,
        },
        now=now,
    )
    return hint
