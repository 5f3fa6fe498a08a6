"""Refusals as RFC 9457 problem documents: the one place where kinds of errors become HTTP."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from everline.api import errors
from everline.core.errors import DomainError, Kind, NotFound

MEDIA_TYPE = "application/problem+json"
#: The first part of addresses that programs ask; people's pages are the portal's.
_FOR_PROGRAMS = frozenset({"api", "webhooks"})

_BY_KIND: Mapping[Kind, int] = {
    Kind.INVALID: 422,
    Kind.UNPROCESSABLE: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.DECLINED: 402,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}
#: What HTTP or the contract name a status of its own for.
_BY_CODE: Mapping[str, int] = {
    "idempotency_key_required": 400,
    "bad_signature": 400,
    "bad_request": 400,
    "malformed_body": 400,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "internal_error": 500,
}
_TITLES: Mapping[int, str | Promise] = {
    400: _("Bad request"),
    401: _("Not signed in"),
    402: _("Payment declined"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    409: _("Not possible now"),
    413: _("Too large"),
    415: _("Unsupported media type"),
    422: _("Not valid"),
    429: _("Too many requests"),
    500: _("Internal error"),
    503: _("Not available right now"),
}
_PLAIN: Mapping[int, type[DomainError]] = {
    400: errors.BadRequest,
    404: NotFound,
    405: errors.MethodNotAllowed,
    500: errors.InternalError,
}
_STANDARD = frozenset({"type", "title", "status", "code", "detail", "request_id", "errors"})


def is_for_programs(path: str) -> bool:
    """Whether programs ask here: they get documents, never pages."""
    return path.lstrip("/").partition("/")[0] in _FOR_PROGRAMS


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal."""
    return _BY_CODE.get(error.code) or _BY_KIND[error.kind]


def problem(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A refusal in the active language. Members of `extra` join the document; `retry_after` is a header too.

    An extra member that is called like a standard one gets the prefix `current_` (the status of an order).
    """
    status = status_of(error)
    document: dict[str, Any] = {
        "type": f"urn:everline:problem:{error.code}",
        "title": str(_TITLES.get(status) or HTTPStatus(status).phrase),
        "status": status,
        "code": error.code,
        "detail": error.detail,
        "request_id": getattr(request, "request_id", ""),
    }
    if isinstance(error, errors.ValidationFailed):
        document["errors"] = error.errors
    elif error.field:
        document["errors"] = [{"field": error.field, "code": error.code, "message": error.detail}]
    for name, value in error.extra.items():
        document[f"current_{name}" if name in _STANDARD else name] = value
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
    response = HttpResponse(text.encode(errors="replace"), status=status, content_type=MEDIA_TYPE)
    if "retry_after" in error.extra:
        response["Retry-After"] = str(error.extra["retry_after"])
    if status == HTTPStatus.UNAUTHORIZED:
        known = "Authorization" in request.headers
        response["WWW-Authenticate"] = 'Bearer realm="everline"' + (
            ', error="invalid_token"' if known else ""
        )
    return response


def ensure_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The same answer, or a problem document where Django would have shown a page of its own."""
    status = response.status_code
    is_ours = response.get("Content-Type", "").startswith(MEDIA_TYPE)
    if status < HTTPStatus.BAD_REQUEST or is_ours or not isinstance(response, HttpResponse):
        return response
    is_bug = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    refusal = _PLAIN.get(status) or (errors.InternalError if is_bug else errors.BadRequest)
    with translation.override(translation.get_language_from_request(request)):
        document = problem(request, refusal())
    response.status_code = document.status_code
    response.content = document.content
    response["Content-Type"] = MEDIA_TYPE
    response["Content-Length"] = str(len(document.content))
    # What was true of the page is not of the document in its place.
    response["Cache-Control"] = "no-store"
    response.headers.pop("Content-Encoding", None)
    return response
