"""The door itself: sessions that begin, wait for a second factor, or have to show anew who holds them."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from everline.accounts import selectors, services
from everline.accounts.addresses import parse_login
from everline.accounts.devices import read_device
from everline.accounts.errors import AddressRequired, EmailInvalid, PhoneInvalid, ReauthenticationRequired
from everline.accounts.types import Actor, Device, SignedIn, SignInResult
from everline.core import clock
from everline.portal import phones
from everline.portal.answers import see_other
from everline.portal.gate import safe_next
from everline.portal.saved import chosen_path
from everline.portal.templatetags.portal import active_locale
from everline.portal.views.visitors import remember_language

if TYPE_CHECKING:
    from everline.accounts.models import Customer

P = ParamSpec("P")
CustomerView = Callable[Concatenate[HttpRequest, "Customer", P], HttpResponse]

_BACKEND = "everline.accounts.backends.CustomerBackend"
_WANTED = "portal.wanted"
#: Where the forms stand that are sent to an address without a page of its own.
_FORM_PAGES = {
    "address-again": "security",
    "address-confirm": "security",
    "passkey-add": "passkeys",
    "passkey-add-options": "passkeys",
    "passkey-remove": "passkeys",
    "recovery-codes": "second-factor",
    "second-factor-off": "second-factor",
}


def device_of(request: HttpRequest) -> Device:
    """From where and with what this request came."""
    return read_device(request.META)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person as the services judge them."""
    return Actor(
        user_id=request.user.pk or 0,
        authenticated_at=selectors.authenticated_at(request.session),
        device=device_of(request),
        session_key=request.session.session_key or "",
    )


def origin_of(request: HttpRequest) -> str:
    """Scheme, host and port as the browser sees them: passkeys belong to them."""
    return f"{request.scheme}://{request.get_host()}"


def typed_login(request: HttpRequest) -> str:
    """The e-mail address or number of the form; a number written as at home gets the likely country's code.

    Raises:
        AddressRequired, EmailInvalid, PhoneInvalid: it can be nobody's.
    """
    text = request.POST.get("login", "").strip()
    written = text if "@" in text else phones.international(text, home_of(request))
    if not text:
        raise AddressRequired(field="login")
    if parse_login(written) is None:
        raise EmailInvalid(field="login") if "@" in text else PhoneInvalid(field="login")
    return written


def home_of(request: HttpRequest) -> str:
    """The country whose numbers a visitor most likely has."""
    return phones.likely_country(request.headers.get("Accept-Language", ""), active_locale())


def go_on(request: HttpRequest, result: SignInResult, wanted: str) -> HttpResponse:
    """To the wanted page, or first to the second factor."""
    if isinstance(result, SignedIn):
        return let_in(request, result, see_other(after_sign_in(request, wanted)))
    services.close_web_session(session=request.session, now=clock.now())
    request.session.flush()
    services.keep_pending(session=request.session, needed=result)
    request.session[_WANTED] = wanted
    return see_other("portal:second")


def after_sign_in(request: HttpRequest, wanted: str) -> str:
    """Where a sign-in leads: the wanted page, else the plan chosen before it, else the account."""
    return safe_next(request, wanted or chosen_path(request), "portal:account")


def let_in(request: HttpRequest, signed: SignedIn, response: HttpResponse) -> HttpResponse:
    """Start the session under a new key; what a visitor's session held is not carried over."""
    now = clock.now()
    services.close_web_session(session=request.session, now=now)
    request.session.flush()
    login(request, signed.user, backend=_BACKEND)
    known = services.open_web_session(
        session=request.session,
        user=signed.user,
        method=signed.method,
        device=device_of(request),
        known=request.COOKIES.get(services.DEVICE_COOKIE, ""),
        now=now,
    )
    response.set_cookie(
        services.DEVICE_COOKIE,
        known,
        max_age=int(services.DEVICE_COOKIE_AGE.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    remember_language(response, signed.customer.locale)
    return response


def wanted_of(request: HttpRequest) -> str:
    """Where the sign-in that waits in this session wants to go on to."""
    return str(request.session.get(_WANTED, ""))


def renew_key(request: HttpRequest) -> None:
    """Give the session a new key after its rights changed; whoever held the old one holds nothing."""
    old = request.session.session_key or ""
    request.session.cycle_key()
    services.renew_web_session(session=request.session, old_key=old, now=clock.now())


def recently_proven(view: CustomerView[P]) -> CustomerView[P]:
    """A page that changes how the account is opened: its customer has proven themselves a short while ago."""

    @functools.wraps(view)
    def wrapper(
        request: HttpRequest, customer: "Customer", /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        services.require_recent(actor=actor_of(request), now=clock.now())
        return view(request, customer, *args, **kwargs)

    return proof_where_asked(wrapper)


def proof_where_asked(view: CustomerView[P]) -> CustomerView[P]:
    """A page whose services may ask for a proof, which then comes first."""

    @functools.wraps(view)
    def wrapper(
        request: HttpRequest, customer: "Customer", /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        try:
            return view(request, customer, *args, **kwargs)
        except ReauthenticationRequired:
            return see_other(proof_address(request))

    return wrapper


def proof_address(request: HttpRequest) -> str:
    """The page that asks for a proof and leads back; a mere form leads back to the page it stands on."""
    match = request.resolver_match
    form_page = _FORM_PAGES.get(str(match.url_name)) if match is not None else None
    back = reverse(f"portal:{form_page}") if form_page else request.path
    return f"{reverse('portal:confirm')}?{urlencode({'next': back})}"
