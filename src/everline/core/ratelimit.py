"""Counters over windows of time, shared by all processes through the database."""

import hashlib
from datetime import datetime, timedelta

from django.db import connection

from everline.core.errors import RateLimited

#: Of two tries at once the later one may count first, so a window may start a little after `now`. One that
#: starts further ahead than a window is long was opened before the clock went back, and counts no more.
_SQL = """
INSERT INTO core_ratewindow AS w (key, window_start, count) VALUES (%(key)s, %(now)s, 1)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN w.window_start > %(oldest)s AND w.window_start < %(newest)s THEN w.count + 1 ELSE 1 END,
    window_start = CASE WHEN w.window_start > %(oldest)s AND w.window_start < %(newest)s
                        THEN w.window_start ELSE %(now)s END
RETURNING count, window_start
"""


def hit(scope: str, key: str, *, limit: int, per: timedelta, now: datetime) -> None:
    """Count one try; the window starts with its first try.

    Raises:
        RateLimited: more than `limit` tries in `per`; says in how many seconds the window ends.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL, {"key": f"{scope}:{digest}", "now": now, "oldest": now - per, "newest": now + per}
        )
        count, start = cursor.fetchone()
    if count > limit:
        raise RateLimited(retry_after=max(1, int((start + per - now).total_seconds()) + 1))


def forget(scope: str, key: str) -> None:
    """Start this key's window anew (after a success, say)."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_ratewindow WHERE key = %s", [f"{scope}:{digest}"])


def forget_old(now: datetime) -> None:
    """Drop windows that started more than a day ago: no limit looks back that far."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_ratewindow WHERE window_start < %s", [now - timedelta(days=1)])
