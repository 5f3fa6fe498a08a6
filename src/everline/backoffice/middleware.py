"""The staff's own layers: a session cookie that only these pages see, and a content policy of their own."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

PATH: Final = "/backoffice/"
COOKIE: Final = "everline_staff"

#: The one style that unfold's htmx writes into its pages, and nothing else inline.
_INDICATOR = "'sha256-bsV5JivYxvGywDAZ22EZJKBFip65Ng9xoJVLbBg7bdo='"
#: Alpine, which unfold is built on, makes functions of texts (docs/adr/0009-back-office.md).
POLICY: Final = (
    f"default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' {_INDICATOR}; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
_INTERNAL_ERROR = 500


def is_ours(request: HttpRequest) -> bool:
    """Whether a request is for the back office."""
    return request.path_info.startswith(PATH)


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's sessions, but staff have a cookie of their own that no customer's page is sent.

    One browser may be signed in as staff and as a customer; neither session knows of the other.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Load the session that belongs to the path."""
        name = COOKIE if is_ours(request) else settings.SESSION_COOKIE_NAME
        request.session = self.SessionStore(request.COOKIES.get(name))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Save the session that belongs to the path, under its own cookie."""
        if not is_ours(request):
            return super().process_response(request, response)
        session = request.session
        if session.accessed:
            patch_vary_headers(response, ("Cookie",))
        if session.is_empty():
            if COOKIE in request.COOKIES:
                response.delete_cookie(COOKIE, path=PATH, samesite="Lax")
        elif session.modified and response.status_code != _INTERNAL_ERROR:
            try:
                session.save()
            except UpdateError:
                raise SessionInterrupted("The session ended while the page was made.") from None
            response.set_cookie(
                COOKIE,
                session.session_key or "",
                path=PATH,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


class PolicyMiddleware:
    """What browsers may do with the staff's pages: our own files only, and nobody keeps a copy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:  # noqa: D102 - Django calls it
        response = self.get_response(request)
        if is_ours(request):
            response.setdefault("Content-Security-Policy", POLICY)
            response["Cache-Control"] = "no-store, no-transform"
            response.setdefault("X-Robots-Tag", "noindex")
        return response
