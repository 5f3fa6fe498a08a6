"""Public ids to column numbers and back, remembered: a batch names the same few lines again and again."""

from collections.abc import Iterable
from functools import lru_cache

from everline.core import ids

_REMEMBERED = 50_000


@lru_cache(maxsize=_REMEMBERED)
def number(prefix: str, value: str) -> int:
    """The column's number of a public id."""
    return ids.to_int(prefix, value)


@lru_cache(maxsize=_REMEMBERED)
def text(prefix: str, key: int) -> str:
    """The public id of a column's number."""
    return ids.from_int(prefix, key)


def numbers(prefix: str, values: Iterable[str]) -> list[int]:
    """The columns' numbers of public ids, in their order."""
    return [number(prefix, value) for value in values]
