"""Pages for everybody: the landing page, and the choice of language."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from everline.accounts import services as accounts
from everline.accounts.types import LOCALES
from everline.catalog.terms import TermUnit
from everline.core import clock
from everline.portal import destinations
from everline.portal.answers import see_other, show
from everline.portal.branding import brand_of
from everline.portal.gate import public, safe_next
from everline.portal.languages import remember_language, without_language
from everline.portal.offers import Filters, page_of, stock_for
from everline.portal.templatetags.portal import active_locale

if TYPE_CHECKING:
    from everline.accounts.models import Customer

__all__ = ["choose_language", "landing", "remember_language"]

_TEASERS = 3
_PLACES = 8
_REGIONS = 8


@require_safe
@public
def landing(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Where to? What this is, how it works, and a few plans of one term unit."""
    now, locale = clock.now(), active_locale()
    term = Filters.of(request.GET, term=TermUnit.MONTH).term or TermUnit.MONTH.value
    filters = Filters(term=term)
    stock = stock_for(brand_of(request, customer), customer, now)
    context = {
        "section": "landing",
        "filters": filters,
        "units": list(TermUnit),
        "popular": destinations.popular(stock, locale, _PLACES),
        "regions": destinations.regions(stock, locale)[:_REGIONS],
        "place_count": len(stock.countries),
        "offers": page_of(stock, stock.plans, filters, now=now, limit=_TEASERS).offers,
    }
    return show(request, customer, "shop/landing", context)


@require_http_methods(["GET", "HEAD", "POST"])
@public
def choose_language(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Remember the language: in a cookie, and for a customer with the customer; back to the page.

    Whoever only looks at the address chooses nothing and finds the landing page.
    """
    if request.method != "POST":
        return see_other("portal:landing")
    chosen = request.POST.get("language", "")
    response = see_other(without_language(safe_next(request, request.POST.get("next", ""), "portal:landing")))
    if chosen in LOCALES:
        if customer is not None:
            accounts.update_profile(customer=customer, locale=chosen)
        remember_language(response, chosen)
    return response
