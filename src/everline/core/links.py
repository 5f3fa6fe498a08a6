"""Absolute addresses of our own pages for mails and providers; the table of paths comes from the settings."""

from urllib.parse import quote, urlsplit

from django.conf import settings


def url(name: str, *, origin: str = "", **parts: str) -> str:
    """The absolute address of a page, e.g. `url("order", order="ord_…")`.

    `origin` is a brand's own (`https://shop.example`); empty, and the shop's counts. It never comes from a
    request: whoever asks for a mail must not choose where its links lead.

    Raises:
        KeyError: the settings' table has no such page, or a part of its path is missing.
    """
    path: str = settings.EVERLINE_LINKS[name]
    return (origin or own_origin()) + path.format(**{k: quote(v, safe="") for k, v in parts.items()})


def origin_of(host: str) -> str:
    """The origin of another host name of this shop: scheme and port are those of EVERLINE_PUBLIC_URL."""
    ours = urlsplit(own_origin())
    port = f":{ours.port}" if ours.port else ""
    return f"{ours.scheme}://{host}{port}"


def own_origin() -> str:
    """Scheme, host and port under which customers reach us."""
    return str(settings.EVERLINE_PUBLIC_URL).rstrip("/")
