"""What this room does for others; one module per use case."""

from everline.suppliers.services.calls import call_supplier, call_suppliers, claim_due
from everline.suppliers.services.outcomes import record_outcomes
from everline.suppliers.services.requests import (
    request_orders,
    specs_for_new_line,
    specs_for_renewal,
    wake_orders,
    withdraw_orders,
)
from everline.suppliers.services.revocations import send_due_revocations
from everline.suppliers.services.webhooks import fetch_event, receive_webhook

__all__ = [
    "call_supplier",
    "call_suppliers",
    "claim_due",
    "fetch_event",
    "receive_webhook",
    "record_outcomes",
    "request_orders",
    "send_due_revocations",
    "specs_for_new_line",
    "specs_for_renewal",
    "wake_orders",
    "withdraw_orders",
]
