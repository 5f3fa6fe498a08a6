"""What a brand's row may hold. Staff write it, browsers and mail programs execute it: nothing is mended."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from everline.accounts.colours import ColourUnfit, Palette, dark_palette, light_palette
from everline.accounts.fronts import MOST_DOMAINS, is_domain, is_link
from everline.accounts.logos import LogoRefused, clean_logo
from everline.core.money import CURRENCIES

_BRAND_ID = re.compile(r"[a-z][a-z0-9]{1,19}")
_ORDER_PREFIX = re.compile(r"[A-Z]{3}")


def brand_id(value: str) -> None:
    """Short, lower case: it stands in addresses of files."""
    _require(_BRAND_ID.fullmatch(value), _("Use 2 to 20 lower-case letters and digits, a letter first."))


def one_line(value: str) -> None:
    """A name without control characters: it stands in headers of mails."""
    _require(value.isprintable() and value == value.strip(), _("Use one line of visible characters."))


def order_prefix(value: str) -> None:
    """Three letters, so that every order number has the same width."""
    _require(_ORDER_PREFIX.fullmatch(value), _("Use three capital letters."))


def currency(value: str) -> None:
    """A currency in which plans can be priced."""
    _require(value in CURRENCIES, _("This currency is not known."))


def logo(value: str) -> None:
    """A harmless SVG, or nothing."""
    if value:
        try:
            clean_logo(value)
        except LogoRefused as refusal:
            raise ValidationError(str(refusal)) from None


def light_accent(value: str) -> None:
    """A colour in which text can be read in the light theme."""
    _readable(light_palette, value)


def dark_accent(value: str) -> None:
    """A colour in which text can be read in the dark theme."""
    _readable(dark_palette, value)


def domains(value: object) -> None:
    """Host names in lower case, each once."""
    names = value if isinstance(value, list) else [None]
    good = all(isinstance(name, str) and is_domain(name) for name in names)
    _require(
        good and len(set(names)) == len(names) <= MOST_DOMAINS,
        _("Give a list of host names in lower case, like shop.example, without scheme and port."),
    )


def origins(value: object) -> None:
    """Origins: scheme, host and port, and nothing after that."""
    texts = value if isinstance(value, list) else [None]
    _require(all(isinstance(text, str) and _is_origin(text) for text in texts), _("Give a list of origins."))


def link(value: str) -> None:
    """An https or mailto address: pages and mails link to it."""
    _require(not value or is_link(value), _("Give an address that starts with https:// or mailto:."))


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and text == f"{parts.scheme}://{parts.netloc}"
    )


def _readable(palette: Callable[[str], Palette], value: str) -> None:
    try:
        palette(value)
    except ColourUnfit:
        raise ValidationError(
            _("Give a colour like #0b6b60 that can be read on this theme's ground (contrast 4.5).")
        ) from None


def _require(good: object, text: object) -> None:
    if not good:
        raise ValidationError(str(text))
