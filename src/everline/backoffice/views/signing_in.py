"""The staff's door: a password, then a second factor, which the first sign-in enrols."""

from typing import Final

import segno
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from everline.accounts import selectors as accounts
from everline.accounts.devices import read_device
from everline.accounts.services import (
    authenticate_staff,
    begin_totp,
    check_second_factor,
    confirm_totp,
)
from everline.accounts.types import Actor
from everline.backoffice.gate import Pending, keep_pending, let_in, pending_of, staff_of
from everline.backoffice.middleware import PATH
from everline.backoffice.site import site
from everline.core import audit, clock
from everline.core.errors import DomainError, Kind

ISSUER: Final = "Everline back office"
_SECRET: Final = "everline.staff.secret"  # noqa: S105 - the name of its place in the session
_STATUS = {Kind.RATE_LIMITED: 429}


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The first factor. Customers, unknown people and wrong passwords get one and the same answer."""
    onward = _safe(request, request.POST.get("next", "") or request.GET.get("next", ""))
    if staff_of(request) is not None:
        return HttpResponseRedirect(onward)
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            user = authenticate_staff(
                login=request.POST.get("login", "")[:254],
                password=request.POST.get("password", "")[:256],
                client=read_device(request.META).address,
                now=clock.now(),
            )
        except DomainError as problem:
            refusal = problem
        else:
            keep_pending(request, user.pk, onward)
            return HttpResponseRedirect(_next_door(user.pk))
    context = {"title": _("Staff sign-in"), "next": onward, "login": request.POST.get("login", "")[:254]}
    return _door(request, "backoffice/sign_in.html", context, refusal)


@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """The second factor: a code of the app, or one of the recovery codes."""
    pending = pending_of(request)
    if pending is None or not accounts.has_totp(pending.user_id):
        return HttpResponseRedirect(reverse("desk:sign-in"))
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            method = check_second_factor(
                user_id=pending.user_id,
                code=request.POST.get("code", "")[:64],
                client=read_device(request.META).address,
                now=clock.now(),
            )
        except DomainError as problem:
            refusal = problem
        else:
            _enter(request, pending, "staff.signed_in", f"password and {method}")
            return HttpResponseRedirect(_safe(request, pending.next))
    return _door(request, "backoffice/second_factor.html", {"title": _("Second factor")}, refusal)


@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """The first sign-in: nobody comes in without a second factor, so it is set up here."""
    pending = pending_of(request)
    if pending is None:
        return HttpResponseRedirect(reverse("desk:sign-in"))
    if accounts.has_totp(pending.user_id):
        return HttpResponseRedirect(reverse("desk:second-factor"))
    now = clock.now()
    actor = Actor(user_id=pending.user_id, authenticated_at=now, device=read_device(request.META))
    refusal: DomainError | None = None
    kept = request.session.get(_SECRET) or {}
    if request.method == "POST" and kept:
        try:
            codes = confirm_totp(
                actor=actor, secret=kept["secret"], code=request.POST.get("code", "")[:16], now=now
            )
        except DomainError as problem:
            refusal = problem
        else:
            _enter(request, pending, "staff.enrolled", "first sign-in")
            context = {"title": _("Recovery codes"), "codes": codes, "onward": _safe(request, pending.next)}
            return site.page(request, "backoffice/recovery_codes.html", context)
    if not kept:
        enrolment = begin_totp(actor=actor, issuer=ISSUER, now=now)
        kept = {"secret": enrolment.secret, "uri": enrolment.uri}
        request.session[_SECRET] = kept
    context = {
        "title": _("Set up your second factor"),
        "qr": _qr(kept["uri"]),
        "secret": kept["secret"] if settings.EVERLINE_MODE == "sandbox" else "",
    }
    return _door(request, "backoffice/enrol.html", context, refusal)


def _enter(request: HttpRequest, pending: Pending, action: str, reason: str) -> None:
    """Open the session, and write down that it was opened."""
    user = accounts.user_by_id(pending.user_id)
    let_in(request, user)
    with transaction.atomic():
        audit.record(
            actor=str(user),
            action=action,
            object_kind="user",
            object_id=user.pk,
            reason=reason,
            now=clock.now(),
        )


def _door(
    request: HttpRequest, template: str, context: dict[str, object], refusal: DomainError | None
) -> HttpResponse:
    response = site.page(request, template, {**context, "refusal": refusal, "site_url": None})
    if refusal is not None:
        response.status_code = _STATUS.get(refusal.kind, 400)
    return response


def _next_door(user_id: int) -> str:
    return reverse("desk:second-factor" if accounts.has_totp(user_id) else "desk:enrol")


def _qr(uri: str) -> str:
    drawn = segno.make(uri, error="m").svg_inline(scale=5, border=3, dark="#000", light="#fff")
    return mark_safe(drawn)  # noqa: S308 - drawn by us: boxes, no text of anybody


def _safe(request: HttpRequest, wanted: str) -> str:
    """Where to go on: a page of ours under the staff's path, else the dashboard."""
    ours = wanted.startswith(PATH) and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours and not wanted.startswith(reverse("desk:sign-in")) else reverse("admin:index")
