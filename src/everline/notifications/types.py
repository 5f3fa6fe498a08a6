from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: Languages in which every kind of message exists.
LOCALES: tuple[str, ...] = ("zh-hans", "en")


class Kind(StrEnum):
    """What a message says. The context each kind needs (primitives; * may be absent or None).

    Times are ISO 8601 with offset and are shown in `zone` (an IANA name); amounts are integers of the
    currency's minor unit; URLs are absolute; names are already in the recipient's language.

    - `welcome`: link (private), expires_at, zone
    - `address_taken`: sign_in_url
    - `sign_in_code`, `recovery_code`, `address_code`: code (private, six digits), minutes: how long it is
      good; a code that could not be delivered in that time is not sent
    - `security_notice`: event (a `SecurityEvent`), at, zone, device*, country*, settings_url
    - `order_confirmation`: order_number, plan_name, amount, currency, order_url, zone, old_ends_at*,
      new_ends_at*, line_label*, quantity*, opens_by*, install_url* (a new line: how to install it),
      receipt_attached*
    - `payment_failed`: order_number, plan_name, amount, currency, reason, retry_url
    - `order_expired`: order_number, plan_name, amount, currency, plans_url
    - `order_refunded`: order_number, plan_name, amount, currency, reason, order_url

    Every kind exists as e-mail and as SMS.
    """

    WELCOME = "welcome"
    ADDRESS_TAKEN = "address_taken"
    SIGN_IN_CODE = "sign_in_code"
    RECOVERY_CODE = "recovery_code"
    ADDRESS_CODE = "address_code"
    SECURITY_NOTICE = "security_notice"
    ORDER_CONFIRMATION = "order_confirmation"
    PAYMENT_FAILED = "payment_failed"
    ORDER_EXPIRED = "order_expired"
    ORDER_REFUNDED = "order_refunded"


class SecurityEvent(StrEnum):
    """What a `security_notice` tells of: one sentence and one piece of advice each."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, no secret
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word, no secret
    EMAIL_CHANGED = "email_changed"
    PHONE_CHANGED = "phone_changed"
    EMAIL_VERIFIED = "email_verified"
    PHONE_VERIFIED = "phone_verified"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    RECOVERY_CODE_USED = "recovery_code_used"
    ADDRESS_RELEASED = "address_released"
    NEW_DEVICE = "new_device"
    SESSIONS_ENDED = "sessions_ended"


class Channel(StrEnum):
    """How a message travels: `to` is an e-mail address, or a number in E.164."""

    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class AttachmentRef:
    """A file that a message carries, by what it is made of; it is made when the message is delivered.

    `kind` names a renderer in the table of the setting `EVERLINE_ATTACHMENTS`; `reference` is its object.
    """

    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it is sent: a plain file name, a media type, its bytes."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one recipient; two with the same `dedupe_key` are one.

    `brand` holds `name_en`, `name_zh`, `mail_from`, `support_email`, and may hold `mail_name_en`,
    `mail_name_zh`, `accent` (#rrggbb), `support_url`, `terms_url`, `privacy_url`, `home_url` (its host stands
    in codes by SMS, so that a phone fills them in on that site only). `private` joins the context when the
    message is written out and is wiped once it is sent or given up: links that sign in belong there.
    `reference` is the caller's own id (an order, a customer) and comes back in the events. `attachments`
    travel with e-mail only.
    """

    kind: str
    to: str
    locale: str
    brand: dict[str, Any]
    context: dict[str, Any]
    dedupe_key: str
    private: dict[str, Any] = field(default_factory=dict)
    channel: str = Channel.EMAIL
    reference: str = ""
    attachments: tuple[AttachmentRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as its recipient reads it. The subject is one line."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What an e-mail transport gets; `message_id` is the same in every try, for those who deduplicate."""

    message_id: str
    kind: str
    to: str
    sender_name: str
    sender: str
    rendered: Rendered
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """What an SMS transport gets; `to` is a number in E.164, `message_id` is the same in every try."""

    message_id: str
    kind: str
    to: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: no error, an error worth another try, or a permanent one."""

    delivery_id: int
    error: str = ""
    permanent: bool = False
