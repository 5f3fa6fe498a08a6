"""The key that signs sessions and links: from the environment, else the one the supervisor wrote."""

import secrets
from pathlib import Path

from everline.core import env


def secret_key(data_dir: Path) -> str:
    """`EVERLINE_SECRET_KEY`, else the data folder's `secret-key`, else one that dies with the process.

    The last is for commands on a folder that was never started; a system check refuses it in live mode.
    """
    given = env.secret("EVERLINE_SECRET_KEY")
    if given:
        return given
    try:
        return (data_dir / "secret-key").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return secrets.token_urlsafe(50)
