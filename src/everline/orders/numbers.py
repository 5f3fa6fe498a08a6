"""Order numbers: short, fixed in width, easy to read out, and not to be guessed from one another."""

import secrets
from datetime import datetime

#: Crockford's digits: no I, L, O, U to mistake.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 6


def new_number(prefix: str, now: datetime) -> str:
    """A number like `LEB-26-7K3M9Q`: brand, year, six random digits (a thousand million a year)."""
    tail = "".join(secrets.choice(_DIGITS) for _ in range(_LENGTH))
    return f"{prefix}-{now:%y}-{tail}"
