"""The door for providers' webhooks: verify, store, and let a job ask what is true."""

from collections.abc import Mapping

from everline.core import inbox
from everline.core.errors import NotFound
from everline.payments import registry
from everline.payments.services.outcomes import SETTLE_JOB
from everline.payments.types import REFUND_CHANGED

#: The job of this room that applies what is stored about refunds.
SETTLE_REFUNDS_JOB = "payments.settle_refunds"
_KEPT_HEADERS = ("content-type", "user-agent")


def receive_webhook(*, provider: str, raw: bytes, headers: Mapping[str, str]) -> None:
    """Store what a verified webhook hints at, each event once. Nothing in it is believed.

    Raises:
        NotFound: no provider of this name.
        BadSignature: it cannot be verified; nothing is stored.
    """
    adapter = registry.providers().get(provider)
    if adapter is None:
        raise NotFound
    kept = {name.lower(): value for name, value in headers.items() if name.lower() in _KEPT_HEADERS}
    for hint in adapter.parse_webhook(raw, headers):
        refund = hint.kind == REFUND_CHANGED
        inbox.store(
            source=f"payments:{provider}",
            event_id=hint.event_id,
            kind=hint.kind,
            object_ref=hint.refund_ref if refund else hint.ref,
            reference=hint.refund_id if refund else hint.attempt_id,
            body=raw,
            headers=kept,
            job=SETTLE_REFUNDS_JOB if refund else SETTLE_JOB,
        )
