"""The portal's own layers around a request: the customer's language, and a strict content security policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware as DjangoLocaleMiddleware

__all__ = ["ContentSecurityPolicyMiddleware", "LocaleMiddleware"]


class LocaleMiddleware(DjangoLocaleMiddleware):
    """Accept-Language, or the language the visitor chose; Simplified Chinese where neither is ours."""


class ContentSecurityPolicyMiddleware:
    """Nothing but our own files; forms may also lead to the payment providers' pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", self.policy)
        return response
