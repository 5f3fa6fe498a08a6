"""What a visitor has chosen before signing in, and how lists were filtered: kept in cookies of our own.

Signing in and registering start a new session, so it cannot be kept there. The choice is signed; filters are
read like any address.
"""

from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from everline.core import ids
from everline.portal.offers import Filters

CHOICE_COOKIE: Final = "chosen-plan"
FILTERS_COOKIE: Final = "plan-filters"
_SALT: Final = "everline.portal.saved"
#: A mail with a link may be read the next day.
_CHOICE_LIFE: Final = 2 * 24 * 3600


def checkout_path(plan_id: str, line_id: str = "") -> str:
    """Where somebody who has signed in goes on with a plan."""
    query = {"plan": plan_id, **({"line": line_id} if line_id else {})}
    return f"{reverse('portal:checkout')}?{urlencode(query)}"


def remember_choice(response: HttpResponse, plan_id: str, line_id: str = "") -> None:
    """Keep a plan that a visitor wants, until it is offered or two days are over."""
    response.set_signed_cookie(
        CHOICE_COOKIE,
        f"{plan_id} {line_id}".strip(),
        salt=_SALT,
        max_age=_CHOICE_LIFE,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


def forget_choice(response: HttpResponse) -> None:
    """The choice has become an offer, or was not meant."""
    response.delete_cookie(CHOICE_COOKIE, samesite="Lax")


def chosen_path(request: HttpRequest) -> str:
    """Where to go on after signing in: the page of the plan chosen before, or nothing."""
    kept = request.get_signed_cookie(CHOICE_COOKIE, "", salt=_SALT, max_age=_CHOICE_LIFE) or ""
    plan_id, _, line_id = kept.partition(" ")
    if not ids.is_id("pln", plan_id) or (line_id and not ids.is_id("ln", line_id)):
        return ""
    return checkout_path(plan_id, line_id)


def remember_filters(response: HttpResponse, filters: Filters) -> None:
    """So that "choose another plan" leads back to the same list; for this visit of the browser."""
    response.set_cookie(
        FILTERS_COOKIE,
        filters.query(),
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


def last_filters(request: HttpRequest) -> Filters:
    """How the last list was filtered, without a page; whatever the cookie says."""
    return Filters.of(QueryDict(request.COOKIES.get(FILTERS_COOKIE, "")[:1000]))
