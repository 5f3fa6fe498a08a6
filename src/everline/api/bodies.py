"""Reading what strangers send: bounded, in one encoding, without values that nothing can store."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from django.http import HttpRequest
from django.http.request import RawPostDataException
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja.parser import Parser

from everline.api.errors import (
    BadRequest,
    BodyTooLarge,
    FieldError,
    MalformedBody,
    UnsupportedMediaType,
    ValidationFailed,
)

MAX_BYTES = 256 * 1024
#: A thousand usage records need more than any other body.
MAX_BULK_BYTES = 1024 * 1024
BULK_PATHS = frozenset({"/api/v1/operator/usage-records"})
_MAX_DEPTH = 20
_MAX_ERRORS = 20
_BIGINT = 2**63
_CHUNK = 64 * 1024
#: So much of a body that nobody wanted is read and forgotten, to keep the connection for what comes next.
_MAX_DROPPED = 4 * 1024 * 1024
_MAX_DIGITS = 18
_SURROGATES = range(0xD800, 0xE000)


def limit_of(request: HttpRequest) -> int:
    """How many bytes of body this address takes."""
    return MAX_BULK_BYTES if request.path in BULK_PATHS else MAX_BYTES


def prepare_body(request: HttpRequest) -> None:
    """Refuse a body that is too large before reading it, and read one that comes in chunks.

    Django reads as many bytes as Content-Length says, which is none for a chunked body.

    Raises:
        BodyTooLarge: more than `limit_of`.
        BadRequest: a length that is no number.
    """
    limit = limit_of(request)
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdigit()):
        raise BadRequest
    if len(declared) > _MAX_DIGITS or int(declared) > limit:
        raise BodyTooLarge(max_bytes=limit)
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower() and declared == "0":
        request._body = _read(request, limit)  # noqa: SLF001 - where Django itself keeps what it has read


def drop_unread_body(request: HttpRequest, response: HttpResponseBase) -> None:
    """Read what a refusal left unread: the server would close the connection without saying so.

    A client that keeps its connections would lose its next request in that. Where there is too much to read,
    the answer says that the connection closes.
    """
    dropped = 0
    try:
        while part := request.read(_CHUNK):
            dropped += len(part)
            if dropped > _MAX_DROPPED:
                response["Connection"] = "close"
                return
    except (OSError, RawPostDataException):
        response["Connection"] = "close"


def raw_body(request: HttpRequest) -> bytes:
    """The bytes as they came.

    Raises:
        MalformedBody: the connection ended in the middle.
    """
    try:
        return request.body
    except (OSError, RawPostDataException):
        raise MalformedBody from None


class StrictParser(Parser):
    """JSON in UTF-8 and nothing else; every text and number in it can be stored."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The parsed body.

        Raises:
            UnsupportedMediaType, MalformedBody, ValidationFailed: by their names.
        """
        media_type = (request.content_type or "").lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise UnsupportedMediaType
        try:
            value = json.loads(request.body.decode(), parse_constant=_refuse_constant)
            faults = list(_faults(value, "", _MAX_DEPTH))
        except (ValueError, RecursionError) as error:
            raise MalformedBody from error
        if faults:
            raise ValidationFailed(faults[:_MAX_ERRORS])
        return value


def _read(request: HttpRequest, limit: int) -> bytes:
    stream = request.META["wsgi.input"]
    parts: list[bytes] = []
    size = 0
    while part := stream.read(_CHUNK):
        size += len(part)
        if size > limit:
            raise BodyTooLarge(max_bytes=limit)
        parts.append(part)
    return b"".join(parts)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _faults(value: Any, path: str, depth: int) -> Iterator[FieldError]:
    """Texts with NUL or half of a surrogate pair, and numbers beyond 64 bits: nothing could store them."""
    if isinstance(value, str):
        if not _is_storable(value):
            message = _("This text holds characters that cannot be stored.")
            yield {"field": path, "code": "invalid_text", "message": message}
    elif isinstance(value, int) and not -_BIGINT <= value < _BIGINT:
        yield {"field": path, "code": "out_of_range", "message": _("This number is too large.")}
    elif isinstance(value, dict | list):
        if depth == 0:
            raise ValueError("nested too deeply")
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in pairs:
            if isinstance(name, str) and not _is_storable(name):
                raise ValueError("a member's name cannot be stored")
            yield from _faults(inner, f"{path}.{name}" if path else str(name), depth - 1)


def _is_storable(text: str) -> bool:
    return "\x00" not in text and (text.isascii() or not any(ord(char) in _SURROGATES for char in text))
