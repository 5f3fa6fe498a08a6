"""What every answer carries, whoever made it."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

from everline.api.bodies import drop_unread_body, prepare_body
from everline.api.errors import BadRequest, BodyTooLarge
from everline.api.problems import ensure_problem, is_for_programs, problem

_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Names each request, and sees that programs get documents they can read, whatever went wrong.

    A sane `X-Request-Id` of the caller is kept, so that one id runs through the logs of both sides. It stands
    on the request for problem documents and in every answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer with its request id."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _SANE.fullmatch(given) else f"req_{uuid.uuid4().hex}"
        request.request_id = request_id  # type: ignore[attr-defined]
        response = self._answer(request) if is_for_programs(request.path) else self.get_response(request)
        response["X-Request-Id"] = request_id
        drop_unread_body(request, response)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            prepare_body(request)
        except (BadRequest, BodyTooLarge) as error:
            with translation.override(translation.get_language_from_request(request)):
                return problem(request, error)
        response = ensure_problem(request, self.get_response(request))
        response.setdefault("Cache-Control", "no-store")
        return response
