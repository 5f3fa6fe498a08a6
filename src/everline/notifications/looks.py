"""The colours of a mail, from a brand's accent: always readable, whatever the brand chose."""

import re
from dataclasses import dataclass

#: Where a brand names no colour, or none that can be used.
ACCENT = "#0b6e6e"
_HEX = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_WHITE, _INK, _DARK_SHEET = "#ffffff", "#14181f", "#1b2029"
#: Contrast of text that anybody can read (WCAG 2.2, 1.4.3).
READABLE = 4.5
_STEPS = 20
#: The parameters of relative luminance (WCAG 2.2).
_KNEE, _LINEAR, _OFFSET, _GAMMA, _FLARE = 0.04045, 12.92, 0.055, 2.4, 0.05
_WEIGHTS = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True, slots=True)
class Look:
    """Colours as `#rrggbb`: the accent on white, text on it, and the accent on a dark sheet."""

    accent: str
    accent_ink: str
    accent_dark: str


def look_of(accent: object) -> Look:
    """The look of a brand with this accent; anything that is not `#rrggbb` is the product's own colour."""
    text = str(accent).lower()
    wanted = text if _HEX.fullmatch(text) else ACCENT
    on_white = _moved(wanted, _INK, against=_WHITE)
    ink = _WHITE if contrast(on_white, _WHITE) >= READABLE else _INK
    return Look(accent=on_white, accent_ink=ink, accent_dark=_moved(wanted, _WHITE, against=_DARK_SHEET))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + _FLARE) / (dark + _FLARE)


def _moved(colour: str, towards: str, *, against: str) -> str:
    """The colour, mixed with another one only as far as it must be to be read against a ground."""
    for step in range(_STEPS):
        mixed = _mixed(colour, towards, step)
        if contrast(mixed, against) >= READABLE:
            return mixed
    return towards


def _mixed(one: str, other: str, step: int) -> str:
    parts = (
        (a * (_STEPS - step) + b * step) // _STEPS
        for a, b in zip(_channels(one), _channels(other), strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    shares = (channel / 255 for channel in _channels(colour))
    linear = (
        share / _LINEAR if share <= _KNEE else ((share + _OFFSET) / (1 + _OFFSET)) ** _GAMMA
        for share in shares
    )
    return sum(weight * part for weight, part in zip(_WEIGHTS, linear, strict=True))
