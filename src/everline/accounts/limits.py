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
