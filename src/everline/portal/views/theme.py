"""The visitor's choice between light and dark; a cookie, so that the server writes the page in it at once."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from everline.portal.answers import see_other
from everline.portal.gate import public, safe_next
from everline.portal.templatetags.design import THEME_COOKIE, THEMES

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_YEAR = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
@public
def choose_theme(request: HttpRequest, customer: "Customer | None") -> HttpResponse:  # noqa: ARG001 - public's
    """Remember the theme, or with anything else that the system decides; back to the page."""
    if request.method != "POST":
        return see_other("portal:landing")
    response = see_other(safe_next(request, request.POST.get("next", ""), "portal:landing"))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )  # no secret: the page's script reads and writes it too
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response
