from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from everline.accounts.addresses import parse_login
from everline.accounts.demo_brand import DEMO_BRAND, DEMO_BRAND_ID
from everline.accounts.models import Brand, Customer
from everline.accounts.selectors import users_at
from everline.accounts.services.brands import ensure_brand, ensure_default_brand
from everline.accounts.services.links import verify_email
from everline.accounts.services.registration import Registration, create_customer
from everline.accounts.types import DEFAULT_BRAND_ID, DemoSignIn

DEMO_PASSWORD = "everline-demo"  # noqa: S105 - printed at every start of a sandbox

#: Login, language, time zone, currency, brand. example.com is IANA's, the number Ofcom's for drama.
_DEMO: tuple[tuple[str, str, str, str, str], ...] = (
    ("demo@example.com", "zh-hans", "Asia/Shanghai", "CNY", DEFAULT_BRAND_ID),
    ("anna@example.com", "en", "Europe/Berlin", "EUR", DEFAULT_BRAND_ID),
    ("sam@example.com", "en", "America/New_York", "USD", DEFAULT_BRAND_ID),
    ("+447700900123", "en", "Asia/Kolkata", "USD", DEFAULT_BRAND_ID),
    ("mei@example.com", "zh-hans", "Asia/Shanghai", "CNY", DEFAULT_BRAND_ID),
    ("leo@example.com", "en", "Europe/Paris", "EUR", DEFAULT_BRAND_ID),
    ("wren@example.com", "en", "Europe/Berlin", "EUR", DEMO_BRAND_ID),
    ("nora@example.com", "en", "Australia/Sydney", "USD", DEFAULT_BRAND_ID),
)


@transaction.atomic
def load_demo_customers(now: datetime) -> list[DemoSignIn]:
    """The brands and customers of the demo, made where they are missing; no mails, addresses are verified."""
    brands = {
        DEFAULT_BRAND_ID: ensure_default_brand(),
        DEMO_BRAND_ID: ensure_brand(brand_id=DEMO_BRAND_ID, fields=DEMO_BRAND, now=now),
    }
    logins = {text: parse_login(text) for text, *_ in _DEMO}
    users = users_at(login for login in logins.values() if login)
    there: dict[str | None, Customer] = {}
    for user in users:
        there |= {user.email: user.customer, user.phone: user.customer}
    made = []
    for text, locale, timezone, currency, brand_id in _DEMO:
        customer = there.get(text)
        if customer is None:
            email = text if "@" in text else None
            wanted = Registration(
                brand=brands[brand_id],
                email=email,
                phone=None if email else text,
                password_hash=make_password(DEMO_PASSWORD),
                locale=locale,
                timezone=timezone,
                currency=currency,
            )
            customer = _verified(create_customer(wanted, now), now)
        made.append(_sign_in(text, customer, brands[brand_id]))
    return made


def _sign_in(login: str, customer: Customer, brand: Brand) -> DemoSignIn:
    return DemoSignIn(
        login=login,
        password=DEMO_PASSWORD,
        locale=customer.locale,
        timezone=customer.timezone,
        currency=customer.currency,
        customer_id=customer.id,
        host=brand.domains[0] if brand.domains else "",
    )


def _verified(customer: Customer, now: datetime) -> Customer:
    if customer.email:
        verify_email(customer, now)
    else:
        customer.phone_verified_at = now
        customer.save(update_fields=["phone_verified_at"])
    return customer
