"""Signing in: a first factor (password, code, link), then the second one where the account has it.

Whatever is wrong, strangers get one answer after the same work; every try is counted before it is looked at.
"""

import hashlib
import hmac
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.base import SessionBase

from everline.accounts.addresses import parse_login
from everline.accounts.errors import CodeInvalid, InvalidCredentials, SignInExpired
from everline.accounts.limits import (
    count_code,
    count_link,
    count_sign_in,
    countable,
    forgive_codes,
    forgive_sign_in,
)
from everline.accounts.models import OneTimeCode, User
from everline.accounts.security import SECOND_FACTOR_PATIENCE, SESSION_KEY
from everline.accounts.selectors import user_by_id, users_at
from everline.accounts.services.codes import may_be_sent_to, spend_code, try_code, wish_for_code
from everline.accounts.services.factors import check_second_factor
from everline.accounts.services.links import prove_address, spend_link
from everline.accounts.services.passwords import password_is_right
from everline.accounts.types import CodePurpose, SecondFactorNeeded, SignedIn, SignInResult
from everline.core.transactions import refuse_inside_transaction


def authenticate_customer(*, login: str, password: str, client: str, now: datetime) -> User:
    """The customer's user, with customer and brand loaded, after the right password: the first factor only.

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
    if not password_is_right(user, password) or user is None or not _is_open(user):
        raise InvalidCredentials
    forgive_sign_in(counted, client)
    return user


def sign_in_with_password(*, login: str, password: str, client: str, now: datetime) -> SignInResult:
    """Sign in by password; the second factor may still be missing.

    Raises:
        InvalidCredentials, RateLimited: see `authenticate_customer`.
    """
    user = authenticate_customer(login=login, password=password, client=client, now=now)
    return after_first_factor(user, "password", now)


def request_sign_in_code(*, login: str, client: str, now: datetime) -> None:
    """Send a code to sign in with, where the address is a customer's; the same work for everybody else.

    Raises:
        RateLimited: too many for this address or from this client, known or not.
    """
    address = parse_login(login)
    count_code(CodePurpose.SIGN_IN, address.value if address else countable(login), client, now)
    if address:
        wish_for_code(CodePurpose.SIGN_IN, address, now)


def sign_in_with_code(*, login: str, code: str, client: str, now: datetime) -> SignInResult:
    """Sign in by the code that was sent; the address is proved by it. The second factor may still be missing.

    Raises:
        InvalidCredentials: unknown login; a code that is wrong, old, used, or for something else.
        RateLimited: too many tries.
    """
    user, found = check_sign_in_code(login=login, code=code, client=client, now=now)
    accept_sign_in_code(user, found, client, now)
    return after_first_factor(user, "code", now)


def sign_in_with_link(*, token: str, client: str, now: datetime) -> SignInResult:
    """Spend a link of a welcome mail: the address is proved, its holder signed in but for a second factor.

    Raises:
        SignInLinkSpent: used, expired, unknown, sent to a former address, or the account is closed.
        RateLimited: too many from this address.
    """
    refuse_inside_transaction()
    count_link(client, now)
    return after_first_factor(spend_link(token, now).user, "link", now)


def give_second_factor(
    *, pending: SecondFactorNeeded | None, code: str, client: str, now: datetime
) -> SignedIn:
    """Finish a sign-in by a code of the authenticator app, or by a recovery code.

    Raises:
        SecondFactorWrong, RateLimited: the sign-in goes on waiting.
        SignInExpired: it waited too long, or the password changed since.
    """
    if pending is None or abs(now - pending.since) >= SECOND_FACTOR_PATIENCE:
        raise SignInExpired
    user = user_by_id(pending.user_id)
    if not hmac.compare_digest(_stamp(user), pending.stamp) or not _is_open(user):
        raise SignInExpired
    kind = check_second_factor(user_id=user.pk, code=code, client=client, now=now)
    return SignedIn(user, f"{pending.method}+{kind}")


def keep_pending(*, session: SessionBase, needed: SecondFactorNeeded) -> None:
    """Let a browser's session remember a sign-in that waits for its second factor."""
    kept = {
        "user_id": needed.user_id,
        "method": needed.method,
        "passkeys": needed.passkeys,
        "stamp": needed.stamp,
        "since": needed.since.isoformat(),
    }
    session[SESSION_KEY] = {**session.get(SESSION_KEY, {}), "pending": kept}


def drop_pending(*, session: SessionBase) -> None:
    """Forget a sign-in that waits."""
    ours = {key: value for key, value in session.get(SESSION_KEY, {}).items() if key != "pending"}
    session[SESSION_KEY] = ours


def after_first_factor(user: User, method: str, now: datetime) -> SignInResult:
    """Who is signed in now, or what is still missing; one statement."""
    kinds = set(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))
    if Authenticator.Type.TOTP not in kinds:
        return SignedIn(user, method)
    has_passkeys = Authenticator.Type.WEBAUTHN in kinds
    return SecondFactorNeeded(user.pk, method, has_passkeys, _stamp(user), now)


def check_sign_in_code(*, login: str, code: str, client: str, now: datetime) -> tuple[User, OneTimeCode]:
    """Who the code was sent to; it stays good until `accept_sign_in_code`.

    Raises:
        InvalidCredentials, RateLimited: see `sign_in_with_code`.
    """
    refuse_inside_transaction()
    address = parse_login(login)
    count_sign_in(address.value if address else "no such address", client, now)
    if address is None:
        raise InvalidCredentials(CodeInvalid.message)
    try:
        found = try_code(CodePurpose.SIGN_IN, address, code, now, spend=False)
    except CodeInvalid:
        raise InvalidCredentials(CodeInvalid.message) from None
    user = user_by_id(found.user_id or 0)
    if not _is_open(user) or not may_be_sent_to(user.customer, address.kind):
        raise InvalidCredentials(CodeInvalid.message)
    return user, found


def accept_sign_in_code(user: User, found: OneTimeCode, client: str, now: datetime) -> None:
    """Spend a code that `check_sign_in_code` found right, and note that its address is proved.

    Raises:
        InvalidCredentials: somebody was faster.
    """
    try:
        spend_code(found, now)
    except CodeInvalid:
        raise InvalidCredentials(CodeInvalid.message) from None
    address = parse_login(found.address)
    if address is not None:
        prove_address(user.customer, address, now)
    forgive_sign_in(found.address, client)
    forgive_codes(CodePurpose.SIGN_IN, found.address, client)


def _is_open(user: User) -> bool:
    """A customer whose account is open; staff sign in elsewhere."""
    return user.is_active and not user.is_staff and hasattr(user, "customer")


def _stamp(user: User) -> str:
    """Changes with the password: a sign-in that was begun with the old one is worth nothing then."""
    return hashlib.sha256(user.get_session_auth_hash().encode()).hexdigest()[:32]
