"""Showing once more that one is the owner, before the ways into the account are changed; then back."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from everline.accounts import selectors, services
from everline.accounts.errors import InvalidCredentials, SecondFactorWrong
from everline.core import clock
from everline.core.errors import DomainError
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import client_of, safe_next, signed_in
from everline.portal.views.identity_door import renew_key

if TYPE_CHECKING:
    from datetime import datetime

    from everline.accounts.models import Customer

_SENT_TO = "portal.proof"
_WRONG_PASSWORD = gettext_lazy("This is not your password. Check it and try again.")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Password, authenticator app, passkey, or a code to a confirmed address: whichever the customer has."""
    sent = request.method == "POST"
    wanted = request.POST.get("next", "") if sent else request.GET.get("next", "")
    if not sent:
        return show(request, customer, "settings/confirm", _page(request, customer, wanted))
    now, way = clock.now(), request.POST.get("way", "")
    try:
        if way == "send":
            request.session[_SENT_TO] = services.request_reauthentication_code(
                user_id=customer.user_id, client=client_of(request), now=now
            )
            return see_other(f"{reverse('portal:confirm')}?{urlencode({'next': wanted})}")
        _prove(request, customer, way, now)
    except InvalidCredentials:
        problem: DomainError = InvalidCredentials(_WRONG_PASSWORD, field="password")
    except SecondFactorWrong as wrong:
        problem = wrong
        problem.field = "code"
    except DomainError as refused:
        problem = refused
    else:
        services.mark_authenticated(session=request.session, now=now)
        request.session.pop(_SENT_TO, None)
        renew_key(request)
        return see_other(safe_next(request, wanted, "portal:security"))
    return show_problem(request, customer, "settings/confirm", _page(request, customer, wanted), problem)


def _prove(request: HttpRequest, customer: "Customer", way: str, now: "datetime") -> None:
    """Check what was given; what was not asked for is no proof.

    Raises:
        InvalidCredentials, SecondFactorWrong, CodeInvalid, RateLimited: not proven.
    """
    user_id, client = customer.user_id, client_of(request)
    code = request.POST.get("code", "")
    if way == "totp":
        services.reauthenticate_with_totp(user_id=user_id, code=code, client=client, now=now)
    elif way == "code":
        services.reauthenticate_with_code(user_id=user_id, code=code, client=client, now=now)
    else:
        services.reauthenticate_with_password(
            user_id=user_id, password=request.POST.get("password", ""), client=client, now=now
        )


def _page(request: HttpRequest, customer: "Customer", wanted: str) -> dict[str, object]:
    return {
        "section": "settings",
        "security": selectors.security_of(customer.user_id),
        "sent_to": request.session.get(_SENT_TO, ""),
        "values": {"next": wanted},
    }
