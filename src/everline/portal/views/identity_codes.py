"""One-time codes at the door: signing in without a password, and a new password for one that is forgotten.

The address that was asked for waits in the session, never in an address bar. Every answer is the same
whether or not anybody has the address.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from everline.accounts import services
from everline.accounts.errors import InvalidCredentials
from everline.core import clock
from everline.core.errors import DomainError
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import client_of, public
from everline.portal.views.identity_door import device_of, go_on, typed_login

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_CODE = "portal.code"
_RECOVERY = "portal.recovery"


def expect_code(request: HttpRequest, login: str, wanted: str) -> None:
    """Remember for whom a code is on its way; the page that takes it asks for nothing else."""
    request.session[_CODE] = {"login": login, "wanted": wanted}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def ask_code(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Where to send a code that signs in."""
    if customer is not None:
        return see_other("portal:account")
    if request.method != "POST":
        held = request.session.get(_CODE, {})
        values = {"login": held.get("login", ""), "next": held.get("wanted", request.GET.get("next", ""))}
        return show(request, None, "identity/code", {"values": values})
    values = {"login": request.POST.get("login", ""), "next": request.POST.get("next", "")}
    try:
        login = typed_login(request)
        services.request_sign_in_code(login=login, client=client_of(request), now=clock.now())
    except DomainError as problem:
        return show_problem(request, None, "identity/code", {"values": values}, problem)
    expect_code(request, login, values["next"])
    return see_other("portal:code-enter")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def enter_code(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """The code, and in."""
    held = request.session.get(_CODE)
    if customer is not None:
        return see_other("portal:account")
    if held is None:
        return see_other("portal:code")
    if request.method != "POST":
        return show(request, None, "identity/code_enter", _sent_to(held))
    try:
        result = services.sign_in_with_code(
            login=held["login"],
            code=request.POST.get("code", ""),
            client=client_of(request),
            now=clock.now(),
        )
    except DomainError as problem:
        problem.field = "code" if isinstance(problem, InvalidCredentials) else problem.field
        return show_problem(request, None, "identity/code_enter", _sent_to(held), problem)
    return go_on(request, result, held["wanted"])


@require_POST
@never_cache
@public
def code_again(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """A new code to the same address."""
    held = request.session.get(_CODE)
    if held is None or customer is not None:
        return see_other("portal:code")
    try:
        services.request_sign_in_code(login=held["login"], client=client_of(request), now=clock.now())
    except DomainError as problem:
        return show_problem(request, None, "identity/code_enter", _sent_to(held), problem)
    messages.success(request, _("A new code is on its way. The old one no longer works."))
    return see_other("portal:code-enter")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def recover(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Where to send a code that allows a new password."""
    if request.method != "POST":
        login = request.session.get(_RECOVERY, {}).get("login", "")
        return show(request, customer, "identity/recover", {"values": {"login": login}})
    values = {"login": request.POST.get("login", "")}
    try:
        login = typed_login(request)
        services.request_recovery_code(login=login, client=client_of(request), now=clock.now())
    except DomainError as problem:
        return show_problem(request, customer, "identity/recover", {"values": values}, problem)
    request.session[_RECOVERY] = {"login": login}
    return see_other("portal:recover-enter")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def recover_enter(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """The code and the new password; then signing in with it, and a second factor where there is one."""
    held = request.session.get(_RECOVERY)
    if held is None:
        return see_other("portal:recover")
    if request.method != "POST":
        return show(request, customer, "identity/recover_enter", _sent_to(held))
    try:
        services.reset_password(
            login=held["login"],
            code=request.POST.get("code", ""),
            new_password=request.POST.get("new_password", ""),
            device=device_of(request),
            now=clock.now(),
        )
    except DomainError as problem:
        return show_problem(request, customer, "identity/recover_enter", _sent_to(held), problem)
    # Every session of the account has ended, this one too if it was one of them.
    request.session.flush()
    messages.success(request, _("Your new password is set. Sign in with it."))
    return see_other("portal:sign-in")


@require_POST
@never_cache
@public
def recover_again(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """A new recovery code to the same address."""
    held = request.session.get(_RECOVERY)
    if held is None:
        return see_other("portal:recover")
    try:
        services.request_recovery_code(login=held["login"], client=client_of(request), now=clock.now())
    except DomainError as problem:
        return show_problem(request, customer, "identity/recover_enter", _sent_to(held), problem)
    messages.success(request, _("A new code is on its way. The old one no longer works."))
    return see_other("portal:recover-enter")


def _sent_to(held: dict[str, Any]) -> dict[str, Any]:
    return {"address": held["login"], "is_phone": "@" not in held["login"], "values": {}}
