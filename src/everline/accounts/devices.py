"""From where a request comes, as its owner is shown it: network address, browser and system, country."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from ua_parser import parse

from everline.accounts.types import Device

#: Parsing costs time that grows with the text; no browser's is longer.
_USER_AGENT_LENGTH = 400
_LABEL_LENGTH = 120
_COUNTRY = re.compile("[A-Z]{2}")
#: How some proxies write an address (RFC 7239, 6): 192.0.2.9:4711, [2001:db8::1]:4711.
_WITH_PORT = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::\d+)?|(?P<four>[0-9.]+):\d+")
#: Words of Cloudflare for "unknown" and "Tor".
_NO_COUNTRY = frozenset({"XX", "T1"})


def read_device(meta: Mapping[str, Any]) -> Device:
    """The device of a request, of its WSGI environment.

    A country is believed only from our own proxy, which sets the header that the settings name.
    """
    return Device(
        address=network_address(meta),
        label=device_label(str(meta.get("HTTP_USER_AGENT", ""))),
        country=_country(meta),
    )


def network_address(meta: Mapping[str, Any]) -> str:
    """The address of whoever asks, for rate limits; behind a proxy what that proxy saw.

    A port is left out: it differs in every connection, and so would every count. What is no address is
    nobody's, and the proxy's own counts.
    """
    peer = str(meta.get("REMOTE_ADDR", ""))
    if not settings.SECURE_PROXY_SSL_HEADER:
        return peer
    seen = str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    bare = _WITH_PORT.fullmatch(seen)
    try:
        return str(ipaddress.ip_address((bare["six"] or bare["four"]) if bare else seen))
    except ValueError:
        return peer


def device_label(user_agent: str) -> str:
    """Browser and system by name ("Mobile Safari · iOS"); a program's own first word where it is neither."""
    text = "".join(char for char in user_agent if char.isprintable())[:_USER_AGENT_LENGTH]
    found = parse(text)
    names = [part.family for part in (found.user_agent, found.os) if part is not None]
    return (" · ".join(names) or text)[:_LABEL_LENGTH]


def _country(meta: Mapping[str, Any]) -> str:
    header: str = settings.EVERLINE_COUNTRY_HEADER
    if not header or not settings.SECURE_PROXY_SSL_HEADER:
        return ""
    name = "HTTP_" + header.upper().replace("-", "_")
    code = str(meta.get(name, "")).strip().upper()
    return code if _COUNTRY.fullmatch(code) and code not in _NO_COUNTRY else ""
