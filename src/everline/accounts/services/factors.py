"""The second factor: an authenticator app, and recovery codes for when it is lost; rows are allauth's."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.utils import decrypt, encrypt
from django.db import IntegrityError, transaction

from everline.accounts import codes, totp
from everline.accounts.errors import AlreadyEnrolled, NoSecondFactor, SecondFactorWrong
from everline.accounts.limits import count_second_factor, forgive_second_factor
from everline.accounts.models import User
from everline.accounts.selectors import has_totp, user_by_id
from everline.accounts.services.ending import end_all_sessions
from everline.accounts.services.guards import require_proved_address, require_recent
from everline.accounts.services.notices import tell_owner
from everline.accounts.types import Actor, Device, TotpEnrolment
from everline.core import clock
from everline.core.transactions import refuse_inside_transaction, retrying
from everline.notifications.types import SecurityEvent

_APP = Authenticator.Type.TOTP
_RECOVERY = Authenticator.Type.RECOVERY_CODES


def begin_totp(*, actor: Actor, issuer: str, now: datetime) -> TotpEnrolment:
    """A new secret for an authenticator app. Nothing is stored: the caller keeps it until its first code.

    Raises:
        ReauthenticationRequired, AddressUnverified, AlreadyEnrolled.
    """
    user = _checked(actor, now)
    if has_totp(user.pk):
        raise AlreadyEnrolled
    secret = totp.new_secret()
    return TotpEnrolment(secret=secret, uri=totp.uri(secret, issuer=issuer, label=str(user)))


def confirm_totp(*, actor: Actor, secret: str, code: str, now: datetime) -> list[str]:
    """Turn the second factor on with the first code of the app; the answer is the recovery codes, shown once.

    Raises:
        SecondFactorWrong: nothing was changed.
        ReauthenticationRequired, AddressUnverified, AlreadyEnrolled, RateLimited.
    """
    refuse_inside_transaction()
    user = _checked(actor, now)
    count_second_factor(user.pk, actor.device.address, now)
    step = totp.matching_step(secret, codes.spelled(code), clock.real_now())
    if step is None:
        raise SecondFactorWrong
    forgive_second_factor(user.pk, actor.device.address)
    return _turn_on(user, secret, step, actor, now)


def disable_totp(*, actor: Actor, now: datetime) -> None:
    """Turn the second factor off, with its recovery codes.

    Raises:
        ReauthenticationRequired, NoSecondFactor.
    """
    user = user_by_id(actor.user_id)
    require_recent(actor=actor, now=now)
    with transaction.atomic():
        gone, _ = Authenticator.objects.filter(user_id=user.pk, type__in=[_APP, _RECOVERY]).delete()
        if not gone:
            raise NoSecondFactor
        tell_owner(user, SecurityEvent.SECOND_FACTOR_OFF, actor.device, now)


def renew_recovery_codes(*, actor: Actor, now: datetime) -> list[str]:
    """New recovery codes in the place of all older ones, shown once.

    Raises:
        ReauthenticationRequired, NoSecondFactor.
    """
    user = user_by_id(actor.user_id)
    require_recent(actor=actor, now=now)
    with transaction.atomic():
        if not has_totp(user.pk):
            raise NoSecondFactor
        fresh = _new_recovery_codes(user)
        tell_owner(user, SecurityEvent.RECOVERY_CODES_RENEWED, actor.device, now)
    return fresh


def check_second_factor(*, user_id: int, code: str, client: str, now: datetime) -> str:
    """Spend a code of the app, or a recovery code; says which it was ("totp", "recovery_code").

    Each works once: a code of the app that was used, or is older than one that was, is refused. A customer is
    told that a recovery code was used.

    Raises:
        SecondFactorWrong: wrong, used, or there is no second factor.
        RateLimited: too many tries for this user.
    """
    refuse_inside_transaction()
    count_second_factor(user_id, client, now)
    method = _spend(user_id, codes.spelled(code), client, now)
    if not method:
        raise SecondFactorWrong
    forgive_second_factor(user_id, client)
    return method


@retrying
@transaction.atomic
def _spend(user_id: int, code: str, client: str, now: datetime) -> str:
    held: dict[str, Any] = {
        row.type: row
        for row in Authenticator.objects.select_for_update()
        .filter(user_id=user_id, type__in=[_APP, _RECOVERY])
        .order_by("id")
    }
    if _APP not in held:
        return ""
    if _spend_app_code(held[_APP], code, now):
        return "totp"
    if _RECOVERY in held and RecoveryCodes(held[_RECOVERY]).validate_code(code):
        user = user_by_id(user_id)
        if hasattr(user, "customer"):
            tell_owner(user, SecurityEvent.RECOVERY_CODE_USED, Device(address=client), now)
        return "recovery_code"
    return ""


def _spend_app_code(row: Any, code: str, now: datetime) -> bool:
    step = totp.matching_step(decrypt(row.data["secret"]), code, clock.real_now())
    if step is None or step <= row.data.get("last_step", 0):
        return False
    row.data["last_step"] = step
    row.last_used_at = now
    row.save(update_fields=["data", "last_used_at"])
    return True


@transaction.atomic
def _turn_on(user: User, secret: str, step: int, actor: Actor, now: datetime) -> list[str]:
    data = {"secret": encrypt(secret), "last_step": step}
    try:
        with transaction.atomic():
            Authenticator.objects.create(user=user, type=_APP, data=data, created_at=now)
    except IntegrityError:
        raise AlreadyEnrolled from None
    fresh = _new_recovery_codes(user)
    # Whoever signed in with less than both factors does so again.
    end_all_sessions(user_id=user.pk, now=now, session_key=actor.session_key, token=actor.token)
    tell_owner(user, SecurityEvent.SECOND_FACTOR_ON, actor.device, now)
    return fresh


def _new_recovery_codes(user: User) -> list[str]:
    Authenticator.objects.filter(user_id=user.pk, type=_RECOVERY).delete()
    return list(RecoveryCodes.activate(user).generate_codes())


def _checked(actor: Actor, now: datetime) -> User:
    user = user_by_id(actor.user_id)
    require_recent(actor=actor, now=now)
    require_proved_address(user)
    return user
