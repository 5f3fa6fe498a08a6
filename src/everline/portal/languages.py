"""The language of a page: asked for in its address, remembered in a cookie."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from everline.accounts.types import LOCALES

_YEAR = 365 * 24 * 3600
#: `?lang=en`: an address of its own for each language, for those who index pages and for links people share.
PARAMETER = "lang"


def asked_language(request: HttpRequest) -> str:
    """The language that the address names, if it is one of ours."""
    asked = request.GET.get(PARAMETER, "")
    return asked if asked in LOCALES else ""


def without_language(path: str) -> str:
    """The same page whose address names no language, so that the chosen one counts."""
    parts = urlsplit(path)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != PARAMETER]
    return urlunsplit(parts._replace(query=urlencode(query)))


def remember_language(response: HttpResponse, locale: str) -> None:
    """For pages that know no customer: signed out, errors."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        locale,
        max_age=_YEAR,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
