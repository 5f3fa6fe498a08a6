"""Codes of authenticator apps (RFC 6238: SHA-1, six digits, thirty seconds). Pure, but for the random secret.

The app in the customer's hand follows real time, so these codes do too, whatever the business clock says.
"""

import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value

PERIOD = 30
#: Clocks of telephones are right to half a minute.
TOLERANCE = 1


def new_secret() -> str:
    """160 random bits in base 32."""
    return str(generate_totp_secret())


def code_at(secret: str, step: int) -> str:
    """The code of one period of thirty seconds since 1970."""
    return str(format_hotp_value(hotp_value(secret, step)))


def step_of(moment: datetime) -> int:
    """The period in which a moment lies."""
    return int(moment.timestamp()) // PERIOD


def matching_step(secret: str, code: str, moment: datetime) -> int | None:
    """The period whose code this is, of those near `moment`; None for a wrong code.

    Every candidate is compared, in a time that tells nothing.
    """
    here = step_of(moment)
    steps = range(here - TOLERANCE, here + TOLERANCE + 1)
    given = code.encode("utf-8", "replace")
    same = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), given)]
    return same[-1] if same else None


def uri(secret: str, *, issuer: str, label: str) -> str:
    """What an authenticator app scans (otpauth, Google's key URI format)."""
    # A colon parts issuer and label, whatever the brand is called.
    names = quote(f"{issuer.replace(':', ' ')}:{label}", safe="")
    return f"otpauth://totp/{names}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
