from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from everline.accounts.addresses import Login
from everline.accounts.errors import SignInLinkSpent
from everline.accounts.models import Customer, SignInLink
from everline.accounts.tokens import hash_token


@transaction.atomic
def spend_link(token: str, now: datetime) -> Customer:
    """Spend a link of a welcome mail: the address it went to is proved. Of two clicks at once one wins.

    Returns the customer with user and brand.

    Raises:
        SignInLinkSpent: used, expired, unknown, sent to a former address, or the account is closed.
    """
    spendable = SignInLink.objects.filter(
        token_hash=hash_token(token), used_at__isnull=True, expires_at__gt=now, customer__user__is_active=True
    )
    link = (
        spendable.select_related("customer__user", "customer__brand").select_for_update(of=("self",)).first()
    )
    if link is None or link.email != link.customer.email:
        raise SignInLinkSpent
    link.used_at = now
    link.save(update_fields=["used_at"])
    if not verify_email(link.customer, now):
        raise SignInLinkSpent
    return link.customer


def prove_address(customer: Customer, login: Login, now: datetime) -> None:
    """Note that the customer reads what is sent to this address of theirs; the first time counts."""
    if login.kind == "email" and customer.email == login.value:
        verify_email(customer, now)
    elif login.kind == "phone" and customer.phone == login.value and customer.phone_verified_at is None:
        _verify_phone(customer, now)


@transaction.atomic
def _verify_phone(customer: Customer, now: datetime) -> None:
    if _still_has(customer, user__phone=customer.phone):
        customer.phone_verified_at = now
        customer.save(update_fields=["phone_verified_at"])


@transaction.atomic
def verify_email(customer: Customer, now: datetime) -> bool:
    """Note that the customer reads mail at their address; the first time counts.

    False, and nothing noted, where the address was released at this moment (`releasing`).
    """
    if customer.email_verified_at is None:
        if not _still_has(customer, user__email=customer.email):
            return False
        customer.email_verified_at = now
        customer.save(update_fields=["email_verified_at"])
    EmailAddress.objects.update_or_create(
        user=customer.user, email=customer.email, defaults={"verified": True, "primary": True}
    )
    return True


def _still_has(customer: Customer, **address: str | None) -> bool:
    """Whether the address is the customer's now; their rows are held until the transaction ends."""
    rows = Customer.objects.select_for_update(of=("self", "user")).select_related("user")
    return rows.filter(pk=customer.pk, **address).first() is not None
