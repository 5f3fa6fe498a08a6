"""One-time codes as figures: made, spelled, hashed and compared. Nothing here knows the database."""

import hashlib
import hmac
import secrets
import unicodedata
from datetime import timedelta

from django.conf import settings

from everline.accounts.addresses import Login

DIGITS = 6
LIFETIME = timedelta(minutes=10)
#: Wrong tries that a code survives, minus one.
MAX_TRIES = 5


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def spelled(text: str) -> str:
    """A code as people type it, without blanks and dashes, in ASCII digits."""
    plain = unicodedata.normalize("NFKC", text[:64])
    return "".join(char for char in plain if not char.isspace() and char != "-")


def hash_code(purpose: str, login: Login, code: str) -> str:
    """Hex HMAC of a code: a million codes are quickly tried, so a copy of the table must not be enough.

    Purpose and address are part of it: a code is worth nothing elsewhere.
    """
    key = hmac.new(settings.SECRET_KEY.encode(), b"accounts.codes", hashlib.sha256).digest()
    text = f"{purpose}\n{login.kind}\n{login.value}\n{code}"
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def nobodys_hash() -> str:
    """A hash that no code has: what stands where nobody was told a code."""
    return secrets.token_hex(32)


def is_same(one: str, other: str) -> bool:
    """Compare two hashes in a time that tells nothing of them."""
    return hmac.compare_digest(one.encode(), other.encode())
