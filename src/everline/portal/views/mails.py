"""Every message as its recipient reads it, `/ui/mails/`: sample facts, both languages. Sandbox mode only."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from everline.notifications.rendering import render, render_sms, sender_name
from everline.notifications.samples import sample_context
from everline.notifications.types import LOCALES, Kind
from everline.portal.answers import show
from everline.portal.branding import brand_of
from everline.portal.gate import public
from everline.portal.policy import content_policy
from everline.portal.templatetags.portal import active_locale

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_POLICY = "Content-Security-Policy"
#: A mail brings its own styles and nothing else; only our own pages may show it within theirs.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups"
)
_DARK = "@media (prefers-color-scheme: dark)"


@require_safe
@public
def mails(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """All kinds, each in each language; subjects in the page's."""
    _only_in_a_sandbox()
    kinds = [
        (kind.value, _message(request, customer, kind, active_locale())["mail"].subject) for kind in Kind
    ]
    return show(request, customer, "gallery/mails", {"kinds": kinds, "locales": LOCALES})


@require_safe
@public
def mail(request: HttpRequest, customer: "Customer | None", kind: str, locale: str) -> HttpResponse:
    """One message: the HTML in a frame, light or dark, the text, and the text message."""
    _only_in_a_sandbox()
    found = _message(request, customer, *_known(kind, locale))
    dark = request.GET.get("theme") == "dark"
    others = [other for other in LOCALES if other != locale]
    response = show(
        request,
        customer,
        "gallery/mail",
        {**found, "kind": kind, "locale": locale, "others": others, "dark": dark},
    )
    response[_POLICY] = f"{content_policy()}; frame-src 'self'"
    return response


@require_safe
@xframe_options_sameorigin
@public
def mail_document(request: HttpRequest, customer: "Customer | None", kind: str, locale: str) -> HttpResponse:
    """The HTML part alone; `theme=dark` shows what dark mode makes of it, `theme=light` what others see."""
    _only_in_a_sandbox()
    html: str = _message(request, customer, *_known(kind, locale))["mail"].html
    wanted = {"dark": "@media all", "light": "@media not all"}.get(request.GET.get("theme", ""), _DARK)
    response = HttpResponse(html.replace(_DARK, wanted))
    response[_POLICY] = _MAIL_POLICY
    return response


def _message(request: HttpRequest, customer: "Customer | None", kind: Kind, locale: str) -> dict[str, Any]:
    brand = brand_of(request, customer).for_messages()
    context = sample_context(kind, locale)
    return {
        "mail": render(kind=kind, locale=locale, brand=brand, context=context),
        "sms": render_sms(kind=kind, locale=locale, brand=brand, context=context),
        "sender": f"{sender_name(brand, locale)} <{brand['mail_from']}>",
    }


def _known(kind: str, locale: str) -> tuple[Kind, str]:
    if kind not in list(Kind) or locale not in LOCALES:
        raise Http404
    return Kind(kind), locale


def _only_in_a_sandbox() -> None:
    if settings.EVERLINE_MODE != "sandbox":
        raise Http404
