"""For those who index pages: what they may read, and the list of it in both languages."""

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from everline.accounts.types import LOCALES
from everline.core import clock
from everline.portal.branding import brand_of
from everline.portal.gate import public
from everline.portal.offers import stock_for

if TYPE_CHECKING:
    from everline.accounts.models import Customer

#: Pages of customers and doors of machines.
_CLOSED = (
    "/account/", "/api/", "/backoffice/", "/lines/", "/orders/", "/plans/compare/", "/quotes/", "/register/",
    "/settings/", "/sign-in/", "/ui", "/webhooks/", "/welcome/",
)  # fmt: skip
_NAMES = {"zh-hans": "zh-Hans", "en": "en"}


@require_safe
@public
def rules(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """robots.txt: the shop's front is open, nothing else."""
    del customer
    closed = "".join(f"Disallow: {path}\n" for path in _CLOSED)
    sitemap = request.build_absolute_uri(reverse("portal:sitemap"))
    return HttpResponse(
        f"User-agent: *\n{closed}Sitemap: {sitemap}\n", content_type="text/plain; charset=utf-8"
    )


@require_safe
@public
def sitemap(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Every public page in each language, each naming the others."""
    del customer
    stock = stock_for(brand_of(request), None, clock.now())
    paths = [reverse(f"portal:{name}") for name in ("landing", "plans", "destinations")]
    paths += [reverse("portal:place", args=[each.slug]) for each in stock.places]
    paths += [reverse("portal:place", args=[plan.plan_id]) for plan in stock.plans]
    body = "".join(_entry(request, path, locale) for path in paths for locale in LOCALES)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    )
    return HttpResponse(f"{head}{body}</urlset>\n", content_type="application/xml")


def _entry(request: HttpRequest, path: str, locale: str) -> str:
    addresses = {each: request.build_absolute_uri(f"{path}?lang={each}") for each in LOCALES}
    links = "".join(
        f'<xhtml:link rel="alternate" hreflang="{_NAMES[each]}" href={quoteattr(address)}/>'
        for each, address in addresses.items()
    )
    return f"<url><loc>{escape(addresses[locale])}</loc>{links}</url>\n"
