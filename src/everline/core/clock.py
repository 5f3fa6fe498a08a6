"""One source of time for every process.

In sandbox mode the clock carries an offset kept in a small file of the data folder, so that web, worker,
sandbox and commands all see a jump at once; the clock keeps ticking. In live mode there is no offset and no
file is looked at. Wire signatures, TLS and leases between processes use `real_now`.
"""

import contextlib
import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

_MAX_YEARS_AWAY = timedelta(days=366 * 200)


class ClockFrozen(RuntimeError):
    """The clock of a live installation cannot be moved."""


class _Cache:
    """The file last read and the offset in it: one value, so that threads see both or none."""

    read: tuple[tuple[int, int] | None, timedelta] = (None, timedelta(0))


_cache = _Cache()


def real_now() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - here, and nowhere else


def now() -> datetime:
    """The business's time, aware, in UTC. The only clock that due times are compared with."""
    return real_now() + offset()


def offset() -> timedelta:
    """How far the business clock stands from the machine's; zero outside sandbox mode."""
    if settings.EVERLINE_MODE != "sandbox":
        return timedelta(0)
    path = _path()
    try:
        status = os.stat(path)  # noqa: PTH116 - called on every request; Path.stat costs three times as much
        stamp = (status.st_mtime_ns, status.st_ino)
        known, value = _cache.read
        if stamp != known:
            value = timedelta(seconds=float(json.loads(path.read_text())))
            _cache.read = (stamp, value)
    except FileNotFoundError:
        return timedelta(0)
    return value


def set_offset(value: timedelta) -> None:
    """Move the business clock to `real_now() + value` for every process, atomically.

    Raises:
        ClockFrozen: the installation is live.
        ValueError: further away than two hundred years.
    """
    if settings.EVERLINE_MODE != "sandbox":
        raise ClockFrozen("the clock of a live installation cannot be moved")
    if abs(value) > _MAX_YEARS_AWAY:
        raise ValueError("the clock can be moved two hundred years at most")
    path = _path()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".clock-")
    with os.fdopen(handle, "w") as file:
        file.write(json.dumps(value.total_seconds()))
    Path(temporary).replace(path)


def reset() -> None:
    """Put the business clock back to the machine's time."""
    with contextlib.suppress(FileNotFoundError):
        _path().unlink()
    _cache.read = (None, timedelta(0))


def _path() -> Path:
    return Path(settings.EVERLINE_DATA_DIR) / "clock-offset"
