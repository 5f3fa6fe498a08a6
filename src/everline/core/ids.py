"""Public ids: a prefix that names the kind and thirteen opaque characters (`ln_0A1B…`).

The database keeps a bigint: 41 bits of milliseconds and 22 random bits, so keys grow with time (indexes stay
dense, lists page by key) and a restored backup never hands out an id that the outside world already knows.
What people see is that number mixed by a fixed bijection and written in Crockford's base 32.
"""

import secrets
import time
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from django.db import models

from everline.core.errors import NotFound

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {char: index for index, char in enumerate(_ALPHABET)}
_LENGTH = 13
_BITS = 63
_MASK = (1 << _BITS) - 1
_RANDOM_BITS = 22
_EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
#: An odd multiplier is a bijection on 63 bits; xor-shifts spread the high bits down. (After splitmix64.)
_FACTOR = 0x3F58476D1CE4E5B9
_INVERSE = pow(_FACTOR, -1, 1 << _BITS)
_SHIFT = 32


class _Newest:
    """The newest number of this process: those made within one millisecond follow one another."""

    lock = Lock()
    number = 0


def new_id(prefix: str) -> str:
    """A fresh id of this kind; never the same twice from one process, however many are made at once."""
    since = time.time_ns() // 1_000_000 - _EPOCH_MS
    fresh = (since << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)) & _MASK
    with _Newest.lock:
        same_moment = fresh >> _RANDOM_BITS <= _Newest.number >> _RANDOM_BITS
        _Newest.number = _Newest.number + 1 if same_moment else fresh
        return from_int(prefix, _Newest.number)


def from_int(prefix: str, number: int) -> str:
    """The public text of a stored number."""
    mixed = _mix(number)
    chars = []
    for _ in range(_LENGTH):
        mixed, digit = divmod(mixed, 32)
        chars.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(chars))}"


def to_int(prefix: str, value: object) -> int:
    """The stored number of a public text.

    Raises:
        ValueError: not an id of this kind.
    """
    head, _, tail = value.rpartition("_") if isinstance(value, str) else ("", "", "")
    if head != prefix or len(tail) != _LENGTH or any(char not in _VALUES for char in tail):
        raise ValueError(f"not an id of kind {prefix}_: {value!r}")
    mixed = 0
    for char in tail:
        mixed = mixed * 32 + _VALUES[char]
    if mixed > _MASK:
        raise ValueError(f"not an id of kind {prefix}_: {value!r}")
    return _unmix(mixed)


def is_id(prefix: str, value: object) -> bool:
    """Whether this has the form of an id of this kind."""
    try:
        to_int(prefix, value)
    except ValueError:
        return False
    return True


def require(prefix: str, value: object) -> str:
    """The value, known to have the form of an id of this kind.

    Raises:
        NotFound: it has another form, so nothing can bear it.
    """
    if not is_id(prefix, value):
        raise NotFound
    return str(value)


def _mix(number: int) -> int:
    mixed = number ^ (number >> _SHIFT)
    mixed = (mixed * _FACTOR) & _MASK
    return mixed ^ (mixed >> _SHIFT)


def _unmix(mixed: int) -> int:
    number = mixed ^ (mixed >> _SHIFT)
    number = (number * _INVERSE) & _MASK
    return number ^ (number >> _SHIFT)


if TYPE_CHECKING:
    _Column = models.BigIntegerField[str, str]
else:
    _Column = models.BigIntegerField


class PrefixedIdField(_Column):
    """A key whose Python value is the public text and whose column is a bigint."""

    if TYPE_CHECKING:
        _pyi_private_set_type: str
        _pyi_private_get_type: str  # type: ignore[assignment]
        _pyi_lookup_exact_type: str

    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        if kwargs.get("primary_key"):
            kwargs.setdefault("default", self.fresh)
            kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def fresh(self) -> str:
        """A new id of this field's kind; the default of primary keys."""
        return new_id(self.prefix)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """For migrations: the default is the field's own and is left out."""
        name, path, args, kwargs = super().deconstruct()
        if kwargs.get("primary_key"):
            kwargs.pop("default", None)
            kwargs.pop("editable", None)
        kwargs["prefix"] = self.prefix
        return name, path, args, kwargs

    def get_prep_value(self, value: Any) -> int | None:
        """The stored number; ValueError for text that is no id of this kind."""
        if value is None or isinstance(value, int):
            return value
        if hasattr(value, "resolve_expression"):
            return value  # type: ignore[no-any-return]
        return to_int(self.prefix, value)

    def from_db_value(self, value: int | None, *_: Any) -> str | None:
        """The public text."""
        return None if value is None else from_int(self.prefix, value)

    def to_python(self, value: Any) -> str | None:
        """The public text, of whatever a form or a fixture holds."""
        if value is None or isinstance(value, str):
            return value
        return from_int(self.prefix, int(value))
