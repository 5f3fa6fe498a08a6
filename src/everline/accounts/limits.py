"""How often strangers may knock. Failures count, a success starts the count of its own login anew.

The narrow limit is per login *and* client address, so that a stranger's failures slow the stranger down and
not the owner at another address; the wide ones stop distributed guessing and mass registration. All of them
end by themselves: nobody is locked out.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from everline.core import ratelimit

#: The sandbox and its load tests all come from one address.
_SANDBOX_FACTOR = 100
_IPV6_SITE = 64
_TYPED_LENGTH = 254


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so long."""

    scope: str
    count: int
    per: timedelta


FAILURES_PER_LOGIN_AND_CLIENT = Limit("sign-in-pair", 10, timedelta(minutes=5))
FAILURES_PER_LOGIN = Limit("sign-in-login", 50, timedelta(minutes=15))
SIGN_INS_PER_CLIENT = Limit("sign-in-client", 100, timedelta(minutes=5))
REGISTRATIONS_PER_CLIENT = Limit("register-client", 20, timedelta(hours=1))
STAFF_FAILURES_PER_LOGIN = Limit("staff-login", 10, timedelta(minutes=15))
FACTORS_PER_USER_AND_CLIENT = Limit("factor-pair", 5, timedelta(minutes=5))
FACTORS_PER_USER = Limit("factor-user", 20, timedelta(hours=1))
PROOFS_PER_USER = Limit("proof-user", 10, timedelta(minutes=10))
CODES_PER_LOGIN_AND_CLIENT = Limit("code-pair", 5, timedelta(minutes=10))
CODES_PER_LOGIN = Limit("code-login", 10, timedelta(hours=1))
CODES_PER_USER = Limit("code-user", 10, timedelta(hours=1))
CODES_PER_CLIENT = Limit("code-client", 60, timedelta(minutes=10))
PASSKEYS_PER_CLIENT = Limit("passkey-client", 60, timedelta(minutes=5))
LINKS_PER_CLIENT = Limit("link-client", 60, timedelta(minutes=5))


def count_sign_in(login: str, client: str, now: datetime) -> None:
    """Count one try to sign in, before the password is looked at.

    Raises:
        RateLimited: too many for this login or from this address.
    """
    _hit(FAILURES_PER_LOGIN_AND_CLIENT, _pair(login, client), now)
    _hit(FAILURES_PER_LOGIN, login, now)
    _count_client(SIGN_INS_PER_CLIENT, client, now)


def forgive_sign_in(login: str, client: str) -> None:
    """Start the login's counts anew after the right password."""
    ratelimit.forget(FAILURES_PER_LOGIN_AND_CLIENT.scope, _pair(login, client))
    ratelimit.forget(FAILURES_PER_LOGIN.scope, login)


def count_staff_sign_in(login: str, client: str, now: datetime) -> None:
    """Count one try of staff to sign in; these counts are apart from the customers'.

    Raises:
        RateLimited: too many for this login or from this address.
    """
    _hit(STAFF_FAILURES_PER_LOGIN, _pair(login, client), now)
    _count_client(SIGN_INS_PER_CLIENT, client, now)


def forgive_staff_sign_in(login: str, client: str) -> None:
    """Start the count anew after the right password."""
    ratelimit.forget(STAFF_FAILURES_PER_LOGIN.scope, _pair(login, client))


def count_second_factor(user_id: int, client: str, now: datetime) -> None:
    """Count one code of an authenticator app, before it is looked at.

    Raises:
        RateLimited: too many for this user.
    """
    _hit(FACTORS_PER_USER_AND_CLIENT, _pair(str(user_id), client), now)
    _hit(FACTORS_PER_USER, str(user_id), now)


def forgive_second_factor(user_id: int, client: str) -> None:
    """Start the user's counts anew after a right code."""
    ratelimit.forget(FACTORS_PER_USER_AND_CLIENT.scope, _pair(str(user_id), client))
    ratelimit.forget(FACTORS_PER_USER.scope, str(user_id))


def count_proof(user_id: int, now: datetime) -> None:
    """Count one try of somebody signed in to prove that it is really them.

    Raises:
        RateLimited: too many.
    """
    _hit(PROOFS_PER_USER, str(user_id), now)


def forgive_proof(user_id: int) -> None:
    """Start the count anew after a good proof."""
    ratelimit.forget(PROOFS_PER_USER.scope, str(user_id))


def count_code(purpose: str, login: str, client: str, now: datetime) -> None:
    """Count one wish for a code, known address or not: a stranger shall not fill anybody's letter box.

    Raises:
        RateLimited: too many for this address or from this client.
    """
    _hit(CODES_PER_LOGIN_AND_CLIENT, f"{purpose} {_pair(login, client)}", now)
    _hit(CODES_PER_LOGIN, f"{purpose} {login}", now)
    _count_client(CODES_PER_CLIENT, client, now)


def forgive_codes(purpose: str, login: str, client: str) -> None:
    """Start the counts of an address anew after a right code."""
    ratelimit.forget(CODES_PER_LOGIN_AND_CLIENT.scope, f"{purpose} {_pair(login, client)}")
    ratelimit.forget(CODES_PER_LOGIN.scope, f"{purpose} {login}")


def count_user_code(user_id: int, login: str, now: datetime) -> None:
    """Count one wish of somebody signed in for a code at an address of their choice.

    Raises:
        RateLimited: too many for this user or this address.
    """
    _hit(CODES_PER_USER, str(user_id), now)
    _hit(CODES_PER_LOGIN, f"address {login}", now)


def count_passkey(client: str, now: datetime) -> None:
    """Count one answer of a passkey.

    Raises:
        RateLimited: too many from this address.
    """
    _count_client(PASSKEYS_PER_CLIENT, client, now)


def count_registration(client: str, now: datetime) -> None:
    """Count one registration from this address.

    Raises:
        RateLimited: too many.
    """
    _count_client(REGISTRATIONS_PER_CLIENT, client, now)


def count_link(client: str, now: datetime) -> None:
    """Count one use of a sign-in link from this address.

    Raises:
        RateLimited: too many.
    """
    _count_client(LINKS_PER_CLIENT, client, now)


def _count_client(limit: Limit, client: str, now: datetime) -> None:
    if not client:
        return
    factor = _SANDBOX_FACTOR if settings.EVERLINE_MODE == "sandbox" else 1
    ratelimit.hit(limit.scope, site(client), limit=limit.count * factor, per=limit.per, now=now)


def _hit(limit: Limit, key: str, now: datetime) -> None:
    ratelimit.hit(limit.scope, key, limit=limit.count, per=limit.per, now=now)


def _pair(login: str, client: str) -> str:
    return f"{site(client)} {login}"


def countable(text: str) -> str:
    """Whatever somebody typed as their address, as the name of a count."""
    return text[:_TYPED_LENGTH].encode("utf-8", "replace").decode()


def site(client: str) -> str:
    """Whom an address belongs to: an IPv4 address itself, an IPv6 one with its /64, which is one site's."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _IPV6_SITE), strict=False))
