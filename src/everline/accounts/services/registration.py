"""Opening an account without telling strangers who has one.

A taken address gets the same answer after the same work: the password is hashed before anybody looks, one row
is inserted or refused by the unique key, one message goes to the owner of the address. One that was typed a
day ago and never proved beside a proved one is not taken: it is released (`releasing`).
"""

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from everline.accounts.addresses import Login, normal_email, normal_phone
from everline.accounts.errors import AddressRequired
from everline.accounts.limits import count_registration
from everline.accounts.models import Brand, Customer, User
from everline.accounts.selectors import profile_of, users_at
from everline.accounts.services.codes import wish_for_code
from everline.accounts.services.notices import address_taken
from everline.accounts.services.passwords import check_password_strength
from everline.accounts.services.profile import checked_currency, checked_locale, checked_timezone
from everline.accounts.services.releasing import release_for_newcomer
from everline.accounts.services.welcome import make_welcome
from everline.accounts.types import DEFAULT_TIMEZONE, CodePurpose, CustomerProfile
from everline.core.transactions import retrying
from everline.notifications.services import enqueue


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
    """Make a customer who may sign in at once, and mail the welcome link, or text a code to a number alone.

    Where an address is taken nothing is made, its owner is told, and the answer looks the same.
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
        if release_for_newcomer(owners, wanted.logins, now):
            return _welcomed(create_customer(wanted, now), now)
        owners = users_at(wanted.logins)
        told = (address_taken(owner, now, locale=wanted.locale, brand=wanted.brand) for owner in owners)
        enqueue(*(message for messages in told for message in messages), now=now)
        return _as_if_made(wanted, now)
    return _welcomed(customer, now)


def _welcomed(customer: Customer, now: datetime) -> CustomerProfile:
    if customer.email:
        enqueue(make_welcome(customer, now), now=now)
    else:
        # A number is proved by a code; who enters it at sign-in is signed in.
        wish_for_code(CodePurpose.SIGN_IN, Login("phone", str(customer.phone)), now)
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
