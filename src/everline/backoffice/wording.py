"""The staff's words for codes: what happened, which tone a state has, what is unusual about a card."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from everline.orders.timeline import text_of

_WHAT: Mapping[str, str | Promise] = {
    "state.moved": _("State changed"),
    "web.password": _("Signed in with a password"),
    "web.code": _("Signed in with a code"),
    "web.link": _("Signed in with a link"),
    "web.passkey": _("Signed in with a passkey"),
    "session.ended": _("Session ended"),
    "api.token": _("Signed in through the API"),
    "note": _("Note"),
    "case.opened": _("Case opened"),
    "case.closed": _("Case closed"),
    "case.assigned": _("Case assigned"),
    "order.cancelled": _("Order cancelled"),
    "order.fulfilment_retried": _("Supplier asked again"),
    "order.confirmation_copied": _("Copy of the confirmation sent"),
    "attempt.checked": _("Payment provider asked again"),
    "inbox.replayed": _("Inbox row applied again"),
    "message.retried": _("Message tried again"),
    "customer.noted": _("Note written"),
    "customer.signed_out": _("Signed out everywhere"),
    "customer.deactivated": _("Customer deactivated"),
    "customer.reactivated": _("Customer reactivated"),
    "api_key.created": _("API key created"),
    "api_key.revoked": _("API key revoked"),
    "staff.created": _("Member of staff created"),
    "staff.factor_reset": _("Second factor reset"),
    "staff.enrolled": _("Second factor enrolled"),
    "staff.signed_in": _("Staff signed in"),
    "password_changed": _("Password changed"),
    "password_reset": _("Password reset"),
    "email_changed": _("E-mail changed"),
    "phone_changed": _("Phone changed"),
    "email_verified": _("E-mail verified"),
    "phone_verified": _("Phone verified"),
    "passkey_added": _("Passkey added"),
    "passkey_removed": _("Passkey removed"),
    "second_factor_on": _("Second factor turned on"),
    "second_factor_off": _("Second factor turned off"),
    "recovery_codes_renewed": _("Recovery codes renewed"),
    "recovery_code_used": _("Recovery code used"),
    "address_released": _("Unproved address released"),
    "new_device": _("Sign-in from a new device"),
    "sessions_ended": _("Other sessions ended"),
    "welcome": _("Welcome mail"),
    "address_taken": _("Notice to the owner of an address"),
    "order_confirmation": _("Order confirmation"),
    "payment_failed": _("Notice of a failed payment"),
    "order_expired": _("Notice of an expired order"),
    "order_refunded": _("Notice of a refund"),
    "sign_in_code": _("Sign-in code"),
    "recovery_code": _("Recovery code"),
    "address_code": _("Code to prove an address"),
    "security_notice": _("Security notice"),
}

_KINDS: Mapping[str, str | Promise] = {
    "access_token": _("API session"),
    "api_key": _("API key"),
    "attempt": _("Attempt"),
    "audit": _("Audit"),
    "bucket": _("Allowance"),
    "case": _("Case"),
    "customer": _("Customer"),
    "inbox": _("Inbox row"),
    "line": _("Line"),
    "message": _("Message"),
    "order": _("Order"),
    "period": _("Service period"),
    "plan": _("Plan"),
    "quote": _("Quote"),
    "refund": _("Refund"),
    "security": _("Security"),
    "sign_in": _("Sign-in"),
    "staff": _("Staff"),
    "supplier_order": _("Supplier order"),
    "user": _("Sign-in"),
}

_WARNINGS: Mapping[str, str | Promise] = {
    "iccid_not_telecom": _("The ICCID does not begin with 89."),
    "iccid_without_check_digit": _("The ICCID has no check digit."),
    "iccid_check_digit": _("The check digit of the ICCID is wrong."),
    "eid_format": _("The EID does not have 32 digits."),
    "eid_check_digit": _("The check digits of the EID are wrong."),
}

_GOOD = frozenset(
    {"fulfilled", "captured", "succeeded", "sent", "done", "active", "enabled", "installed", "processed"}
)
_WARN = frozenset(
    {
        "awaiting_payment",
        "created",
        "requires_action",
        "processing",
        "unknown",
        "paid",
        "fulfilling",
        "requested",
        "pending",
        "queued",
        "grace",
        "suspended",
        "partially_refunded",
        "surplus",
    }
)
_BAD = frozenset({"needs_attention", "failed", "given_up", "terminated", "error", "revoked"})


def what_text(code: str) -> str:
    """What happened, in the active language; a code nobody named stays as it is."""
    known = _WHAT.get(code) or _WHAT.get(code.partition("+")[0])
    return str(known) if known is not None else text_of(code)


def kind_text(code: str) -> str:
    """A kind of record, in the active language."""
    return str(_KINDS.get(code, code))


def warning_text(code: str) -> str:
    """What is unusual about a card's number, in the active language."""
    return str(_WARNINGS.get(code, code))


def tone_of(state: str) -> str:
    """How a state is coloured: good, warn, bad, or plain where nothing is to be done."""
    if state in _GOOD:
        return "good"
    if state in _WARN:
        return "warn"
    return "bad" if state in _BAD else "plain"
