"""Pages for everybody: the landing page, and the choice of language."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from everline.accounts import services as accounts
from everline.accounts.types import LOCALES
from everline.catalog.terms import TermUnit
from everline.core import clock
from everline.portal.answers import see_other, show
from everline.portal.gate import public, safe_next
from everline.portal.offers import Filters, find_plans

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_TEASERS = 6
_YEAR = 365 * 24 * 3600


@require_safe
@public
def landing(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """What this is, and a few plans of one term unit."""
    filters = Filters.of(request.GET, term=TermUnit.MONTH)
    filters = Filters(term=filters.term or TermUnit.MONTH)
    page = find_plans(customer, filters, clock.now(), limit=_TEASERS)
    return show(
        request, customer, "landing", {"filters": filters, "units": list(TermUnit), "plans": page.plans}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@public
def choose_language(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Remember the language: in a cookie, and for a customer with the customer; back to the page.

    Whoever only looks at the address chooses nothing and finds the landing page.
    """
    if request.method != "POST":
        return see_other("portal:landing")
    chosen = request.POST.get("language", "")
    response = see_other(safe_next(request, request.POST.get("next", ""), "portal:landing"))
    if chosen in LOCALES:
        if customer is not None:
            accounts.update_profile(customer=customer, locale=chosen)
        remember_language(response, chosen)
    return response


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
