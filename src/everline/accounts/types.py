from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from everline.accounts.models import ApiKey, Customer, User

#: Languages a customer can choose; the first is the default.
LOCALES: tuple[str, ...] = ("zh-hans", "en")
DEFAULT_LOCALE = LOCALES[0]
LOCALE_CHOICES = [("zh-hans", "简体中文"), ("en", "English")]
DEFAULT_TIMEZONE = "UTC"

#: What a customer may be told beyond the mails an order itself needs, and by which channels.
NOTIFICATION_TOPICS: tuple[str, ...] = ("expiry_reminders", "usage_alerts", "announcements")
NOTIFICATION_CHANNELS: tuple[str, ...] = ("email", "sms", "push")
DEFAULT_CHOICES: dict[str, list[str]] = {
    "expiry_reminders": ["email"],
    "usage_alerts": ["email"],
    "announcements": [],
}

#: The accent of the light theme and of the dark one, where a brand names none of its own.
DEFAULT_ACCENTS = ("#0b6b60", "#6fd0c1")
#: Changes with the way in which a brand's files are made from its row: browsers keep them for a year.
LOOK_VERSION = "2"
DEFAULT_BRAND_ID = "leb"
DEFAULT_BRAND: dict[str, str] = {
    "name_en": "leb card",
    "name_zh": "leb卡",
    "order_prefix": "LEB",
    "default_currency": "USD",
    "mail_from": "no-reply@leb.example",
    "support_email": "support@leb.example",
}


@dataclass(frozen=True, slots=True)
class CustomerProfile:
    """What a customer is told about themselves; also the answer to a registration, made or not."""

    id: str
    email: str | None
    phone: str | None
    locale: str
    timezone: str
    currency: str
    email_verified: bool
    phone_verified: bool
    created_at: datetime
    notifications: dict[str, list[str]] = field(default_factory=lambda: dict(DEFAULT_CHOICES))


@dataclass(frozen=True, slots=True)
class Session:
    """A new API session. The token is shown here and never again."""

    token: str
    expires_at: datetime
    customer: "Customer"


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A new operator key. The secret is shown here and never again."""

    key: "ApiKey"
    secret: str


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """One demo customer as the supervisor prints it; `host` is the brand's own, empty for the shop's."""

    login: str
    password: str
    locale: str
    timezone: str
    currency: str
    customer_id: str
    host: str = ""


class CodePurpose(StrEnum):
    """What a one-time code is good for; it is good for nothing else."""

    SIGN_IN = "sign_in"
    RECOVERY = "recovery"
    ADDRESS = "address"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Device:
    """From where somebody comes, as far as they are shown it: "Chrome · Windows", "DE"; "" where unknown."""

    address: str = ""
    label: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Every factor was given; `user` has customer and brand loaded. `method` says how: "password+totp"."""

    user: "User"
    method: str

    @property
    def customer(self) -> "Customer":
        """Who signed in."""
        return self.user.customer


@dataclass(frozen=True, slots=True)
class SecondFactorNeeded:
    """The first factor was right; `stamp` dies when the password changes, the whole after ten minutes."""

    user_id: int
    method: str
    passkeys: bool
    stamp: str
    since: datetime


SignInResult = SignedIn | SecondFactorNeeded


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change of security, and from where.

    `authenticated_at` is the last proof of who it is; `session_key` or `token` names the session that asks,
    which outlives a change that ends the others.
    """

    user_id: int
    authenticated_at: datetime | None
    device: Device
    session_key: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a browser is asked to sign: `options` for it as JSON, `state` for the caller's session, once."""

    options: dict[str, Any]
    state: dict[str, str]


@dataclass(frozen=True, slots=True)
class TotpEnrolment:
    """A secret to be scanned (`uri`, otpauth) or typed; nothing is stored before its first code."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """One passkey as its owner sees it."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SecurityView:
    """How an account is guarded."""

    has_password: bool
    verified: bool
    totp: bool
    totp_since: datetime | None
    recovery_codes_left: int
    passkeys: tuple[PasskeyView, ...]


@dataclass(frozen=True, slots=True)
class SessionView:
    """A browser or a program that is signed in."""

    id: str
    kind: Literal["web", "api"]
    device: str
    country: str
    address: str
    method: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody of the staff: roles, whether they may sign in, whether they have a second factor."""

    email: str
    roles: tuple[str, ...]
    active: bool
    factor: bool
