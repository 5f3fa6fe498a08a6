"""Proof that whoever is signed in is really there: asked for again before an account's security changes."""

from datetime import datetime

from everline.accounts.addresses import Login
from everline.accounts.errors import AddressUnverified, InvalidCredentials
from everline.accounts.limits import count_proof, count_user_code, forgive_proof
from everline.accounts.models import Customer, User
from everline.accounts.selectors import user_by_id
from everline.accounts.services.codes import try_code, wish_for_code
from everline.accounts.services.factors import check_second_factor
from everline.accounts.services.passwords import password_is_right
from everline.accounts.types import CodePurpose
from everline.core.transactions import refuse_inside_transaction


def reauthenticate_with_password(*, user_id: int, password: str, client: str, now: datetime) -> None:
    """Prove it by the password.

    Raises:
        InvalidCredentials, RateLimited.
    """
    del client
    refuse_inside_transaction()
    count_proof(user_id, now)
    if not password_is_right(user_by_id(user_id), password):
        raise InvalidCredentials
    forgive_proof(user_id)


def request_reauthentication_code(*, user_id: int, client: str, now: datetime) -> str:
    """Send a code to a proved address of the user; returns the address with its middle hidden.

    Raises:
        AddressUnverified: there is none.
        RateLimited: too many codes.
    """
    del client
    login = proved_address(user_by_id(user_id))
    count_user_code(user_id, login.value, now)
    wish_for_code(CodePurpose.PROOF, login, now, user_id=user_id)
    return masked(login)


def reauthenticate_with_code(*, user_id: int, code: str, client: str, now: datetime) -> None:
    """Prove it by the code that was sent.

    Raises:
        CodeInvalid, AddressUnverified, RateLimited.
    """
    del client
    refuse_inside_transaction()
    login = proved_address(user_by_id(user_id))
    count_proof(user_id, now)
    try_code(CodePurpose.PROOF, login, code, now, user_id=user_id)
    forgive_proof(user_id)


def reauthenticate_with_totp(*, user_id: int, code: str, client: str, now: datetime) -> None:
    """Prove it by a code of the authenticator app, or by a recovery code.

    Raises:
        SecondFactorWrong, RateLimited.
    """
    check_second_factor(user_id=user_id, code=code, client=client, now=now)


def proved_address(user: User) -> Login:
    """The e-mail address if it is proved, else the number.

    Raises:
        AddressUnverified: neither is.
    """
    customer: Customer | None = getattr(user, "customer", None)
    if customer is not None and user.email and customer.email_verified_at:
        return Login("email", user.email)
    if customer is not None and user.phone and customer.phone_verified_at:
        return Login("phone", user.phone)
    raise AddressUnverified


def masked(login: Login) -> str:
    """An address that its owner recognises and nobody else learns: `l…@example.com`, `+861…000`."""
    if login.kind == "email":
        local, _, domain = login.value.rpartition("@")
        return f"{local[0]}…@{domain}"
    return f"{login.value[:4]}…{login.value[-3:]}"
