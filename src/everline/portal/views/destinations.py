"""Where people go: all places on sale, and the search for one."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from everline.catalog.places.destinations import LONGEST_TEXT, fold
from everline.core import clock
from everline.portal import destinations
from everline.portal.answers import show
from everline.portal.branding import brand_of
from everline.portal.gate import public
from everline.portal.offers import stock_for
from everline.portal.templatetags.portal import active_locale
from everline.portal.templatetags.shop import flag_url

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.portal.destinations import Place

_FOUND = 24


@require_safe
@public
def index(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """All places; with `q` those that somebody may mean. The one that is named exactly is shown at once."""
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    stock, locale = stock_for(brand_of(request, customer), customer, clock.now()), active_locale()
    found = destinations.found(stock, text, locale, _FOUND)
    if found and (len(found) == 1 or _is_name(found[0], text)):
        return HttpResponseRedirect(found[0].url, status=HTTPStatus.FOUND)
    context = {
        "section": "plans",
        "text": text,
        "found": found,
        "regions": destinations.regions(stock, locale),
        "countries": destinations.countries(stock, locale),
    }
    return show(request, customer, "shop/destinations", context)


@require_safe
@public
def suggest(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """What a few typed letters may mean, for the box that suggests.

    `{"places": [{"name", "url", "flag", "price"}]}`, all of it text to show as it is.
    """
    stock, locale = stock_for(brand_of(request, customer), customer, clock.now()), active_locale()
    found = destinations.found(stock, request.GET.get("q", ""), locale)
    places = [
        {
            "name": each.name,
            "url": each.url,
            "flag": flag_url(each.code),
            "price": _("from %(price)s") % {"price": each.price.format(locale)} if each.price else "",
        }
        for each in found
    ]
    response = JsonResponse({"places": places})
    response["Cache-Control"] = "private, max-age=300"
    response["X-Robots-Tag"] = "noindex"
    return response


def _is_name(place: "Place", text: str) -> bool:
    """Whether this is exactly what the place is called, by any name but the initials of its pinyin."""
    wanted, known = fold(text), place.destination
    return wanted in known.names or wanted in known.others
