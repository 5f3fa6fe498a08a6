"""What a change of security asks for: a recent proof of who makes it, and an address that was proved."""

from datetime import datetime, timedelta

from everline.accounts.errors import AddressUnverified, ReauthenticationRequired
from everline.accounts.models import Customer, User
from everline.accounts.types import Actor

RECENT = timedelta(minutes=15)


def require_recent(*, actor: Actor, now: datetime) -> None:
    """Let nobody pass whose last proof is fifteen minutes old, or as far ahead of a clock that was put back.

    Raises:
        ReauthenticationRequired: it is.
    """
    proved = actor.authenticated_at
    if proved is None or abs(now - proved) > RECENT:
        raise ReauthenticationRequired


def require_proved_address(user: User) -> None:
    """Let no customer pass who has proved no address: the account may bear a stranger's. Staff have none.

    Raises:
        AddressUnverified.
    """
    customer: Customer | None = getattr(user, "customer", None)
    if customer is not None and not (customer.email_verified_at or customer.phone_verified_at):
        raise AddressUnverified
