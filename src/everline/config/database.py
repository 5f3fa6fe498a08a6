"""A database URL as Django's settings want it."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from everline.core import env

_SCHEMES = {"postgresql", "postgres"}


def database(url: str) -> dict[str, Any]:
    """One entry of DATABASES for `postgresql://user:secret@host:port/name?option=…` (PostgreSQL ≥ 15 only).

    A socket folder is given as `?host=/folder`. Connections come from a pool in the process.

    Raises:
        ImproperlyConfigured: another database, or no name.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ImproperlyConfigured("EVERLINE_DATABASE_URL: only postgresql:// is supported")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or (parts.hostname or "")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("EVERLINE_DATABASE_URL: the database's name is missing")
    size = env.integer("EVERLINE_DATABASE_POOL", 16, low=1, high=500)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # the server may have been restarted under the pool
        "OPTIONS": {**options, "pool": {"min_size": 0, "max_size": size, "timeout": 20}},
    }
