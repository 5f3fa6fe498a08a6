from collections.abc import Iterable, Mapping

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

from everline.accounts.addresses import Login
from everline.accounts.fronts import host_name
from everline.accounts.models import ApiKey, Brand, Customer, User, remembered_brands
from everline.accounts.security import (
    authenticated_at,
    has_totp,
    open_sessions,
    pending_sign_in,
    security_of,
    totp_key,
)
from everline.accounts.types import DEFAULT_BRAND_ID, DEFAULT_CHOICES, CustomerProfile, StaffMember
from everline.core.errors import NotFound

__all__ = [
    "all_brands",
    "api_keys",
    "authenticated_at",
    "brand_by_id",
    "brand_for_host",
    "brand_hosts",
    "customer_behind",
    "customer_of_user",
    "default_brand",
    "has_totp",
    "open_sessions",
    "pending_sign_in",
    "profile_of",
    "security_of",
    "staff_members",
    "totp_key",
    "user_by_id",
    "users_at",
]


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


def brand_for_host(host: str) -> Brand:
    """The brand whose domain this host is (a Host header, port and case do not matter), else the default one.

    No statement while the process remembers (`accounts.fronts`), else one. What is given is shared between
    threads: it is to be read only.

    Raises:
        NotFound: the tables were emptied.
    """
    known = remembered_brands.get(_brands_by_host)
    brand = known.get(host_name(host)) or known.get("")
    if brand is None:
        raise NotFound
    return brand


def brand_hosts() -> list[str]:
    """The domains of all brands: host names that are ours beside those of the settings."""
    return [host for host in remembered_brands.get(_brands_by_host) if host]


def all_brands() -> list[Brand]:
    """Every brand, the default one first."""
    return sorted(Brand.objects.all(), key=lambda brand: (brand.id != DEFAULT_BRAND_ID, brand.id))


def _brands_by_host() -> Mapping[str, Brand]:
    brands = all_brands()
    by_host = {host: brand for brand in brands for host in brand.domains}
    if brands and brands[0].id == DEFAULT_BRAND_ID:
        by_host[""] = brands[0]
    return by_host


def customer_behind(user: User) -> Customer | None:
    """The customer who is signed in as this user, None for staff; no statement where the session was read."""
    customer: Customer | None = getattr(user, "customer", None)
    return customer


def customer_of_user(user_id: int) -> Customer | None:
    """The customer who signed in as this user, with user and brand; None for staff."""
    return (
        Customer.objects.select_related("user", "brand").filter(user_id=user_id, user__is_active=True).first()
    )


def user_by_id(user_id: int) -> User:
    """One user, with customer and brand where there is a customer.

    Raises:
        NotFound: there is no such user.
    """
    found = User.objects.select_related("customer__brand").filter(pk=user_id).first()
    if found is None:
        raise NotFound
    return found


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


def staff_members() -> list[StaffMember]:
    """The staff with their roles, by e-mail; two statements."""
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    people = User.objects.filter(is_staff=True).annotate(factor=Exists(factor)).prefetch_related("groups")
    return [
        StaffMember(
            str(user), tuple(group.name for group in user.groups.all()), user.is_active, bool(user.factor)
        )
        for user in people.order_by("email")
    ]
