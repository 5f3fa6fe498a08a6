from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from everline.accounts.errors import SignInLinkSpent
from everline.accounts.limits import count_link
from everline.accounts.models import Customer, SignInLink
from everline.accounts.tokens import hash_token


def use_sign_in_link(*, token: str, client: str = "", now: datetime) -> Customer:
    """Spend a link of a welcome mail: the address it went to is verified, and its holder may be signed in.

    Of two clicks at the same time one wins. Returns the customer with user and brand.

    Raises:
        SignInLinkSpent: used, expired, unknown, or the account is closed.
        RateLimited: too many from this address.
    """
    count_link(client, now)
    return _spend(token, now)


@transaction.atomic
def _spend(token: str, now: datetime) -> Customer:
    spendable = SignInLink.objects.filter(
        token_hash=hash_token(token), used_at__isnull=True, expires_at__gt=now, customer__user__is_active=True
    )
    link = (
        spendable.select_related("customer__user", "customer__brand").select_for_update(of=("self",)).first()
    )
    if link is None:
        raise SignInLinkSpent
    link.used_at = now
    link.save(update_fields=["used_at"])
    customer = link.customer
    if customer.email == link.email:
        verify_email(customer, now)
    return customer


def verify_email(customer: Customer, now: datetime) -> None:
    """Note that the customer reads mail at their address; the first time counts."""
    if customer.email_verified_at is None:
        customer.email_verified_at = now
        customer.save(update_fields=["email_verified_at"])
    EmailAddress.objects.update_or_create(
        user=customer.user, email=customer.email, defaults={"verified": True, "primary": True}
    )
