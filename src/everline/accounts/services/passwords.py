"""Passwords: compared in the same time whoever is asked for, checked for strength, changed."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from everline.accounts.errors import PasswordTooWeak
from everline.accounts.models import User
from everline.accounts.services.codes import call_back_codes
from everline.accounts.services.ending import call_back_links, end_all_sessions
from everline.accounts.services.notices import tell_owner
from everline.accounts.types import Device
from everline.notifications.types import SecurityEvent

#: Hashing time must not grow with what a stranger sends.
PASSWORD_LENGTH = 256
#: By the code of the validator that refused; Django's own sentences are not in all our languages.
_WEAKNESSES = {
    "password_too_short": _("Use at least %(min_length)d characters in the password."),
    "password_too_common": _("Many people use this password. Choose one that is hard to guess."),
    "password_too_similar": _("This password is too much like your address. Choose another one."),
    "password_entirely_numeric": _("This password has only digits. Add letters or other characters."),
}


def check_password_strength(password: str, user: User, *, field: str = "password") -> None:
    """Apply the validators of the settings. `field` is the name of the input.

    Raises:
        PasswordTooWeak: with their reasons in the active language.
    """
    if len(password) > PASSWORD_LENGTH or not password.isprintable():
        raise PasswordTooWeak(_("Use at most 256 visible characters in the password."), field=field)
    try:
        validate_password(password, user)
    except ValidationError as error:
        reasons = " ".join(_weakness(each) for each in error.error_list)
        raise PasswordTooWeak(reasons, field=field) from None


def password_is_right(user: User | None, password: str) -> bool:
    """Check the password; where there is nothing to check, work as long as a check does."""
    usable = len(password) <= PASSWORD_LENGTH and password.isprintable()
    if user is None or not usable:
        make_password(password if usable else "")
        return False
    return user.check_password(password)


@transaction.atomic
def store_password(
    user: User,
    password_hash: str,
    event: SecurityEvent,
    device: Device,
    now: datetime,
    *,
    session_key: str = "",
    token: str = "",
) -> None:
    """Write a new password, end every session and token but those named, and tell the owner.

    Codes and links that were sent before are worthless from now on.
    """
    user.password = password_hash
    user.save(update_fields=["password"])
    end_all_sessions(user_id=user.pk, now=now, session_key=session_key, token=token)
    call_back_codes(user.pk, now)
    call_back_links(user.pk, now)
    tell_owner(user, event, device, now)


def _weakness(error: ValidationError) -> str:
    """Our sentence for a validator's refusal; the general one for a validator we do not know."""
    sentence = str(_WEAKNESSES.get(error.code or "", PasswordTooWeak.message))
    return sentence % (error.params or {})
