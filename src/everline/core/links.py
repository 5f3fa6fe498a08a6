"""Absolute addresses of our own pages for mails and providers; the table of paths comes from the settings."""

from urllib.parse import quote

from django.conf import settings


def url(name: str, **parts: str) -> str:
    """The absolute address of a page, e.g. `url("order", order="ord_…")`.

    Raises:
        KeyError: the settings' table has no such page, or a part of its path is missing.
    """
    path: str = settings.EVERLINE_LINKS[name]
    return settings.EVERLINE_PUBLIC_URL.rstrip("/") + path.format(
        **{k: quote(v, safe="") for k, v in parts.items()}
    )


def origin() -> str:
    """Scheme, host and port under which customers reach us."""
    return str(settings.EVERLINE_PUBLIC_URL).rstrip("/")
