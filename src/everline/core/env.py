"""Typed readers of environment variables: nonsense stops the start and names the variable."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable's text without surrounding blanks, or the default where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str = "") -> str:
    """Like `text`; where `NAME_FILE` is set the file's content counts, so secrets can be mounted."""
    file = text(f"{name}_FILE")
    if not file:
        return text(name, default)
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {file}: {error}") from error


def integer(name: str, default: int, *, low: int | None = None, high: int | None = None) -> int:
    """A whole number within bounds."""
    raw = text(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}: {raw!r} is not a whole number") from None
    if (low is not None and value < low) or (high is not None and value > high):
        raise ImproperlyConfigured(f"{name}: {value} is outside {low}..{high}")
    return value


def boolean(name: str, *, default: bool) -> bool:
    """yes/no, true/false, on/off, 1/0."""
    raw = text(name).lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}: {raw!r} is neither yes nor no")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}: {value!r} is none of {', '.join(allowed)}")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """An absolute URL of one of the schemes."""
    value = text(name, default)
    try:
        scheme = urlsplit(value).scheme
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {value!r} is not a URL: {error}") from None
    if value and scheme not in schemes:
        raise ImproperlyConfigured(f"{name}: {value!r} is not a URL of {', '.join(schemes)}")
    return value


def path(name: str, default: str) -> Path:
    """An absolute path; `~` and relative paths are resolved."""
    value = text(name, default)
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise ImproperlyConfigured(f"{name}: {value!r}: {error}") from None
