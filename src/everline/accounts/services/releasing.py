"""Addresses that were typed and never proved do not stand in the way of whoever they belong to.

Beside a proved address an unproved one does nothing: no code goes there and nobody recovers by it. It only
kept its owner out, who could be anybody that somebody mistyped, or meant to keep out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress

from everline.accounts.addresses import Login
from everline.accounts.models import Customer, OneTimeCode, User
from everline.accounts.services.notices import tell_owner
from everline.accounts.types import Device
from everline.notifications.types import SecurityEvent

#: How long whoever registered has to prove a second address before somebody else may register with it.
PATIENCE = timedelta(hours=24)


def was_only_typed(user: User, login: Login) -> bool:
    """Whether this open account has the address beside a proved one and never proved it."""
    customer: Customer | None = getattr(user, "customer", None)
    if customer is None or not user.is_active or user.is_staff:
        return False
    email, phone = customer.email_verified_at, customer.phone_verified_at
    own, other = (email, phone) if login.kind == "email" else (phone, email)
    return getattr(user, login.kind) == login.value and own is None and other is not None


def release_for_newcomer(owners: Sequence[User], wanted: Sequence[Login], now: datetime) -> bool:
    """Free addresses that somebody wants to register with, all of them or none; says whether they are free.

    Runs inside the transaction that takes them. Only what was left unproved for `PATIENCE` is freed: an
    address is typed at registration, or it is proved when it comes.
    """
    held = [(user, login) for user in owners for login in wanted if getattr(user, login.kind) == login.value]
    if not all(was_only_typed(user, login) and _is_old(user, now) for user, login in held):
        return False
    locked = _locked([user for user, _ in held])
    still = [(locked[user.pk], login) for user, login in held if user.pk in locked]
    if len(still) < len(held) or not all(was_only_typed(user, login) for user, login in still):
        return False
    for user, login in still:
        _release(user, login, now)
    return True


def release_for_reader(login: Login, reader_id: int, now: datetime) -> None:
    """Free an address for somebody who has just read a code there, wherever it was only typed.

    Runs inside the transaction that takes it.
    """
    holders = User.objects.select_related("customer").filter(**{login.kind: login.value})
    for user in _locked(list(holders.exclude(pk=reader_id))).values():
        if was_only_typed(user, login):
            _release(user, login, now)


def _is_old(user: User, now: datetime) -> bool:
    return now - user.customer.created_at >= PATIENCE


def _locked(users: Sequence[User]) -> dict[int, User]:
    """The same people as they are now, their rows held: proving an address just now waits, or has won."""
    rows = (
        Customer.objects.select_for_update(of=("self", "user"))
        .select_related("user", "brand")
        .filter(user__in=[user.pk for user in users])
        .order_by("pk")
    )
    return {row.user_id: row.user for row in rows}


def _release(user: User, login: Login, now: datetime) -> None:
    setattr(user, login.kind, None)
    user.save(update_fields=[login.kind])
    if login.kind == "email":
        EmailAddress.objects.filter(user=user).delete()
    # A welcome link is bound to the address and dies with it; a code there would still speak for them.
    OneTimeCode.objects.filter(user=user, address=login.value, used_at__isnull=True).update(used_at=now)
    # Nothing of the newcomer is told: not the device, not the place.
    tell_owner(user, SecurityEvent.ADDRESS_RELEASED, Device(), now)
