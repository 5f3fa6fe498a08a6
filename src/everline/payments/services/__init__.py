"""What this room does for others; one module per use case."""

from everline.payments.services.attempts import (
    cancel_at_provider,
    create_attempt,
    start_attempt,
    start_attempts,
)
from everline.payments.services.reconcile import attempts_to_check, reconcile_attempts
from everline.payments.services.refund_hints import settle_refund_hints
from everline.payments.services.refunds import refresh_refunds, request_refunds, send_due_refunds
from everline.payments.services.settle import (
    Capture,
    Judgement,
    judge,
    lock_attempts,
    settle_captures,
    settle_failures,
    settle_open,
)
from everline.payments.services.truths import Truth, fetch_truths
from everline.payments.services.webhooks import receive_webhook

__all__ = [
    "Capture",
    "Judgement",
    "Truth",
    "attempts_to_check",
    "cancel_at_provider",
    "create_attempt",
    "fetch_truths",
    "judge",
    "lock_attempts",
    "receive_webhook",
    "reconcile_attempts",
    "refresh_refunds",
    "request_refunds",
    "send_due_refunds",
    "settle_captures",
    "settle_failures",
    "settle_open",
    "settle_refund_hints",
    "start_attempt",
    "start_attempts",
]
