"""What shop and sandbox tell each other outside HTTP: the token, the address, and secrets derived from them.

The supervisor writes `sandbox-token` and, once everything answers, `sandbox-url` into the data folder; its
own programs know the address before that from EVERLINE_SANDBOX_URL.
"""

import hashlib
import hmac
from pathlib import Path

from django.conf import settings

from everline.core import env

_STAMP_DIGITS = 12


class SandboxMissing(RuntimeError):
    """The sandbox has not been started for this data folder."""


def token() -> str:
    """The control token of this data folder's sandbox.

    Raises:
        SandboxMissing: no sandbox was ever started here.
    """
    return _read("sandbox-token")


def base_url() -> str:
    """Where the sandbox answers, without a slash at the end.

    Raises:
        SandboxMissing: the sandbox has not answered yet.
    """
    return (env.text("EVERLINE_SANDBOX_URL") or _read("sandbox-url")).rstrip("/")


def api_key(control_token: str) -> str:
    """The key that the shop shows to the sandbox's provider, supplier and gateways."""
    return _derive(control_token, b"api")


def webhook_secret(control_token: str) -> str:
    """The secret with which the sandbox signs its webhooks."""
    return _derive(control_token, b"webhook")


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`t=…,v1=…`: hex HMAC-SHA256 over "timestamp.body", the shape Stripe made common."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def verify(secret: str, header: str, body: bytes, *, real_time: float, tolerance: int = 300) -> bool:
    """Whether a header of `signature`'s shape signs this body and is at most `tolerance` seconds away."""
    parts = dict(part.strip().split("=", 1) for part in header.split(",") if "=" in part)
    stamp = parts.get("t", "")
    # A time of more digits is none, and int() and float() give up on some of them.
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _STAMP_DIGITS):
        return False
    if abs(real_time - int(stamp)) > tolerance:
        return False
    expected = signature(secret, int(stamp), body).encode()
    return hmac.compare_digest(expected, f"t={stamp},v1={parts.get('v1', '')}".encode())


def _derive(control_token: str, purpose: bytes) -> str:
    return hmac.new(control_token.encode(), purpose, hashlib.sha256).hexdigest()


def _read(name: str) -> str:
    try:
        return (Path(settings.EVERLINE_DATA_DIR) / name).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise SandboxMissing(
            f"{name} is not in {settings.EVERLINE_DATA_DIR}: start the sandbox first"
        ) from None
