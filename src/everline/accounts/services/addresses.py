"""E-mail addresses and numbers: changed only by a code read at the new one, and the old one is told."""

from datetime import datetime
from typing import Literal

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from everline.accounts.addresses import Login, normal_email, normal_phone
from everline.accounts.errors import CodeInvalid
from everline.accounts.limits import count_proof, count_user_code, forgive_proof
from everline.accounts.models import Customer, User
from everline.accounts.selectors import user_by_id
from everline.accounts.services.codes import call_back_codes, try_code, wish_for_code
from everline.accounts.services.ending import call_back_links
from everline.accounts.services.guards import require_proved_address, require_recent
from everline.accounts.services.links import prove_address
from everline.accounts.services.notices import best_address, tell_owner
from everline.accounts.services.releasing import release_for_reader
from everline.accounts.types import Actor, CodePurpose
from everline.core.transactions import refuse_inside_transaction, retrying
from everline.notifications.types import SecurityEvent

AddressKind = Literal["email", "phone"]
_EVENTS = {
    "email": (SecurityEvent.EMAIL_VERIFIED, SecurityEvent.EMAIL_CHANGED),
    "phone": (SecurityEvent.PHONE_VERIFIED, SecurityEvent.PHONE_CHANGED),
}


def request_address_code(*, actor: Actor, kind: AddressKind, address: str, now: datetime) -> str:
    """Send a code to an address that shall be the customer's, or that is and waits to be proved.

    Returns the address as it will be stored. A taken one gets the same answer, and its owner is told.

    Raises:
        EmailInvalid, PhoneInvalid.
        ReauthenticationRequired, AddressUnverified: for an address other than the present one.
        RateLimited: too many codes.
    """
    login = _normal(kind, address)
    user = user_by_id(actor.user_id)
    if login.value != getattr(user, kind):
        require_recent(actor=actor, now=now)
        require_proved_address(user)
    count_user_code(user.pk, login.value, now)
    wish_for_code(CodePurpose.ADDRESS, login, now, user_id=user.pk)
    return login.value


def confirm_address(*, actor: Actor, kind: AddressKind, address: str, code: str, now: datetime) -> Customer:
    """Take the address whose code this is; the former, the new and the owner's surest address are told.

    The last one matters where a thief adds a number of their own: there is no former one to warn. Codes and
    links that went to the former address are worthless from now on.

    Raises:
        CodeInvalid: wrong, old, for another address, of another user, or the address was taken meanwhile.
        RateLimited: too many tries.
    """
    refuse_inside_transaction()
    login = _normal(kind, address)
    count_proof(actor.user_id, now)
    try_code(CodePurpose.ADDRESS, login, code, now, user_id=actor.user_id)
    forgive_proof(actor.user_id)
    try:
        return _take(login, actor, now)
    except IntegrityError:
        raise CodeInvalid from None


@retrying
@transaction.atomic
def _take(login: Login, actor: Actor, now: datetime) -> Customer:
    user = (
        User.objects.select_for_update(of=("self",)).select_related("customer__brand").get(pk=actor.user_id)
    )
    former: str | None = getattr(user, login.kind)
    proved, changed = _EVENTS[login.kind]
    if former == login.value:
        prove_address(user.customer, login, now)
        tell_owner(user, proved, actor.device, now, to=[login])
        return user.customer
    sure = best_address(user)
    release_for_reader(login, user.pk, now)
    _store(user, login, now)
    call_back_codes(user.pk, now)
    call_back_links(user.pk, now)
    old = [Login(login.kind, former)] if former else []
    tell_owner(user, changed, actor.device, now, to=dict.fromkeys([*old, *sure, login]))
    return user.customer


def _store(user: User, login: Login, now: datetime) -> None:
    setattr(user, login.kind, login.value)
    user.save(update_fields=[login.kind])
    setattr(user.customer, f"{login.kind}_verified_at", now)
    user.customer.save(update_fields=[f"{login.kind}_verified_at"])
    if login.kind == "email":
        EmailAddress.objects.filter(user=user).delete()
        EmailAddress.objects.create(user=user, email=login.value, primary=True, verified=True)


def _normal(kind: AddressKind, address: str) -> Login:
    if kind == "email":
        return Login("email", normal_email(address))
    return Login("phone", normal_phone(address))
