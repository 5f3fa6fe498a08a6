"""Figures as boxes of an SVG: numbers in, geometry out, in attributes that need no style."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 600
HEIGHT = 120
_GAP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One box, in the units of the view box, and what it says when pointed at."""

    x: int
    y: int
    width: int
    height: int
    title: str


def bars(values: Sequence[int], titles: Sequence[str], peak: int | None = None) -> list[Bar]:
    """Boxes side by side, the highest as high as the chart (or as `peak`); nothing is at least a line."""
    top = max([*values, 1]) if peak is None else max(peak, 1)
    step = WIDTH // max(len(values), 1)
    found = []
    for place, (value, title) in enumerate(zip(values, titles, strict=True)):
        height = max(1, HEIGHT * value // top) if value > 0 else 1
        found.append(Bar(place * step, HEIGHT - height, max(step - _GAP, 1), height, title))
    return found


def share(part: int, whole: int) -> int:
    """`part` of `whole` in percent, rounded down, at least 1 where there is anything."""
    return 0 if part <= 0 or whole <= 0 else max(1, min(100, part * 100 // whole))
