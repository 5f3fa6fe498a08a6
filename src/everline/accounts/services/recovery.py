"""A new password: for who knows the old one, and for who can only be reached at a proved address."""

from datetime import datetime

from django.contrib.auth.hashers import make_password

from everline.accounts.addresses import parse_login
from everline.accounts.errors import CodeInvalid, InvalidCredentials
from everline.accounts.limits import (
    count_code,
    count_proof,
    count_sign_in,
    countable,
    forgive_proof,
    forgive_sign_in,
)
from everline.accounts.models import User
from everline.accounts.selectors import user_by_id
from everline.accounts.services.codes import spend_code, try_code, wish_for_code
from everline.accounts.services.guards import require_recent
from everline.accounts.services.links import prove_address
from everline.accounts.services.passwords import check_password_strength, password_is_right, store_password
from everline.accounts.types import Actor, CodePurpose, Device
from everline.core.transactions import refuse_inside_transaction
from everline.notifications.types import SecurityEvent


def request_recovery_code(*, login: str, client: str, now: datetime) -> None:
    """Send a code for a new password, where the address is a customer's; the same work for everybody else.

    An e-mail address that was never proved gets a new welcome link instead.

    Raises:
        RateLimited: too many for this address or from this client, known or not.
    """
    address = parse_login(login)
    count_code(CodePurpose.RECOVERY, address.value if address else countable(login), client, now)
    if address:
        wish_for_code(CodePurpose.RECOVERY, address, now)


def reset_password(*, login: str, code: str, new_password: str, device: Device, now: datetime) -> None:
    """Set a new password with a recovery code; ends every session, token, code and link, and tells the owner.

    Nobody is signed in by it, and a second factor stays: it is asked for at the next sign-in.

    Raises:
        CodeInvalid: unknown login; a code that is wrong, old, used, for something else; the same work.
        PasswordTooWeak: before the code was looked at; it stays good.
        RateLimited: too many tries.
    """
    refuse_inside_transaction()
    address = parse_login(login)
    counted = address.value if address else countable(login)
    count_sign_in(counted, device.address, now)
    named = User(email=counted if "@" in counted else None, phone=None if "@" in counted else counted)
    check_password_strength(new_password, named, field="new_password")
    password_hash = make_password(new_password)
    if address is None:
        raise CodeInvalid
    found = try_code(CodePurpose.RECOVERY, address, code, now, spend=False)
    user = user_by_id(found.user_id or 0)
    if not user.is_active or not hasattr(user, "customer"):
        raise CodeInvalid
    spend_code(found, now)
    prove_address(user.customer, address, now)
    store_password(user, password_hash, SecurityEvent.PASSWORD_RESET, device, now)
    forgive_sign_in(counted, device.address)


def change_password(*, actor: Actor, current_password: str | None, new_password: str, now: datetime) -> None:
    """Set a new password; ends all other sessions and tokens and tells the owner.

    Whoever gives no present password must have proved themselves lately in another way.

    Raises:
        InvalidCredentials: the present password is wrong.
        ReauthenticationRequired: neither password nor recent proof.
        PasswordTooWeak, RateLimited.
    """
    refuse_inside_transaction()
    user = user_by_id(actor.user_id)
    if current_password is None:
        require_recent(actor=actor, now=now)
    check_password_strength(new_password, user, field="new_password")
    if current_password is not None:
        count_proof(user.pk, now)
        if not password_is_right(user, current_password):
            raise InvalidCredentials(field="current_password")
        forgive_proof(user.pk)
    store_password(
        user,
        make_password(new_password),
        SecurityEvent.PASSWORD_CHANGED,
        actor.device,
        now,
        session_key=actor.session_key,
        token=actor.token,
    )
