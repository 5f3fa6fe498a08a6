"""Reads the design system's style sheet as a browser would: tokens of a theme, mixed and compared."""

import re
from pathlib import Path

SHEET = Path(__file__).resolve().parents[2] / "src/everline/portal/static/portal/design.css"
#: Where each theme's tokens stand; the dark ones twice, for the system's choice and for the visitor's.
PLACES = {
    "light": ':root, [data-theme="light"] {',
    "dark": '[data-theme="dark"] {',
    "system dark": ':root:not([data-theme="light"]) {',
}
_TOKEN = re.compile(r"--([a-z0-9-]+):\s*([^;]+);")
_VAR = re.compile(r"var\(--([a-z0-9-]+)(?:,\s*([^)]+))?\)")
_MIX = re.compile(r"color-mix\(in srgb, (\S+) (\d+)%, (\S+)\)")


def text() -> str:
    """The sheet without its comments."""
    return re.sub(r"/\*.*?\*/", "", SHEET.read_text(encoding="utf-8"), flags=re.DOTALL)


def block(opening: str) -> dict[str, str]:
    """The tokens of the rule that opens like this, and only there."""
    _, found, rest = text().partition(f"{opening}\n")
    assert found, opening
    return dict(_TOKEN.findall(rest.partition("}")[0]))


def mixed_tokens() -> dict[str, str]:
    """What follows the accent, where browsers can mix."""
    return block(":root:root, [data-theme][data-theme] {")


def colours(theme: str, brand: dict[str, str] | None = None, *, mixing: bool = True) -> dict[str, str]:
    """Every colour of a theme as `#rrggbb`; `brand` are the custom properties of a brand's own sheet."""
    tokens = block(PLACES[theme]) | (mixed_tokens() if mixing else {}) | (brand or {})
    return {name: _value(tokens[name], tokens) for name in block(PLACES[theme]) if _is_colour(tokens[name])}


def _is_colour(value: str) -> bool:
    return value.startswith(("#", "var(--brand", "color-mix"))


def _value(value: str, tokens: dict[str, str]) -> str:
    if value.startswith("#"):
        return value.lower()
    mix = _MIX.fullmatch(value)
    if mix:
        one, share, other = mix.groups()
        return _mix(_value(one, tokens), int(share), _value(other, tokens))
    var = _VAR.fullmatch(value)
    assert var, value
    name, otherwise = var.groups()
    return _value(tokens.get(name, otherwise), tokens)


def _mix(one: str, share: int, other: str) -> str:
    pairs = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round((a * share + b * (100 - share)) / 100):02x}" for a, b in pairs)


def channels(colour: str) -> tuple[int, ...]:
    """Red, green and blue, 0 to 255."""
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3: from 1 (the same) to 21 (black on white)."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (part / 255 for part in channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
