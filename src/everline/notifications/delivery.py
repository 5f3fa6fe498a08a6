"""One batch on its way out: looked at once more, written out, sent in parallel, outcomes recorded.

Nothing of it happens inside a transaction. Reading and writing out is done by the thread that called, which
has the database; sending only waits for a peer and is done by others meanwhile.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from everline.core import clock
from everline.core.transactions import refuse_inside_transaction
from everline.notifications.carrying import AttachmentFailed, make_attachments, outdated
from everline.notifications.channels.port import TransportError
from everline.notifications.channels.registry import email_transport, sms_transport
from everline.notifications.models import Delivery, Message
from everline.notifications.rendering import render, render_sms, sender_name
from everline.notifications.services import claim_due, record_outcomes, release
from everline.notifications.types import AttachmentRef, Channel, Outcome, OutgoingMail, OutgoingSms

logger = logging.getLogger(__name__)

#: Sendings at once; each waits for a peer, not for the processor.
PARALLEL = 8
#: Seconds after which no new sending is started: with the longest one it stays below the lease.
BUDGET = 12.0

Sending = Callable[[], None]


def deliver_due(now: datetime | None = None) -> int:
    """Deliver what is due, batch after batch; returns how many were sent or given up or postponed."""
    refuse_inside_transaction()
    total = 0
    while claimed := claim_due(now or clock.now()):
        done = _deliver_batch(claimed)
        total += done
        if done < len(claimed):
            break
    return total


def _deliver_batch(claimed: Sequence[Delivery]) -> int:
    ends = time.monotonic() + BUDGET
    stale = outdated({(each.message.kind, each.message.reference) for each in claimed})
    with ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="mail") as pool:
        tries = [_begin(pool, delivery, stale, ends) for delivery in claimed]
        outcomes = [each for each in (_result(trying) for trying in tries) if each]
    finished = clock.now()
    tried = {each.delivery_id for each in outcomes}
    counts = record_outcomes(claimed, outcomes, finished)
    release([each for each in claimed if each.id not in tried], finished)
    if counts["given_up"] or counts["postponed"]:
        logger.warning("messages: %s", dict(counts))
    return len(outcomes)


def _begin(
    pool: ThreadPoolExecutor, delivery: Delivery, stale: dict[tuple[str, str], str], ends: float
) -> "Outcome | Future[Outcome | None] | None":
    if time.monotonic() > ends:
        return None
    message = delivery.message
    if reason := stale.get((message.kind, message.reference)) or _lapsed(message, clock.now()):
        return Outcome(delivery.id, error=f"not true any more: {reason}", permanent=True)
    try:
        sending = _sending(delivery)
    except AttachmentFailed as error:
        logger.warning("message %s waits: %s", message.id, error)
        return Outcome(delivery.id, error=str(error))
    except Exception as error:
        # One message that cannot be written out must not keep the others; a repair finds it queued.
        logger.exception("message %s failed", message.id)
        return Outcome(delivery.id, error=repr(error))
    return pool.submit(_try, delivery.id, sending, ends)


def _lapsed(message: Message, now: datetime) -> str:
    """Why a code is not worth sending any more: its minutes ran out while the transport was down."""
    minutes = message.context.get("minutes")
    if minutes is None or abs(now - message.created_at) < timedelta(minutes=minutes):
        return ""
    return "the code has expired"


def _result(trying: "Outcome | Future[Outcome | None] | None") -> Outcome | None:
    return trying.result() if isinstance(trying, Future) else trying


def _try(delivery_id: int, sending: Sending, ends: float) -> Outcome | None:
    if time.monotonic() > ends:
        return None
    try:
        sending()
    except TransportError as error:
        return Outcome(delivery_id, error=str(error) or repr(error), permanent=error.permanent)
    except Exception as error:
        logger.exception("delivery %s failed", delivery_id)
        return Outcome(delivery_id, error=repr(error))
    return Outcome(delivery_id)


def _sending(delivery: Delivery) -> Sending:
    """The message written out, with the transport that will take it."""
    if delivery.message.channel == Channel.SMS:
        sms, by_sms = as_sms(delivery), sms_transport()
        return lambda: by_sms.send(sms)
    mail, by_mail = as_mail(delivery), email_transport()
    return lambda: by_mail.send(mail)


def as_mail(delivery: Delivery) -> OutgoingMail:
    """The delivery's message, written out for an e-mail transport, its files made.

    Raises:
        MissingContext: the message lacks what its templates need.
        AttachmentFailed: a file could not be made.
    """
    message = delivery.message
    context = {**message.context, **message.private}
    refs = [AttachmentRef(each["kind"], each["reference"]) for each in message.attachments]
    return OutgoingMail(
        message_id=message.id,
        kind=message.kind,
        to=message.to,
        sender_name=sender_name(message.brand, message.locale),
        sender=str(message.brand["mail_from"]),
        rendered=render(kind=message.kind, locale=message.locale, brand=message.brand, context=context),
        attachments=make_attachments(refs, message.locale) if refs else (),
    )


def as_sms(delivery: Delivery) -> OutgoingSms:
    """The delivery's message, written out for an SMS transport.

    Raises:
        MissingContext: the message lacks what its template needs.
    """
    message = delivery.message
    context = {**message.context, **message.private}
    text = render_sms(kind=message.kind, locale=message.locale, brand=message.brand, context=context)
    return OutgoingSms(message_id=message.id, kind=message.kind, to=message.to, text=text)
