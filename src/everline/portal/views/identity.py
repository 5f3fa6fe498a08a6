"""Register, sign in and out, and the link of the welcome mail."""

import uuid
from typing import TYPE_CHECKING

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from everline.accounts import services
from everline.accounts.types import DEFAULT_LOCALE, LOCALES
from everline.core import clock, idempotency
from everline.core.errors import DomainError
from everline.portal import choices
from everline.portal.answers import see_other, show, show_problem
from everline.portal.branding import brand_of
from everline.portal.gate import client_of, public, safe_next
from everline.portal.views.visitors import remember_language

if TYPE_CHECKING:
    from everline.accounts.models import Customer, User

_BACKEND = "django.contrib.auth.backends.ModelBackend"
_DONE = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def sign_in(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """E-mail address or phone number, and password."""
    if request.method != "POST":
        wanted = request.GET.get("next", "")
        if customer is not None:
            return see_other(safe_next(request, wanted, "portal:account"))
        return show(request, None, "sign_in", {"values": {"next": wanted}})
    values = {"login": request.POST.get("login", ""), "next": request.POST.get("next", "")}
    try:
        user = services.authenticate_customer(
            login=values["login"],
            password=request.POST.get("password", ""),
            client=client_of(request),
            now=clock.now(),
        )
    except DomainError as problem:
        return show_problem(request, None, "sign_in", {"values": values}, problem)
    return _let_in(request, user, user.customer.locale, values["next"])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def sign_out(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """End the session on this device; a mere link ends nothing and leads to the account, if any."""
    if request.method != "POST":
        return see_other("portal:landing" if customer is None else "portal:account")
    logout(request)
    return see_other("portal:landing")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def register(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Open an account; a taken address leads to the same next page."""
    if customer is not None:
        return see_other("portal:account")
    locale = page_locale()
    if request.method != "POST":
        values = {"timezone": choices.LIKELY_ZONES[locale], "token": uuid.uuid4().hex}
        return show(request, None, "register", _register_page(values, locale))
    names = ("email", "phone", "timezone", "token")
    values = {name: request.POST.get(name, "").strip() for name in names}
    try:
        _register_once(request, values, locale)
    except DomainError as problem:
        values["token"] = uuid.uuid4().hex  # what is sent next is another wish
        return show_problem(request, None, "register", _register_page(values, locale), problem)
    return see_other("portal:registered")


@require_safe
@public
def registered(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """What happens next, the same whether or not the address was taken."""
    return show(request, customer, "registered", {"values": {}})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def welcome(request: HttpRequest, customer: "Customer | None", token: str) -> HttpResponse:
    """Spend the link of a welcome mail and sign in.

    Only a person's own request spends it: no prefetch, and whoever is signed in is asked first, so that a
    foreign link does not quietly change the account.
    """
    ahead = "prefetch" in request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if request.method == "HEAD" or ahead or (customer is not None and request.method == "GET"):
        return show(request, customer, "welcome")
    try:
        owner = services.use_sign_in_link(token=token, client=client_of(request), now=clock.now())
    except DomainError as problem:
        return show_problem(request, customer, "sign_in", {"values": {}}, problem)
    return _let_in(request, owner.user, owner.locale, "")


def page_locale() -> str:
    """The language of the page as customers' settings name it."""
    active = get_language()
    return active if active in LOCALES else DEFAULT_LOCALE


def _let_in(request: HttpRequest, user: "User", locale: str, wanted: str) -> HttpResponse:
    """Start the session under a new key; what a visitor's session held is not carried over."""
    request.session.flush()
    login(request, user, backend=_BACKEND)
    response = see_other(safe_next(request, wanted, "portal:account"))
    remember_language(response, locale)
    return response


def _register_page(values: dict[str, str], locale: str) -> dict[str, object]:
    return {"values": values, "zones": choices.zones_with(values["timezone"] or "UTC", locale)}


def _register_once(request: HttpRequest, values: dict[str, str], locale: str) -> None:
    """Register; the same form sent twice registers once, so its owner gets no mail about a stranger."""
    now = clock.now()
    asked = idempotency.fingerprint("portal.register", [values["email"].lower(), values["phone"]])
    try:
        held = idempotency.claim(
            owner="portal.register", key=values["token"] or uuid.uuid4().hex, fingerprint=asked, now=now
        )
    except idempotency.InProgress:
        return
    if held.status is not None:
        return
    try:
        services.register_customer(
            brand=brand_of(request),
            email=values["email"] or None,
            phone=values["phone"] or None,
            password=request.POST.get("password", ""),
            locale=locale,
            timezone=values["timezone"] or None,
            client=client_of(request),
            now=now,
        )
    except DomainError:
        idempotency.release(held, now)
        raise
    idempotency.close(held, _DONE)
