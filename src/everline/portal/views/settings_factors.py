"""The second step: an authenticator app and recovery codes. Secrets are shown once and kept by no cache."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from everline.accounts import selectors, services
from everline.accounts.errors import SecondFactorWrong
from everline.core import clock
from everline.core.errors import DomainError
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import holds_secrets, signed_in
from everline.portal.templatetags.portal import plan_name
from everline.portal.views.identity_door import actor_of, recently_proven, renew_key

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.accounts.types import SecurityView

_SECRET = "portal.totp"  # noqa: S105 - the name of a place in the session


@require_http_methods(["GET", "HEAD", "POST"])
@holds_secrets
@signed_in
@recently_proven
def second_factor(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """What is on, or the picture to scan and the first six digits that switch it on."""
    security = selectors.security_of(customer.user_id)
    if security.totp or not security.verified:
        context = {"section": "settings", "security": security}
        return show(request, customer, "settings/second_factor", context)
    held = request.session.get(_SECRET)
    if request.method != "POST":
        return show(
            request,
            customer,
            "settings/second_factor",
            _enrolment(security, held or _begin(request, customer)),
        )
    if held is None:
        return see_other("portal:second-factor")
    try:
        codes = services.confirm_totp(
            actor=actor_of(request),
            secret=held["secret"],
            code=request.POST.get("code", ""),
            now=clock.now(),
        )
    except SecondFactorWrong as problem:
        problem.field = "code"
        return show_problem(request, customer, "settings/second_factor", _enrolment(security, held), problem)
    except DomainError as problem:
        return show_problem(request, customer, "settings/second_factor", _enrolment(security, held), problem)
    del request.session[_SECRET]
    renew_key(request)
    messages.success(request, _("The second step is on."))
    return _show_codes(request, customer, codes)


@require_POST
@holds_secrets
@signed_in
@recently_proven
def recovery_codes(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """New recovery codes in place of the old ones."""
    codes = services.renew_recovery_codes(actor=actor_of(request), now=clock.now())
    return _show_codes(request, customer, codes)


@require_POST
@signed_in
@recently_proven
def switch_off(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Back to one step; the recovery codes go with it."""
    del customer
    services.disable_totp(actor=actor_of(request), now=clock.now())
    renew_key(request)
    messages.success(request, _("The second step is off."))
    return see_other("portal:security")


def _begin(request: HttpRequest, customer: "Customer") -> dict[str, str]:
    """A secret that stays until it is confirmed: a reload must not spoil what was scanned."""
    made = services.begin_totp(actor=actor_of(request), issuer=plan_name(customer.brand), now=clock.now())
    held = {"secret": made.secret, "uri": made.uri}
    request.session[_SECRET] = held
    return held


def _enrolment(security: "SecurityView", held: dict[str, str]) -> dict[str, Any]:
    spaced = " ".join(held["secret"][start : start + 4] for start in range(0, len(held["secret"]), 4))
    return {"section": "settings", "security": security, "secret": spaced, "uri": held["uri"]}


def _show_codes(request: HttpRequest, customer: "Customer", codes: list[str]) -> HttpResponse:
    context = {"section": "settings", "codes": codes, "file_name": f"{customer.brand.id}-recovery-codes.txt"}
    return show(request, customer, "settings/recovery_codes", context)
