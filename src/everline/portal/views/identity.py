"""Register, sign in and out, and the link of the welcome mail."""

import uuid
from typing import TYPE_CHECKING

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from everline.accounts import selectors, services
from everline.accounts.errors import SecondFactorWrong, SignInExpired
from everline.accounts.types import DEFAULT_LOCALE, LOCALES
from everline.core import clock, idempotency
from everline.core.errors import DomainError
from everline.portal import choices, phones
from everline.portal.answers import see_other, show, show_problem
from everline.portal.branding import brand_of
from everline.portal.gate import client_of, public, safe_next
from everline.portal.views import identity_codes
from everline.portal.views.identity_door import after_sign_in, go_on, home_of, let_in, wanted_of

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_DONE = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def sign_in(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """E-mail address or phone number, and password."""
    page = "identity/sign_in"
    if request.method != "POST":
        wanted = request.GET.get("next", "")
        if customer is not None:
            return see_other(safe_next(request, wanted, "portal:account"))
        return show(request, None, page, {"values": {"next": wanted}, "section": "sign-in"})
    values = {"login": request.POST.get("login", ""), "next": request.POST.get("next", "")}
    try:
        result = services.sign_in_with_password(
            login=phones.international(values["login"], home_of(request)),
            password=request.POST.get("password", ""),
            client=client_of(request),
            now=clock.now(),
        )
    except DomainError as problem:
        return show_problem(request, None, page, {"values": values, "section": "sign-in"}, problem)
    return go_on(request, result, values["next"])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def second(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """The second factor: the app's six digits or a recovery code."""
    pending = selectors.pending_sign_in(request.session, clock.now())
    if pending is None:
        return see_other("portal:sign-in" if customer is None else "portal:account")
    wanted = wanted_of(request)
    context = {"values": {"next": wanted}, "passkeys": pending.passkeys}
    if request.method != "POST":
        return show(request, None, "identity/second", context)
    try:
        signed = services.give_second_factor(
            pending=pending, code=request.POST.get("code", ""), client=client_of(request), now=clock.now()
        )
    except SignInExpired as problem:
        services.drop_pending(session=request.session)
        return show_problem(request, None, "identity/sign_in", {"values": {"next": wanted}}, problem)
    except DomainError as problem:
        problem.field = "code" if isinstance(problem, SecondFactorWrong) else problem.field
        return show_problem(request, None, "identity/second", context, problem)
    return let_in(request, signed, see_other(after_sign_in(request, wanted)))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def sign_out(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """End the session on this device; a mere link ends nothing and leads to the account, if any."""
    if request.method != "POST":
        return see_other("portal:landing" if customer is None else "portal:account")
    services.close_web_session(session=request.session, now=clock.now())
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
        values = {
            "timezone": choices.LIKELY_ZONES[locale],
            "country": home_of(request),
            "token": uuid.uuid4().hex,
        }
        return show(request, None, "identity/register", _register_page(values, locale))
    names = ("email", "phone", "country", "timezone", "token")
    values = {name: request.POST.get(name, "").strip() for name in names}
    phone = phones.international(values["phone"], values["country"])
    try:
        _register_once(request, values | {"phone": phone}, locale)
    except DomainError as problem:
        values["token"] = uuid.uuid4().hex  # what is sent next is another wish
        return show_problem(request, None, "identity/register", _register_page(values, locale), problem)
    if phone and not values["email"]:
        # The number got a code by text message: entering it confirms the number and signs in.
        identity_codes.expect_code(request, phone, "")
        return see_other("portal:code-enter")
    return see_other("portal:registered")


@require_safe
@public
def registered(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """What happens next, the same whether or not the address was taken."""
    return show(request, customer, "identity/registered", {"values": {}})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def welcome(request: HttpRequest, customer: "Customer | None", token: str) -> HttpResponse:
    """Spend the link of a welcome mail and sign in.

    Only a person's own request spends it: no prefetch, and whoever is signed in is asked first, so that a
    foreign link does not quietly change the account. Its address is told to nobody.
    """
    response = _welcome(request, customer, token)
    response["Referrer-Policy"] = "strict-origin"
    return response


def _welcome(request: HttpRequest, customer: "Customer | None", token: str) -> HttpResponse:
    ahead = "prefetch" in request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if request.method == "HEAD" or ahead or (customer is not None and request.method == "GET"):
        return show(request, customer, "identity/welcome")
    try:
        result = services.sign_in_with_link(token=token, client=client_of(request), now=clock.now())
    except DomainError as problem:
        page = "identity/sign_in" if customer is None else "problem"
        return show_problem(request, customer, page, {"values": {}}, problem)
    return go_on(request, result, "")


def page_locale() -> str:
    """The language of the page as customers' settings name it."""
    active = get_language()
    return active if active in LOCALES else DEFAULT_LOCALE


def _register_page(values: dict[str, str], locale: str) -> dict[str, object]:
    return {
        "section": "register",
        "values": values,
        "zones": choices.zones_with(values["timezone"] or "UTC", locale),
        "prefixes": phones.prefixes(locale),
    }


def _register_once(request: HttpRequest, values: dict[str, str], locale: str) -> None:
    """Register; the same form sent twice registers once, so its owner gets no mail about a stranger.

    Whoever goes back and mends the address sends the same form with another wish.
    """
    now = clock.now()
    token = values["token"] or uuid.uuid4().hex
    wish = idempotency.fingerprint("portal.register", [token, values["email"].lower(), values["phone"]])
    try:
        held = idempotency.claim(owner="portal.register", key=wish, fingerprint=wish, now=now)
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
