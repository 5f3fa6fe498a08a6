"""What only an HTTP floor can refuse. Everything else keeps the code its own room gave it."""

from collections.abc import Sequence
from typing import TypedDict

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class FieldError(TypedDict):
    """One input at fault: its path (`records.3.quantity`), a stable code, a sentence."""

    field: str
    code: str
    message: str


class ValidationFailed(DomainError):
    """The input has not the form that the API description gives; `errors` says where."""

    code = "validation_failed"
    kind = Kind.INVALID
    message = _("Some of what you sent is not valid. See the errors and correct them.")

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__()
        self.errors = list(errors)


class MalformedBody(DomainError):
    """The body is not JSON in UTF-8, or nested beyond reason."""

    code = "malformed_body"
    kind = Kind.INVALID
    message = _("The body could not be read. Send JSON in UTF-8.")


class UnsupportedMediaType(DomainError):
    """The body says that it is something else than JSON."""

    code = "unsupported_media_type"
    kind = Kind.INVALID
    message = _("Send the body as JSON, with the header Content-Type: application/json.")


class BodyTooLarge(DomainError):
    """More bytes than this address takes; `extra["max_bytes"]`."""

    code = "body_too_large"
    kind = Kind.INVALID
    message = _("The body is too large: at most %(max_bytes)s bytes are taken here.")


class BadRequest(DomainError):
    """Not understood as HTTP: a broken body, a host name that is not ours."""

    code = "bad_request"
    kind = Kind.INVALID
    message = _("The request could not be understood.")


class MethodNotAllowed(DomainError):
    """The address exists, but not for this method; the Allow header names those it has."""

    code = "method_not_allowed"
    kind = Kind.INVALID
    message = _("This address does not take this method.")


class InternalError(DomainError):
    """A bug of ours. Keyed requests may be sent again with the same key."""

    code = "internal_error"
    kind = Kind.UNAVAILABLE
    message = _("Something went wrong on our side. Please try again; if it stays, tell us the request id.")


class Overloaded(DomainError):
    """The database cannot be reached now; `extra["retry_after"]` in seconds."""

    code = "temporarily_unavailable"
    kind = Kind.UNAVAILABLE
    message = _("The service is busy right now. Please try again in %(retry_after)s seconds.")


class InvalidCursor(DomainError):
    """The cursor of a list is not one that this list gave out."""

    code = "invalid_cursor"
    kind = Kind.INVALID
    field = "cursor"
    message = _("This page of the list does not exist. Start again from the first one.")
