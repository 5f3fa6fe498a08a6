from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password

from everline.accounts.addresses import parse_login
from everline.accounts.errors import InvalidCredentials
from everline.accounts.limits import count_sign_in, forgive_sign_in
from everline.accounts.models import AccessToken, User
from everline.accounts.selectors import users_at
from everline.accounts.tokens import hash_token, new_token
from everline.accounts.types import Session
from everline.core.transactions import refuse_inside_transaction

#: The contract promises thirty days or more.
TOKEN_LIFETIME = timedelta(days=90)
_LABEL_LENGTH = 120
_PASSWORD_LENGTH = 256


def authenticate_customer(*, login: str, password: str, client: str, now: datetime) -> User:
    """The customer's user, with customer and brand loaded, after the right password.

    `login` is an e-mail address or a phone number in international notation; `client` the network address of
    whoever asks. Must not run inside a transaction: a refused try is counted, and a
    roll-back would forget it.

    Raises:
        InvalidCredentials: unknown login, wrong password, closed account, staff; after the same work.
        RateLimited: too many tries.
    """
    refuse_inside_transaction()
    address = parse_login(login)
    counted = address.value if address else "no such address"
    count_sign_in(counted, client, now)
    users = users_at([address]) if address else []
    user = users[0] if users else None
    if not _is_right(user, password) or user is None or not user.is_active or not hasattr(user, "customer"):
        raise InvalidCredentials
    forgive_sign_in(counted, client)
    return user


def open_session(*, login: str, password: str, client: str, now: datetime, label: str = "") -> Session:
    """Sign in for the API: a bearer token, shown once. `label` names the program (its User-Agent, say).

    Raises:
        InvalidCredentials, RateLimited: see `authenticate_customer`.
    """
    user = authenticate_customer(login=login, password=password, client=client, now=now)
    token, token_hash = new_token()
    made = AccessToken.objects.create(
        token_hash=token_hash,
        customer=user.customer,
        client="".join(char for char in label if char.isprintable())[:_LABEL_LENGTH],
        created_at=now,
        expires_at=now + TOKEN_LIFETIME,
        last_used_at=now,
    )
    return Session(token=token, expires_at=made.expires_at, customer=user.customer)


def close_session(*, token: str, now: datetime) -> bool:
    """Revoke a token; False when it was not open."""
    open_ones = AccessToken.objects.filter(
        token_hash=hash_token(token), revoked_at__isnull=True, expires_at__gt=now
    )
    return open_ones.update(revoked_at=now) == 1


def _is_right(user: User | None, password: str) -> bool:
    """Check the password; where there is nothing to check, work as long as a check does."""
    usable = len(password) <= _PASSWORD_LENGTH and password.isprintable()
    if user is None or not usable:
        make_password(password if usable else "")
        return False
    return user.check_password(password)
