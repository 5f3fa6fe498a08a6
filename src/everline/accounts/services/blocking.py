"""What staff may do to a customer's access: sign them out, close the door, open it again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from everline.accounts.models import Customer, User
from everline.accounts.services.ending import end_all_sessions
from everline.core import audit, ids
from everline.core.errors import DomainError, Kind, NotFound


class AlreadySo(DomainError):
    """The customer's access stands as it was asked for."""

    code = "already_so"
    kind = Kind.CONFLICT
    message = _("That is so already; nothing was changed.")


@transaction.atomic
def sign_out_customer(*, customer_id: str, actor: str, reason: str, now: datetime) -> int:
    """End every session and token of a customer; returns how many there were.

    Raises:
        NotFound: no such customer.
        ReasonMissing: nothing was done.
    """
    customer = _locked(customer_id)
    ended = end_all_sessions(user_id=customer.user_id, now=now)
    audit.record(
        actor=actor,
        action="customer.signed_out",
        object_kind="customer",
        object_id=customer.id,
        reason=reason,
        before={"sessions": ended},
        after={"sessions": 0},
        now=now,
    )
    return ended


def block_customer(*, customer_id: str, actor: str, reason: str, now: datetime) -> int:
    """Let the customer in nowhere any more and end what is open; their lines go on. Returns sessions ended.

    Raises:
        NotFound, AlreadySo, ReasonMissing: nothing was done.
    """
    return _switch(customer_id, active=False, actor=actor, reason=reason, now=now)


def unblock_customer(*, customer_id: str, actor: str, reason: str, now: datetime) -> None:
    """Let the customer sign in again.

    Raises:
        NotFound, AlreadySo, ReasonMissing: nothing was done.
    """
    _switch(customer_id, active=True, actor=actor, reason=reason, now=now)


@transaction.atomic
def _switch(customer_id: str, *, active: bool, actor: str, reason: str, now: datetime) -> int:
    customer = _locked(customer_id)
    user = User.objects.select_for_update().get(pk=customer.user_id)
    if user.is_active == active:
        raise AlreadySo
    user.is_active = active
    user.save(update_fields=["is_active"])
    ended = 0 if active else end_all_sessions(user_id=user.pk, now=now)
    audit.record(
        actor=actor,
        action="customer.reactivated" if active else "customer.deactivated",
        object_kind="customer",
        object_id=customer.id,
        reason=reason,
        before={"active": not active},
        after={"active": active, "sessions_ended": ended},
        now=now,
    )
    return ended


def _locked(customer_id: str) -> Customer:
    customer = Customer.objects.select_for_update().filter(pk=ids.require("cus", customer_id)).first()
    if customer is None:
        raise NotFound
    return customer
