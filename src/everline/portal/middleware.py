"""The portal's own layers around a request: the visitor's language, and a strict content security policy."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware as DjangoLocaleMiddleware
from django.utils import translation

from everline.portal import policy
from everline.portal.branding import language_of
from everline.portal.languages import asked_language, remember_language

__all__ = ["ContentSecurityPolicyMiddleware", "LocaleMiddleware"]

#: What no person reads: there nobody's brand decides the language.
_MACHINES = ("/api/", "/webhooks/", "/_sandbox/", "/healthz", "/brand/")


class LocaleMiddleware(DjangoLocaleMiddleware):
    """The language the visitor chose, else Accept-Language, else the brand's.

    Pages of a signed-in customer speak the customer's language: `gate` switches to it.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Django's own answer, but for browsers that name no language of ours."""
        super().process_request(request)
        if request.path_info.startswith(_MACHINES):
            return
        if asked := asked_language(request):
            translation.activate(asked)
            request.LANGUAGE_CODE = asked
        elif _names_no_language(request):
            translation.activate(language_of(request))
            request.LANGUAGE_CODE = translation.get_language()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """A language that the address named is the visitor's from now on."""
        asked = asked_language(request)
        if (
            asked
            and isinstance(response, HttpResponse)
            and settings.LANGUAGE_COOKIE_NAME not in response.cookies
        ):
            remember_language(response, asked)
        return super().process_response(request, response)


def _names_no_language(request: HttpRequest) -> bool:
    """Whether neither the cookie nor Accept-Language holds a language of ours."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    wished = request.headers.get("Accept-Language", "").split(",")
    return not any(_is_ours(word.partition(";")[0].strip()) for word in (chosen, *wished))


def _is_ours(word: str) -> bool:
    try:
        return bool(translation.get_supported_language_variant(word))
    except LookupError:
        return False


class ContentSecurityPolicyMiddleware:
    """Nothing but our own files, unless the view said otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:  # noqa: D102 - Django calls it
        response = self.get_response(request)
        for header, value in policy.HEADERS.items():
            response.setdefault(header, value)
        return response
