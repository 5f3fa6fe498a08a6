"""Whose shop front a request sees: the customer's own brand, else the one whose domain was asked."""

from typing import TYPE_CHECKING

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.urls import reverse

from everline.accounts import selectors as accounts
from everline.accounts.types import DEFAULT_LOCALE
from everline.core.errors import NotFound

if TYPE_CHECKING:
    from everline.accounts.models import Brand, Customer

_MEMO = "_everline_brand"


def brand_of(request: HttpRequest, customer: "Customer | None" = None) -> "Brand":
    """The brand of a page; the default one where the host is none of ours, whose name then stands nowhere."""
    if customer is not None:
        return customer.brand
    known: Brand | None = getattr(request, _MEMO, None)
    brand = known or accounts.brand_for_host(_host(request))
    setattr(request, _MEMO, brand)
    return brand


def language_of(request: HttpRequest) -> str:
    """The language of a visitor who names none; the shop's own where there is no brand yet."""
    try:
        return brand_of(request).default_locale
    except NotFound:
        return DEFAULT_LOCALE


def look_of(brand: "Brand") -> dict[str, str]:
    """Where the pages' frame finds the brand's colours, logo and icon."""
    logo = reverse("portal:brand-logo", args=[brand.id, brand.look])
    return {
        "brand_style_url": reverse("portal:brand-css", args=[brand.id, brand.look]),
        "brand_logo_url": logo,
        "brand_icon_url": logo,
    }


def _host(request: HttpRequest) -> str:
    try:
        return request.get_host()
    except DisallowedHost:
        return ""
