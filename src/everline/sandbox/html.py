"""Pages: language, headers, the style sheet. No page needs a cookie or a script."""

import contextlib
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_safe

_FILES = Path(__file__).resolve().parent / "static" / "sandbox"
_STYLE = _FILES / "sandbox.css"
_ICON = _FILES / "icon.svg"


@contextlib.contextmanager
def page_language(request: HttpRequest, wanted: str = "") -> Iterator[None]:
    """Speak the wanted language where it is one of ours, else what the browser asks for."""
    lowered = wanted.lower().replace("_", "-")
    if lowered.startswith("zh"):
        code = "zh-hans"
    elif lowered.startswith("en"):
        code = "en"
    else:
        asked = translation.get_language_from_request(request)
        code = "zh-hans" if asked.startswith("zh") else "en"
    with translation.override(code):
        yield


def render_page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200, form_target: str = ""
) -> HttpResponse:
    """One page with its headers. `form_target` is an origin that a form's redirect may lead to."""
    language = translation.get_language() or "en"
    context |= {"lang": "zh-Hans" if language == "zh-hans" else "en", "style_version": style_version()}
    response = HttpResponse(render_to_string(f"sandbox/{name}.html", context, request), status=status)
    for header, value in _headers(str(context["lang"]), form_target).items():
        response[header] = value
    return response


def _headers(language: str, form_target: str) -> dict[str, str]:
    form_action = f"'self' {form_target}" if form_target else "'self'"
    return {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action {form_action}"
        ),
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@functools.cache
def _style() -> bytes:
    return _STYLE.read_bytes()


def style_version() -> str:
    """Changes with the style sheet, so that browsers may keep it for good."""
    return hashlib.sha256(_style()).hexdigest()[:12]


@require_safe
def stylesheet(_: HttpRequest) -> HttpResponse:
    """The one style sheet."""
    response = HttpResponse(_style(), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def icon(_: HttpRequest) -> HttpResponse:
    """What stands in the browser's tab; without one a browser would ask for it in vain."""
    response = HttpResponse(_ICON.read_bytes(), content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=86400"
    response["Content-Security-Policy"] = "default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response
