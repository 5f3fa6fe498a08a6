from collections.abc import Iterable

from everline.accounts.addresses import Login
from everline.accounts.models import ApiKey, Brand, Customer, User
from everline.accounts.types import DEFAULT_BRAND_ID, DEFAULT_CHOICES, CustomerProfile
from everline.core.errors import NotFound


def default_brand() -> Brand:
    """The brand of this shop, as it is now.

    Raises:
        NotFound: the tables were emptied; `services.ensure_default_brand` brings it back.
    """
    return brand_by_id(DEFAULT_BRAND_ID)


def brand_by_id(brand_id: str) -> Brand:
    """One brand.

    Raises:
        NotFound: there is no such brand.
    """
    try:
        return Brand.objects.get(id=brand_id)
    except Brand.DoesNotExist:
        raise NotFound from None


def customer_of_user(user_id: int) -> Customer | None:
    """The customer who signed in as this user, with user and brand; None for staff."""
    return (
        Customer.objects.select_related("user", "brand").filter(user_id=user_id, user__is_active=True).first()
    )


def users_at(logins: Iterable[Login]) -> list[User]:
    """The users whose e-mail or phone is among these, with their customers, in one statement."""
    values = list(logins)
    emails = [login.value for login in values if login.kind == "email"]
    phones = [login.value for login in values if login.kind == "phone"]
    users = User.objects.select_related("customer__brand")
    return list((users.filter(email__in=emails) | users.filter(phone__in=phones)).order_by("id"))


def profile_of(customer: Customer) -> CustomerProfile:
    """What the customer is told about themselves; no statement if user is loaded."""
    return CustomerProfile(
        id=customer.id,
        email=customer.email,
        phone=customer.phone,
        locale=customer.locale,
        timezone=customer.timezone,
        currency=customer.currency,
        email_verified=customer.email_verified_at is not None,
        phone_verified=customer.phone_verified_at is not None,
        created_at=customer.created_at,
        notifications={**DEFAULT_CHOICES, **customer.notification_choices},
    )


def api_keys() -> list[ApiKey]:
    """Every operator key, revoked ones included, oldest first."""
    return list(ApiKey.objects.select_related("brand").order_by("id"))
