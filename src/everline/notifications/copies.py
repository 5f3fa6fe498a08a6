"""What staff may do to messages: send a copy, and try one again that was given up."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from everline.core import audit, ids, jobs
from everline.core.errors import DomainError, Kind, NotFound
from everline.core.states import transition
from everline.core.transactions import retrying
from everline.notifications.models import Delivery
from everline.notifications.models import Message as MessageRow
from everline.notifications.services import enqueue
from everline.notifications.states import DeliveryState
from everline.notifications.types import AttachmentRef, Message
from everline.notifications.types import Kind as MessageKind

#: Their secret part was wiped when they ended: what is left would be a mail with a hole in it.
SECRET_KINDS = frozenset(
    {MessageKind.WELCOME, MessageKind.SIGN_IN_CODE, MessageKind.RECOVERY_CODE, MessageKind.ADDRESS_CODE}
)
#: Between the key of a message and the number of its copy.
COPY = ":copy:"


class NotGivenUp(DomainError):
    """Only a delivery that was given up can be tried again."""

    code = "not_given_up"
    kind = Kind.CONFLICT
    message = _("This message was not given up; it is sent, or still being tried.")


class SecretWiped(DomainError):
    """A message with a code or a link cannot be sent again: the secret is gone, and would be too old."""

    code = "secret_wiped"
    kind = Kind.CONFLICT
    message = _("This message held a code or a link that is gone. The customer must ask for a new one.")


def copy_message(*, original: str, to: Mapping[str, str], suffix: str, now: datetime) -> str | None:
    """Write a copy of the message with this key, in the transaction that is open; returns its id.

    `to` holds the recipient for each channel. The words stay what they were; the copy has its own key. None
    where there is no such message or no address for its channel.
    """
    row = MessageRow.objects.filter(dedupe_key=original).first()
    if row is None or not to.get(row.channel):
        return None
    added = enqueue(
        Message(
            kind=row.kind,
            to=to[row.channel],
            locale=row.locale,
            brand=row.brand,
            context=row.context,
            dedupe_key=f"{original}{COPY}{suffix}",
            channel=row.channel,
            reference=row.reference,
            attachments=tuple(AttachmentRef(**each) for each in row.attachments),
        ),
        now=now,
    )
    return added[0] if added else None


@retrying
@transaction.atomic
def retry_delivery(*, message_id: str, actor: str, reason: str, now: datetime) -> Delivery:
    """Give a message that was given up a new chance: as many tries and as much patience as a new one.

    Raises:
        NotFound: no such message.
        NotGivenUp, SecretWiped, ReasonMissing: nothing was done.
    """
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("message")
        .filter(message_id=ids.require("msg", message_id))
        .first()
    )
    if delivery is None:
        raise NotFound
    if delivery.status != DeliveryState.GIVEN_UP:
        raise NotGivenUp
    if delivery.message.kind in SECRET_KINDS:
        raise SecretWiped
    before = {"status": delivery.status, "error": delivery.last_error, "tries": delivery.tries}
    fresh = {"tries": 0, "queued_at": now, "next_try_at": now, "decided_at": now, "ended_at": None}
    transition(delivery, to=DeliveryState.QUEUED, reason="staff", actor=actor[:80], set=fresh, now=now)
    jobs.defer("notifications.deliver")
    audit.record(
        actor=actor,
        action="message.retried",
        object_kind="message",
        object_id=message_id,
        reason=reason,
        before=before,
        after={"status": delivery.status},
        now=now,
    )
    return delivery
