"""Passkeys: added, renamed, removed, and used to sign in or to prove oneself again.

Rows are django-allauth's (`Authenticator`), the protocol is `accounts.webauthn`. A passkey whose device
verified its user is both factors at once, so nothing else is asked for.
"""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from everline.accounts import webauthn
from everline.accounts.errors import PasskeyRefused
from everline.accounts.limits import count_passkey, count_proof, forgive_proof
from everline.accounts.models import Customer, User
from everline.accounts.security import passkey_view
from everline.accounts.selectors import user_by_id
from everline.accounts.services.guards import require_proved_address, require_recent
from everline.accounts.services.notices import tell_owner
from everline.accounts.types import Actor, Challenge, PasskeyView, SignedIn
from everline.core.errors import NotFound
from everline.core.transactions import refuse_inside_transaction
from everline.notifications.types import SecurityEvent

_TYPE = Authenticator.Type.WEBAUTHN
_NAME_LENGTH = 60
#: More would make every sign-in slow, and nobody has as many devices.
MOST_PASSKEYS = 20


def begin_passkey_registration(*, actor: Actor, origin: str, now: datetime) -> Challenge:
    """Ask the browser for a new passkey.

    Raises:
        ReauthenticationRequired, AddressUnverified.
        PasskeyRefused: there are twenty already.
    """
    user = _checked(actor, now)
    known = _credentials(user.pk)
    if len(known) >= MOST_PASSKEYS:
        raise PasskeyRefused
    customer: Customer | None = getattr(user, "customer", None)
    return webauthn.begin_registration(
        origin=origin,
        name=customer.brand.name_en if customer else "",
        handle=str(user.pk),
        label=str(user),
        known=known,
        now=now,
    )


def complete_passkey_registration(
    *, actor: Actor, state: dict[str, str], origin: str, response: dict[str, Any], name: str, now: datetime
) -> PasskeyView:
    """Keep the passkey that the browser made.

    Raises:
        PasskeyRefused: the answer does not fit, or this passkey is somebody's already.
        ReauthenticationRequired, AddressUnverified.
    """
    user = _checked(actor, now)
    made = webauthn.complete_registration(
        origin=origin, handle=str(user.pk), state=state, response=response, now=now
    )
    if made in {webauthn.credential_id(each) for each in _credentials(user.pk)}:
        raise PasskeyRefused
    with transaction.atomic():
        row = Authenticator.objects.create(
            user=user,
            type=_TYPE,
            data={"name": _name(name, actor), "credential": response, "counter": 0},
            created_at=now,
        )
        tell_owner(user, SecurityEvent.PASSKEY_ADDED, actor.device, now)
    return passkey_view(row)


def rename_passkey(*, actor: Actor, passkey_id: int, name: str, now: datetime) -> None:
    """Call a passkey by another name.

    Raises:
        NotFound: no such passkey of this user.
    """
    del now
    with transaction.atomic():
        row = _own(actor, passkey_id)
        row.data["name"] = _name(name, actor)
        row.save(update_fields=["data"])


def remove_passkey(*, actor: Actor, passkey_id: int, now: datetime) -> None:
    """Let nobody in by this passkey any more.

    Raises:
        NotFound: no such passkey of this user.
        ReauthenticationRequired.
    """
    require_recent(actor=actor, now=now)
    with transaction.atomic():
        _own(actor, passkey_id).delete()
        tell_owner(user_by_id(actor.user_id), SecurityEvent.PASSKEY_REMOVED, actor.device, now)


def begin_passkey_sign_in(*, origin: str, now: datetime) -> Challenge:
    """Ask the browser for a signature of any passkey of this host."""
    return webauthn.begin_authentication(origin=origin, now=now)


def complete_passkey_sign_in(
    *, state: dict[str, str], origin: str, response: dict[str, Any], client: str, now: datetime
) -> SignedIn:
    """Sign in by a passkey: both factors at once.

    Raises:
        PasskeyRefused: unknown, not fitting, of staff or of a closed account.
        RateLimited: too many answers from this address.
    """
    refuse_inside_transaction()
    count_passkey(client, now)
    handle = webauthn.user_handle(response)
    user_id = int(handle) if handle.isdigit() and len(handle) < len(str(2**63)) else 0
    _spend(user_id, "", state, origin, response, now)
    user = user_by_id(user_id)
    if not user.is_active or user.is_staff or not hasattr(user, "customer"):
        raise PasskeyRefused
    return SignedIn(user, "passkey")


def begin_passkey_proof(*, user_id: int, origin: str, now: datetime) -> Challenge:
    """Ask the browser for a signature of one of this user's passkeys."""
    known = _credentials(user_id)
    return webauthn.begin_authentication(origin=origin, handle=str(user_id), known=known, now=now)


def complete_passkey_proof(
    *,
    user_id: int,
    state: dict[str, str],
    origin: str,
    response: dict[str, Any],
    client: str,
    now: datetime,
) -> None:
    """Prove again who is signed in.

    Raises:
        PasskeyRefused, RateLimited.
    """
    del client
    refuse_inside_transaction()
    count_proof(user_id, now)
    _spend(user_id, str(user_id), state, origin, response, now)
    forgive_proof(user_id)


@transaction.atomic
def _spend(
    user_id: int, handle: str, state: dict[str, str], origin: str, response: dict[str, Any], now: datetime
) -> None:
    """Check a signature under the lock of the user's passkeys, and note its use."""
    rows = list(Authenticator.objects.select_for_update().filter(user_id=user_id, type=_TYPE).order_by("id"))
    answer = webauthn.complete_authentication(
        origin=origin,
        handle=handle,
        state=state,
        known=[row.data["credential"] for row in rows],
        response=response,
        now=now,
    )
    used = next(row for row in rows if webauthn.credential_id(row.data["credential"]) == answer.credential_id)
    # A count that does not grow means a copied key (WebAuthn, 6.1.1); synchronised passkeys always say 0.
    if answer.counter and answer.counter <= used.data.get("counter", 0):
        raise PasskeyRefused
    used.data["counter"] = answer.counter
    used.last_used_at = now
    used.save(update_fields=["data", "last_used_at"])


def _credentials(user_id: int) -> list[dict[str, Any]]:
    rows = Authenticator.objects.filter(user_id=user_id, type=_TYPE).order_by("id")
    return [row.data["credential"] for row in rows]


def _own(actor: Actor, passkey_id: int) -> Any:
    row = (
        Authenticator.objects.select_for_update()
        .filter(pk=passkey_id, user_id=actor.user_id, type=_TYPE)
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _name(name: str, actor: Actor) -> str:
    wanted = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    return (wanted or actor.device.label or "Passkey")[:_NAME_LENGTH]


def _checked(actor: Actor, now: datetime) -> User:
    user = user_by_id(actor.user_id)
    require_recent(actor=actor, now=now)
    require_proved_address(user)
    return user
