"""The e-mail address and the mobile number: changed, added or confirmed by a code that goes there."""

from typing import TYPE_CHECKING, Any, Literal

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from everline.accounts import services
from everline.accounts.errors import ReauthenticationRequired
from everline.core import clock
from everline.core.errors import DomainError
from everline.portal import phones
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.portal.templatetags.portal import active_locale
from everline.portal.views.identity_door import (
    actor_of,
    home_of,
    proof_where_asked,
    recently_proven,
    renew_key,
)

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from everline.accounts.models import Customer

Kind = Literal["email", "phone"]

_CONFIRMED: dict[Kind, "Promise"] = {
    "email": gettext_lazy("Your e-mail address is confirmed."),
    "phone": gettext_lazy("Your mobile number is confirmed."),
}
_HELD = "portal.address"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@recently_proven
def change(request: HttpRequest, customer: "Customer", kind: Kind) -> HttpResponse:
    """The new address; nothing changes before its code comes back."""
    if request.method != "POST":
        values = {"country": home_of(request)}
        return show(request, customer, "settings/address", _page(customer, kind, values))
    values = {name: request.POST.get(name, "").strip() for name in ("email", "phone", "country")}
    address = values["email"] if kind == "email" else phones.international(values["phone"], values["country"])
    try:
        _send(request, kind, address)
    except DomainError as problem:
        page = _page(customer, kind, values)
        return show_problem(request, customer, "settings/address", page, problem)
    return see_other("portal:address-code", kind)


@require_POST
@signed_in
@proof_where_asked
def confirm_present(request: HttpRequest, customer: "Customer", kind: Kind) -> HttpResponse:
    """A code to the address there is, to confirm it."""
    address = customer.email if kind == "email" else customer.phone
    if address is None:
        raise Http404
    _send(request, kind, address)
    return see_other("portal:address-code", kind)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@proof_where_asked
def enter(request: HttpRequest, customer: "Customer", kind: Kind) -> HttpResponse:
    """The code that went to the address; with it the address counts."""
    held = _held(request, kind)
    if not held:
        return see_other(f"portal:{kind}")
    if request.method != "POST":
        return show(request, customer, "settings/address_code", _code_page(kind, held))
    try:
        services.confirm_address(
            actor=actor_of(request),
            kind=kind,
            address=held,
            code=request.POST.get("code", ""),
            now=clock.now(),
        )
    except ReauthenticationRequired:
        raise
    except DomainError as problem:
        return show_problem(request, customer, "settings/address_code", _code_page(kind, held), problem)
    del request.session[_HELD]
    renew_key(request)
    messages.success(request, str(_CONFIRMED[kind]))
    return see_other("portal:security")


@require_POST
@signed_in
@proof_where_asked
def again(request: HttpRequest, customer: "Customer", kind: Kind) -> HttpResponse:
    """A new code to the same address."""
    held = _held(request, kind)
    if not held:
        return see_other(f"portal:{kind}")
    try:
        _send(request, kind, held)
    except ReauthenticationRequired:
        raise
    except DomainError as problem:
        return show_problem(request, customer, "settings/address_code", _code_page(kind, held), problem)
    messages.success(request, _("A new code is on its way. The old one no longer works."))
    return see_other("portal:address-code", kind)


def _send(request: HttpRequest, kind: Kind, address: str) -> None:
    normal = services.request_address_code(
        actor=actor_of(request), kind=kind, address=address, now=clock.now()
    )
    request.session[_HELD] = {"kind": kind, "address": normal}


def _held(request: HttpRequest, kind: Kind) -> str:
    """The address to which a code was sent from this session; "" when there is none of this kind."""
    held: dict[str, str] = request.session.get(_HELD, {})
    return held["address"] if held.get("kind") == kind else ""


def _page(customer: "Customer", kind: Kind, values: dict[str, str]) -> dict[str, Any]:
    return {
        "section": "settings",
        "is_phone": kind == "phone",
        "current": customer.phone if kind == "phone" else customer.email,
        "prefixes": phones.prefixes(active_locale()) if kind == "phone" else (),
        "values": values,
    }


def _code_page(kind: Kind, address: str) -> dict[str, Any]:
    return {
        "section": "settings",
        "address": address,
        "is_phone": kind == "phone",
        "enter": reverse("portal:address-code", args=[kind]),
        "again": reverse("portal:address-again", args=[kind]),
        "change": reverse(f"portal:{kind}"),
    }
