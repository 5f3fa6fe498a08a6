"""A brand's colours and logo as files: the address names the content, so browsers keep them for a year."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from everline.accounts import selectors as accounts
from everline.accounts.colours import ColourUnfit, Palette, dark_palette, light_palette
from everline.accounts.logos import LogoRefused, clean_logo, default_logo
from everline.accounts.types import DEFAULT_ACCENTS
from everline.core.errors import NotFound

if TYPE_CHECKING:
    from everline.accounts.models import Brand

_FOR_EVER = "public, max-age=31536000, immutable"
#: Nothing in a picture may run or fetch, also where somebody opens it alone.
_PICTURE_POLICY = "default-src 'none'; sandbox"
#: The design system takes its accents from these, for whichever theme a page has.
_SHEET = (
    ":root {{ --brand-accent: {light.accent}; --brand-accent-ink: {light.ink}; "
    "--brand-accent-dark: {dark.accent}; --brand-accent-dark-ink: {dark.ink}; }}\n"
)


@require_safe
def stylesheet(request: HttpRequest, brand_id: str, look: str) -> HttpResponse:
    """The brand's colours for the light and the dark theme: custom properties and nothing else."""
    del request
    brand = _brand(brand_id)
    if look != brand.look:
        return _moved("portal:brand-css", brand)
    light = _palette(light_palette, brand.accent_light, DEFAULT_ACCENTS[0])
    dark = _palette(dark_palette, brand.accent_dark, DEFAULT_ACCENTS[1])
    return _file(_SHEET.format(light=light, dark=dark), "text/css; charset=utf-8")


@require_safe
def logo(request: HttpRequest, brand_id: str, look: str) -> HttpResponse:
    """The brand's logo, which is its icon too; a card in its colour where it has none."""
    del request
    brand = _brand(brand_id)
    if look != brand.look:
        return _moved("portal:brand-logo", brand)
    response = _file(_picture(brand), "image/svg+xml; charset=utf-8")
    response["Content-Security-Policy"] = _PICTURE_POLICY
    return response


def _brand(brand_id: str) -> "Brand":
    try:
        return accounts.brand_by_id(brand_id)
    except NotFound as problem:
        raise Http404 from problem


def _palette(choose: Callable[[str], Palette], wanted: str, otherwise: str) -> Palette:
    """The row's colour; a row that was written past the checks gets the shop's own."""
    try:
        return choose(wanted)
    except ColourUnfit:
        return choose(otherwise)


def _picture(brand: "Brand") -> str:
    """The row's logo, cleaned once more; a card where it has none, or one that could do something."""
    try:
        return clean_logo(brand.logo)
    except LogoRefused:
        light = _palette(light_palette, brand.accent_light, DEFAULT_ACCENTS[0])
        return default_logo(light.accent)


def _file(text: str, kind: str) -> HttpResponse:
    response = HttpResponse(text, content_type=kind)
    response["Cache-Control"] = _FOR_EVER
    return response


def _moved(name: str, brand: "Brand") -> HttpResponse:
    """A page from before the brand was changed still finds the look of today."""
    response = redirect(name, brand.id, brand.look)
    response.status_code = HTTPStatus.FOUND
    response["Cache-Control"] = "no-store"
    return response
