"""What browsers may do with our pages."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from everline.payments import registry

if TYPE_CHECKING:
    from django.http import HttpResponse

_HEADER = "Content-Security-Policy"


def content_policy(form_targets: Iterable[str] = ()) -> str:
    """Our own files only. `form_targets` are origins to which a form of the page may lead by a redirect."""
    targets = " ".join(["'self'", *sorted(set(form_targets))])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )


HEADERS = {
    _HEADER: content_policy(),
    "Permissions-Policy": (
        "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), clipboard-write=(self), "
        "display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), "
        "payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), usb=()"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
}


def allow_payment_pages(response: "HttpResponse") -> None:
    """Let the page's forms lead to the payment providers: browsers hold redirects to `form-action` too."""
    origins = (
        origin for adapter in registry.providers().values() for origin in adapter.caps.redirect_origins
    )
    response[_HEADER] = content_policy(origins)
