from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everline.accounts.models import ApiKey, Customer

#: Languages a customer can choose; the first is the default.
LOCALES: tuple[str, ...] = ("zh-hans", "en")
DEFAULT_LOCALE = LOCALES[0]
DEFAULT_TIMEZONE = "UTC"

#: What a customer may be told beyond the mails an order itself needs, and by which channels.
NOTIFICATION_TOPICS: tuple[str, ...] = ("expiry_reminders", "usage_alerts", "announcements")
NOTIFICATION_CHANNELS: tuple[str, ...] = ("email", "sms", "push")
DEFAULT_CHOICES: dict[str, list[str]] = {
    "expiry_reminders": ["email"],
    "usage_alerts": ["email"],
    "announcements": [],
}

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
    """One demo customer as the supervisor prints it."""

    login: str
    password: str
    locale: str
    timezone: str
    currency: str
    customer_id: str
