"""The portal's own layers around a request: the visitor's language, and a strict content security policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware as DjangoLocaleMiddleware

from everline.portal import policy

__all__ = ["ContentSecurityPolicyMiddleware", "LocaleMiddleware"]


class LocaleMiddleware(DjangoLocaleMiddleware):
    """The language the visitor chose, else Accept-Language, else Simplified Chinese.

    Pages of a signed-in customer speak the customer's language: `gate` switches to it.
    """


class ContentSecurityPolicyMiddleware:
    """Nothing but our own files, unless the view said otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:  # noqa: D102 - Django calls it
        response = self.get_response(request)
        for header, value in policy.HEADERS.items():
            response.setdefault(header, value)
        return response
