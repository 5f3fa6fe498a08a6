"""Colours of a brand: read, compared by the contrast of WCAG 2.2 (1.4.3), and completed. Pure arithmetic."""

import re
from dataclasses import dataclass

_HEX = re.compile(r"#[0-9a-f]{6}")
_CHANNELS = (0.2126, 0.7152, 0.0722)
_LINEAR_BELOW = 0.04045
#: What text of ordinary size needs against its ground.
READABLE = 4.5
#: The darkest ground of the light theme and the brightest of the dark one, on which the accent is written.
LIGHT_GROUND = "#ecf0ee"
DARK_GROUND = "#222c2a"
WHITE, INK = "#ffffff", "#0d1513"
_TINT_LIGHT, _TINT_DARK = 10, 16


class ColourUnfit(ValueError):
    """Not six hexadecimal digits, or too close to the ground that it is written on."""


@dataclass(frozen=True, slots=True)
class Palette:
    """What a theme takes from a brand: the accent, text on it, and a ground tinted by it."""

    accent: str
    ink: str
    paper: str


def light_palette(accent: str) -> Palette:
    """The palette of the light theme.

    Raises:
        ColourUnfit: text in this colour could not be read.
    """
    return _palette(accent, LIGHT_GROUND, mixed(accent, WHITE, _TINT_LIGHT))


def dark_palette(accent: str) -> Palette:
    """The palette of the dark theme.

    Raises:
        ColourUnfit: text in this colour could not be read.
    """
    return _palette(accent, DARK_GROUND, mixed(accent, INK, _TINT_DARK))


def _palette(accent: str, ground: str, paper: str) -> Palette:
    if min(contrast(accent, ground), contrast(accent, paper)) < READABLE:
        raise ColourUnfit(f"{accent} cannot be read on {ground}")
    return Palette(accent=accent, ink=ink_on(accent), paper=paper)


def ink_on(ground: str) -> str:
    """White or near-black, whichever is easier to read on this colour."""
    return max((WHITE, INK), key=lambda ink: contrast(ink, ground))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21.

    Raises:
        ColourUnfit: one of them is no `#rrggbb` in lower case.
    """
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str, percent: int) -> str:
    """`percent` of one colour in the other."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{(a * percent + b * (100 - percent)) // 100:02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    values = (part / 255 for part in _parts(colour))
    linear = (v / 12.92 if v <= _LINEAR_BELOW else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return sum(weight * value for weight, value in zip(_CHANNELS, linear, strict=True))


def _parts(colour: str) -> tuple[int, ...]:
    if not _HEX.fullmatch(colour):
        raise ColourUnfit(f"{colour!r} is not a colour like #0b6b60")
    return tuple(bytes.fromhex(colour[1:]))
