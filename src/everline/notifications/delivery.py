"""One batch on its way out: written out, sent in parallel outside any transaction, outcomes recorded."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from everline.core import clock
from everline.core.transactions import refuse_inside_transaction
from everline.notifications.channels.port import EmailTransport, TransportError
from everline.notifications.channels.registry import email_transport
from everline.notifications.models import Delivery
from everline.notifications.rendering import brand_name, render
from everline.notifications.services import claim_due, record_outcomes, release
from everline.notifications.types import Outcome, OutgoingMail

logger = logging.getLogger(__name__)

#: Sendings at once; each waits for a peer, not for the processor.
PARALLEL = 8
#: Seconds after which no new sending is started: with the longest one it stays below the lease.
BUDGET = 12.0


def deliver_due(now: datetime | None = None) -> int:
    """Deliver what is due, batch after batch; returns how many were sent or given up or postponed."""
    refuse_inside_transaction()
    transport = email_transport()
    total = 0
    while claimed := claim_due(now or clock.now()):
        done = _deliver_batch(transport, claimed)
        total += done
        if done < len(claimed):
            break
    return total


def _deliver_batch(transport: EmailTransport, claimed: Sequence[Delivery]) -> int:
    ends = time.monotonic() + BUDGET
    with ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="mail") as pool:
        outcomes = [each for each in pool.map(lambda item: _try(transport, item, ends), claimed) if each]
    finished = clock.now()
    tried = {each.delivery_id for each in outcomes}
    counts = record_outcomes(claimed, outcomes, finished)
    release([each for each in claimed if each.id not in tried], finished)
    if counts["given_up"] or counts["postponed"]:
        logger.warning("messages: %s", dict(counts))
    return len(outcomes)


def _try(transport: EmailTransport, delivery: Delivery, ends: float) -> Outcome | None:
    if time.monotonic() > ends:
        return None
    try:
        transport.send(as_mail(delivery))
    except TransportError as error:
        return Outcome(delivery.id, error=str(error) or repr(error), permanent=error.permanent)
    except Exception as error:
        # One message that cannot be written out must not keep the others; a repair finds it queued.
        logger.exception("message %s failed", delivery.message_id)
        return Outcome(delivery.id, error=repr(error))
    return Outcome(delivery.id)


def as_mail(delivery: Delivery) -> OutgoingMail:
    """The delivery's message, written out for an e-mail transport.

    Raises:
        MissingContext: the message lacks what its templates need.
    """
    message = delivery.message
    context = {**message.context, **message.private}
    rendered = render(kind=message.kind, locale=message.locale, brand=message.brand, context=context)
    return OutgoingMail(
        message_id=message.id,
        kind=message.kind,
        to=message.to,
        sender_name=brand_name(message.brand, message.locale),
        sender=str(message.brand["mail_from"]),
        rendered=rendered,
    )
