from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from everline.accounts.addresses import parse_login
from everline.accounts.models import Customer
from everline.accounts.selectors import users_at
from everline.accounts.services.brands import ensure_default_brand
from everline.accounts.services.links import verify_email
from everline.accounts.services.registration import Registration, create_customer
from everline.accounts.types import DemoSignIn

DEMO_PASSWORD = "everline-demo"  # noqa: S105 - printed at every start of a sandbox

#: Login, language, time zone, currency. example.com is IANA's, the number Ofcom's for drama.
_DEMO: tuple[tuple[str, str, str, str], ...] = (
    ("demo@example.com", "zh-hans", "Asia/Shanghai", "CNY"),
    ("anna@example.com", "en", "Europe/Berlin", "EUR"),
    ("sam@example.com", "en", "America/New_York", "USD"),
    ("+447700900123", "en", "Asia/Kolkata", "USD"),
)


@transaction.atomic
def load_demo_customers(now: datetime) -> list[DemoSignIn]:
    """The customers of the demo, made where they are missing, without mails; addresses count as verified."""
    brand = ensure_default_brand()
    logins = {text: parse_login(text) for text, *_ in _DEMO}
    users = users_at(login for login in logins.values() if login)
    there: dict[str | None, Customer] = {}
    for user in users:
        there |= {user.email: user.customer, user.phone: user.customer}
    made = []
    for text, locale, timezone, currency in _DEMO:
        customer = there.get(text)
        if customer is None:
            email = text if "@" in text else None
            wanted = Registration(
                brand=brand,
                email=email,
                phone=None if email else text,
                password_hash=make_password(DEMO_PASSWORD),
                locale=locale,
                timezone=timezone,
                currency=currency,
            )
            customer = _verified(create_customer(wanted, now), now)
        made.append(
            DemoSignIn(
                text, DEMO_PASSWORD, customer.locale, customer.timezone, customer.currency, customer.id
            )
        )
    return made


def _verified(customer: Customer, now: datetime) -> Customer:
    if customer.email:
        verify_email(customer, now)
    else:
        customer.phone_verified_at = now
        customer.save(update_fields=["phone_verified_at"])
    return customer
