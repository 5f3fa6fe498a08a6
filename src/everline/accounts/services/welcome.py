"""The welcome mail, whose link proves the address and signs in."""

from datetime import datetime, timedelta

from everline.accounts.models import Customer, SignInLink
from everline.accounts.tokens import new_token
from everline.core import links
from everline.notifications.types import Kind, Message

LINK_LIFETIME = timedelta(hours=24)


def make_welcome(customer: Customer, now: datetime, *, again: str = "") -> Message:
    """A new link and the mail that carries it; `again` tells a later one from the first."""
    token, token_hash = new_token()
    expires_at = now + LINK_LIFETIME
    SignInLink.objects.create(
        token_hash=token_hash,
        customer=customer,
        email=str(customer.email),
        created_at=now,
        expires_at=expires_at,
    )
    return Message(
        kind=Kind.WELCOME,
        to=str(customer.email),
        locale=customer.locale,
        brand=customer.brand.for_messages(),
        context={"expires_at": expires_at.isoformat(), "zone": customer.timezone},
        private={"link": links.url("sign_in_link", origin=customer.brand.origin, token=token)},
        dedupe_key=":".join(filter(None, ("welcome", customer.id, again))),
        reference=customer.id,
    )
