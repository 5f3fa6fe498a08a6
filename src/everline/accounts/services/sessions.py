"""Sessions of programs: bearer tokens for the API."""

from datetime import datetime, timedelta

from django.db import transaction

from everline.accounts.devices import device_label
from everline.accounts.errors import SecondFactorRequired
from everline.accounts.models import AccessToken, User
from everline.accounts.services.factors import check_second_factor
from everline.accounts.services.newcomers import tell_of_new_device
from everline.accounts.services.signing_in import (
    accept_sign_in_code,
    after_first_factor,
    authenticate_customer,
    check_sign_in_code,
)
from everline.accounts.tokens import hash_token, new_token
from everline.accounts.types import Device, SecondFactorNeeded, Session

#: The contract promises thirty days or more.
TOKEN_LIFETIME = timedelta(days=90)
_LABEL_LENGTH = 120


def open_session(
    *,
    login: str,
    password: str | None = None,
    code: str | None = None,
    otp: str | None = None,
    client: str,
    now: datetime,
    label: str = "",
    country: str = "",
) -> Session:
    """Sign in for the API by password or one-time code: a bearer token, shown once.

    `otp` is a code of the authenticator app or a recovery code, where the account wants one. `label` names
    the program (its User-Agent, say). A one-time code is spent only when everything is right.

    Raises:
        InvalidCredentials: login, password or code is wrong, or neither was given.
        SecondFactorRequired: right so far, and `otp` is missing.
        SecondFactorWrong: `otp` is wrong or was used.
        RateLimited: too many tries.
    """
    if code is not None:
        user, found = check_sign_in_code(login=login, code=code, client=client, now=now)
        method = _with_second_factor(user, "code", otp, client, now)
        accept_sign_in_code(user, found, client, now)
    else:
        user = authenticate_customer(login=login, password=password or "", client=client, now=now)
        method = _with_second_factor(user, "password", otp, client, now)
    shown = "".join(char for char in label if char.isprintable())[:_LABEL_LENGTH]
    device = Device(address=client, label=device_label(shown), country=country)
    return _open(user, method, shown, device, now)


def close_session(*, token: str, now: datetime) -> bool:
    """Revoke a token; False when it was not open."""
    open_ones = AccessToken.objects.filter(
        token_hash=hash_token(token), revoked_at__isnull=True, expires_at__gt=now
    )
    return open_ones.update(revoked_at=now) == 1


def _with_second_factor(user: User, method: str, otp: str | None, client: str, now: datetime) -> str:
    result = after_first_factor(user, method, now)
    if not isinstance(result, SecondFactorNeeded):
        return method
    if otp is None:
        raise SecondFactorRequired
    return f"{method}+{check_second_factor(user_id=user.pk, code=otp, client=client, now=now)}"


@transaction.atomic
def _open(user: User, method: str, program: str, device: Device, now: datetime) -> Session:
    token, token_hash = new_token()
    tell_of_new_device(user, device, now)
    made = AccessToken.objects.create(
        token_hash=token_hash,
        customer=user.customer,
        client=program,
        address=device.address,
        country=device.country,
        method=method,
        created_at=now,
        expires_at=now + TOKEN_LIFETIME,
        last_used_at=now,
    )
    return Session(token=token, expires_at=made.expires_at, customer=user.customer)
