"""Secrets that are shown once: long random texts of which only the SHA-256 is kept.

They carry 256 random bits, so a plain fast hash is enough: there is nothing to guess.
"""

import hashlib
import secrets

_BYTES = 32


def new_token(prefix: str = "") -> tuple[str, str]:
    """A fresh secret and the hash to store."""
    token = prefix + secrets.token_urlsafe(_BYTES)
    return token, hash_token(token)


def hash_token(token: str) -> str:
    """Hex SHA-256; any text may come in from outside."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
