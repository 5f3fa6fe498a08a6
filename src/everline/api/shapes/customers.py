from typing import TYPE_CHECKING, Literal

from typing_extensions import TypedDict

from everline.accounts.types import CustomerProfile
from everline.api.answers import Id, Instant, instant

if TYPE_CHECKING:
    from everline.accounts.types import Session as OpenSession


class Customer(TypedDict):
    """Who holds lines. `notifications` says by which channels each topic comes."""

    id: Id
    email: str | None
    phone: str | None
    locale: str
    timezone: str
    currency: str
    email_verified: bool
    phone_verified: bool
    notifications: dict[str, list[str]]
    created_at: Instant


class Session(TypedDict):
    """A way in. The token is shown once."""

    token: str
    expires_at: Instant
    customer: Customer


class Accepted(TypedDict):
    """What was asked for was taken in; what comes of it is told elsewhere. Always the same."""

    status: Literal["accepted"]


def accepted_shape() -> Accepted:
    """The one answer to everybody who asks for a code."""
    return {"status": "accepted"}


def customer_shape(profile: CustomerProfile) -> Customer:
    """What a customer is told about themselves."""
    return {
        "id": profile.id,
        "email": profile.email,
        "phone": profile.phone,
        "locale": profile.locale,
        "timezone": profile.timezone,
        "currency": profile.currency,
        "email_verified": profile.email_verified,
        "phone_verified": profile.phone_verified,
        "notifications": profile.notifications,
        "created_at": instant(profile.created_at),
    }


def session_shape(session: "OpenSession", profile: CustomerProfile) -> Session:
    """A new session with its customer."""
    return {
        "token": session.token,
        "expires_at": instant(session.expires_at),
        "customer": customer_shape(profile),
    }
