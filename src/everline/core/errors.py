"""Errors that reach people: a stable code, a kind that entry floors map to HTTP, a sentence that helps."""

from enum import StrEnum
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    """What went wrong, in words the entry floors can map (api: to a status code)."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    DECLINED = "declined"
    RATE_LIMITED = "rate_limited"
    UNPROCESSABLE = "unprocessable"
    UNAVAILABLE = "unavailable"


class DomainError(Exception):
    """A refusal with a stable code.

    Subclasses set `code`, `kind` and `message` (a translatable sentence that says what to do next, which
    may hold %(name)s places filled from `extra`). `extra` are primitives added to the problem document;
    `field` names the input at fault.
    """

    code: ClassVar[str] = "error"
    kind: ClassVar[Kind] = Kind.INVALID
    message: ClassVar[str | Promise] = _("This did not work. Please try again.")
    field: str | None = None

    def __init__(
        self, detail: str | Promise | None = None, *, field: str | None = None, **extra: Any
    ) -> None:
        self.extra = extra
        self._detail = detail
        if field is not None:
            self.field = field
        super().__init__(self.code)

    @property
    def detail(self) -> str:
        """The sentence in the active language."""
        text = str(self._detail if self._detail is not None else self.message)
        return text % self.extra if self.extra and "%(" in text else text

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class NotFound(DomainError):
    """No such object for this caller; another customer's object looks the same."""

    code = "not_found"
    kind = Kind.NOT_FOUND
    message = _("We could not find this. Check the address, or go back to your account.")


class RateLimited(DomainError):
    """Too many tries; `extra["retry_after"]` says in how many seconds the next one is welcome."""

    code = "rate_limited"
    kind = Kind.RATE_LIMITED
    message = _("Too many tries in a short time. Please wait %(retry_after)s seconds and try again.")
