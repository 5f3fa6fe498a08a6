"""The customer's passkeys: which there are, their names, an end to each; `identity_passkeys` makes them."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from everline.accounts import selectors, services
from everline.core import clock
from everline.core.errors import DomainError, NotFound
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.portal.views.identity_door import actor_of, device_of, recently_proven, renew_key

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.accounts.types import PasskeyView


@require_http_methods(["GET", "HEAD"])
@signed_in
@recently_proven
def passkeys(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """All of them, and a new one."""
    context = {
        "section": "settings",
        "security": selectors.security_of(customer.user_id),
        "suggested": device_of(request).label,
    }
    return show(request, customer, "settings/passkeys", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@recently_proven
def edit(request: HttpRequest, customer: "Customer", passkey_id: int) -> HttpResponse:
    """Another name for one; those of other people are not there."""
    passkey = _own(customer, passkey_id)
    context = {"section": "settings", "passkey": passkey, "values": {"name": passkey.name}}
    if request.method != "POST":
        return show(request, customer, "settings/passkey", context)
    name = request.POST.get("name", "")
    try:
        services.rename_passkey(actor=actor_of(request), passkey_id=passkey_id, name=name, now=clock.now())
    except DomainError as problem:
        context["values"] = {"name": name}
        return show_problem(request, customer, "settings/passkey", context, problem)
    messages.success(request, _("The name is saved."))
    return see_other("portal:passkeys")


@require_POST
@signed_in
@recently_proven
def remove(request: HttpRequest, customer: "Customer", passkey_id: int) -> HttpResponse:
    """It no longer opens the account."""
    _own(customer, passkey_id)
    services.remove_passkey(actor=actor_of(request), passkey_id=passkey_id, now=clock.now())
    renew_key(request)
    messages.success(request, _("The passkey is removed."))
    return see_other("portal:passkeys")


def _own(customer: "Customer", passkey_id: int) -> "PasskeyView":
    """One of the customer's own.

    Raises:
        NotFound: theirs is no such passkey.
    """
    for passkey in selectors.security_of(customer.user_id).passkeys:
        if passkey.id == passkey_id:
            return passkey
    raise NotFound
