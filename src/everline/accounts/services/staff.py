"""Staff sign in apart from customers: another door, other counts, and always a second factor behind it."""

from datetime import datetime

from everline.accounts.addresses import parse_login
from everline.accounts.errors import InvalidCredentials
from everline.accounts.limits import count_staff_sign_in, forgive_staff_sign_in
from everline.accounts.models import User
from everline.accounts.selectors import users_at
from everline.accounts.services.passwords import password_is_right
from everline.core.transactions import refuse_inside_transaction


def authenticate_staff(*, login: str, password: str, client: str, now: datetime) -> User:
    """A member of staff after the right password: the first factor only, `check_second_factor` is the other.

    Raises:
        InvalidCredentials: unknown, wrong, closed, or a customer; after the same work.
        RateLimited: too many tries.
    """
    refuse_inside_transaction()
    address = parse_login(login)
    counted = address.value if address else "no such address"
    count_staff_sign_in(counted, client, now)
    users = users_at([address]) if address else []
    user = users[0] if users else None
    if not password_is_right(user, password) or user is None or not _is_staff(user):
        raise InvalidCredentials
    forgive_staff_sign_in(counted, client)
    return user


def _is_staff(user: User) -> bool:
    return user.is_active and user.is_staff and not hasattr(user, "customer")
