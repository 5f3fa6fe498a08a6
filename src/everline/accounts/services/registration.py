"""Opening an account without telling strangers who has one.

A taken address gets the same answer after the same work: the password is hashed before anybody looks, one row
is inserted or refused by the unique key, one mail goes to the owner of the address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from everline.accounts.addresses import Login, normal_email, normal_phone
from everline.accounts.errors import AddressRequired, PasswordTooWeak
from everline.accounts.limits import count_registration
from everline.accounts.models import Brand, Customer, SignInLink, User
from everline.accounts.selectors import profile_of, users_at
from everline.accounts.services.profile import checked_currency, checked_locale, checked_timezone
from everline.accounts.tokens import new_token
from everline.accounts.types import DEFAULT_TIMEZONE, CustomerProfile
from everline.core import links
from everline.core.transactions import retrying
from everline.notifications.services import enqueue
from everline.notifications.types import Kind, Message

LINK_LIFETIME = timedelta(hours=24)
#: Hashing time must not grow with what a stranger sends.
_PASSWORD_LENGTH = 256
#: By the code of the validator that refused; Django's own sentences are not in all our languages.
_WEAKNESSES = {
    "password_too_short": _("Use at least %(min_length)d characters in the password."),
    "password_too_common": _("Many people use this password. Choose one that is hard to guess."),
    "password_too_similar": _("This password is too much like your address. Choose another one."),
    "password_entirely_numeric": _("This password has only digits. Add letters or other characters."),
}


@dataclass(frozen=True, slots=True)
class Registration:
    """A checked wish to become a customer."""

    brand: Brand
    email: str | None
    phone: str | None
    password_hash: str
    locale: str
    timezone: str
    currency: str

    @property
    def logins(self) -> list[Login]:
        """The addresses that nobody else may have."""
        emails = [Login("email", self.email)] if self.email else []
        return [*emails, *([Login("phone", self.phone)] if self.phone else [])]


def register_customer(
    *,
    brand: Brand,
    email: str | None = None,
    phone: str | None = None,
    password: str,
    locale: str | None = None,
    timezone: str | None = None,
    currency: str | None = None,
    client: str = "",
    now: datetime,
) -> CustomerProfile:
    """Make a customer who may sign in at once, and mail the welcome link.

    Where an address is taken nothing is made, its owner is told by mail, and the answer looks the same.
    `client` is the network address of whoever asks, for the rate limit.

    Raises:
        AddressRequired, EmailInvalid, PhoneInvalid, PasswordTooWeak, LocaleUnsupported, TimezoneUnknown,
        UnknownCurrency: nothing was made.
        RateLimited: too many registrations from this address.
    """
    count_registration(client, now)
    normal = User(email=normal_email(email) if email else None, phone=normal_phone(phone) if phone else None)
    if not (normal.email or normal.phone):
        raise AddressRequired
    check_password_strength(password, normal)
    wanted = Registration(
        brand=brand,
        email=normal.email,
        phone=normal.phone,
        locale=checked_locale(locale or brand.default_locale),
        timezone=checked_timezone(timezone or DEFAULT_TIMEZONE),
        currency=checked_currency(currency or brand.default_currency),
        password_hash=make_password(password),
    )
    return _register(wanted, now)


def check_password_strength(password: str, user: User) -> None:
    """Apply the validators of the settings.

    Raises:
        PasswordTooWeak: with their reasons in the active language.
    """
    if len(password) > _PASSWORD_LENGTH or not password.isprintable():
        raise PasswordTooWeak(_("Use at most 256 visible characters in the password."))
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordTooWeak(" ".join(_weakness(each) for each in error.error_list)) from None


def _weakness(error: ValidationError) -> str:
    """Our sentence for a validator's refusal; the general one for a validator we do not know."""
    sentence = str(_WEAKNESSES.get(error.code or "", PasswordTooWeak.message))
    return sentence % (error.params or {})


@retrying
@transaction.atomic
def _register(wanted: Registration, now: datetime) -> CustomerProfile:
    try:
        with transaction.atomic():
            customer = create_customer(wanted, now)
    except IntegrityError:
        owners = users_at(wanted.logins)
        if not owners:
            raise
        enqueue(*_address_taken(owners, wanted, now), now=now)
        return _as_if_made(wanted, now)
    if customer.email:
        enqueue(_welcome(customer, now), now=now)
    return profile_of(customer)


def create_customer(wanted: Registration, now: datetime) -> Customer:
    """Insert user, customer and the identity library's address row.

    Raises:
        IntegrityError: an address is taken.
    """
    user = User(email=wanted.email, phone=wanted.phone, password=wanted.password_hash)
    user.save(force_insert=True)
    customer = _as_customer(user, wanted, now)
    customer.save(force_insert=True)
    if user.email:
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    return customer


def _as_customer(user: User, wanted: Registration, now: datetime) -> Customer:
    return Customer(
        user=user,
        brand=wanted.brand,
        locale=wanted.locale,
        timezone=wanted.timezone,
        currency=wanted.currency,
        created_at=now,
    )


def _as_if_made(wanted: Registration, now: datetime) -> CustomerProfile:
    user = User(email=wanted.email, phone=wanted.phone)
    return profile_of(_as_customer(user, wanted, now))


def _welcome(customer: Customer, now: datetime) -> Message:
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
        dedupe_key=f"welcome:{customer.id}",
        reference=customer.id,
    )


def _address_taken(owners: list[User], wanted: Registration, now: datetime) -> list[Message]:
    """To each owner who has an e-mail address, in the owner's language, once an hour at most."""
    messages = []
    for owner in owners:
        customer: Customer | None = getattr(owner, "customer", None)
        front = customer.brand if customer else wanted.brand
        if owner.email and owner.is_active:
            messages.append(
                Message(
                    kind=Kind.ADDRESS_TAKEN,
                    to=owner.email,
                    locale=customer.locale if customer else wanted.locale,
                    brand=front.for_messages(),
                    context={"sign_in_url": links.url("sign_in", origin=front.origin)},
                    dedupe_key=f"address_taken:{owner.pk}:{now:%Y%m%d%H}",
                    reference=customer.id if customer else "",
                )
            )
    return messages
