"""Who is calling: the only way an entry floor gets a customer or an operator key."""

from datetime import datetime, timedelta

from everline.accounts.errors import ScopeMissing
from everline.accounts.models import AccessToken, ApiKey, Customer
from everline.accounts.scopes import covers
from everline.accounts.tokens import hash_token

#: A token's last use is known to the day; finer would cost a write per request.
_COARSE = timedelta(days=1)


def customer_by_token(token: str, now: datetime) -> Customer | None:
    """The customer who holds this token, with user and brand; None if unknown, expired or revoked.

    One statement; once a day per token a second one notes that it is in use.
    """
    found = (
        AccessToken.objects.select_related("customer__user", "customer__brand")
        .filter(
            token_hash=hash_token(token),
            expires_at__gt=now,
            revoked_at__isnull=True,
            customer__user__is_active=True,
        )
        .first()
    )
    if found is None:
        return None
    if found.last_used_at + _COARSE < now:
        AccessToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found.customer


def operator_by_key(key: str, scope: str, now: datetime) -> ApiKey | None:
    """The operator key with its brand, in one statement; None if unknown or revoked by now.

    Raises:
        ScopeMissing: a good key, but not for `scope` ("usage-records:write").
    """
    found = ApiKey.objects.select_related("brand").filter(key_hash=hash_token(key)).first()
    if found is None or (found.revoked_at is not None and found.revoked_at <= now):
        return None
    if not covers(found.scopes, scope):
        raise ScopeMissing(scope=scope)
    return found
