"""How the account is opened: the overview, the password, and the list of places where one is signed in."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from everline.accounts import selectors, services
from everline.accounts.errors import InvalidCredentials, ReauthenticationRequired
from everline.core import clock
from everline.core.errors import DomainError
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.portal.views.identity_door import actor_of, proof_where_asked

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_WRONG_PASSWORD = gettext_lazy("This is not your present password. Check it and try again.")


@require_safe
@signed_in
def security(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Addresses, password, passkeys, second step: what there is, and where each is changed."""
    context = {
        "section": "settings",
        "part": "security",
        "security": selectors.security_of(customer.user_id),
    }
    return show(request, customer, "settings/security", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@proof_where_asked
def password(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Set or change the password; every other device is signed out."""
    has_password = selectors.security_of(customer.user_id).has_password
    context = {"section": "settings", "has_password": has_password}
    actor = actor_of(request)
    if request.method != "POST":
        if not has_password:
            services.require_recent(actor=actor, now=clock.now())
        return show(request, customer, "settings/password", context)
    now = clock.now()
    try:
        services.change_password(
            actor=actor,
            current_password=request.POST.get("current_password", "") if has_password else None,
            new_password=request.POST.get("new_password", ""),
            now=now,
        )
    except InvalidCredentials:
        problem = InvalidCredentials(_WRONG_PASSWORD, field="current_password")
        return show_problem(request, customer, "settings/password", context, problem)
    except ReauthenticationRequired:
        raise
    except DomainError as problem:
        return show_problem(request, customer, "settings/password", context, problem)
    customer.user.refresh_from_db()
    update_session_auth_hash(request, customer.user)
    services.renew_web_session(session=request.session, old_key=actor.session_key, now=now)
    messages.success(request, _("Your new password is set. All other devices are signed out."))
    return see_other("portal:security")


@require_safe
@signed_in
def sessions(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Every place where this account is signed in."""
    found = selectors.open_sessions(
        user_id=customer.user_id, now=clock.now(), session_key=request.session.session_key or ""
    )
    context = {
        "section": "settings",
        "part": "sessions",
        "sessions": found,
        "others": any(not session.current for session in found),
    }
    return show(request, customer, "settings/sessions", context)


@require_POST
@signed_in
def end_session(request: HttpRequest, customer: "Customer", session_id: str) -> HttpResponse:
    """End one of them; those of other people are not there."""
    services.end_session(user_id=customer.user_id, session_id=session_id, now=clock.now())
    messages.success(request, _("This device is signed out."))
    return see_other("portal:sessions")


@require_POST
@signed_in
def end_others(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """End all but this one."""
    del customer
    count = services.end_other_sessions(actor=actor_of(request), now=clock.now())
    told = ngettext("%(count)d device is signed out.", "%(count)d devices are signed out.", count)
    messages.success(request, told % {"count": count})
    return see_other("portal:sessions")
