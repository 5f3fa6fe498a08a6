"""Who is asking. Every page goes through one of two doors: `public` or `signed_in`."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme

from everline.accounts import selectors as accounts
from everline.accounts.devices import network_address
from everline.accounts.services import note_web_session
from everline.core import clock
from everline.core.errors import DomainError, NotFound
from everline.portal.answers import see_other, show_problem

if TYPE_CHECKING:
    from everline.accounts.models import Customer

P = ParamSpec("P")
PublicView = Callable[Concatenate[HttpRequest, "Customer | None", P], HttpResponseBase]
CustomerView = Callable[Concatenate[HttpRequest, "Customer", P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def public(view: PublicView[P]) -> View[P]:
    """A page for everybody; the view learns who is signed in, if anybody."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        customer = _customer_of(request)
        return _refusals_as_pages(request, customer, lambda: view(request, customer, *args, **kwargs))

    return wrapper


def signed_in(view: CustomerView[P]) -> View[P]:
    """A page of a customer; everybody else signs in first and then comes back."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        customer = _customer_of(request)
        if customer is None:
            back = request.get_full_path() if request.method == "GET" else ""
            return see_other(
                f"{reverse('portal:sign-in')}?{urlencode({'next': back})}" if back else "portal:sign-in"
            )
        return _refusals_as_pages(request, customer, lambda: view(request, customer, *args, **kwargs))

    return wrapper


def holds_secrets(view: View[P]) -> View[P]:
    """A page that shows a secret goes out as it is: compressed, its length would tell of it (BREACH)."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        patch_cache_control(response, no_transform=True)
        return response

    return wrapper


def safe_next(request: HttpRequest, wanted: str, otherwise: str) -> str:
    """Where to go on: the wanted page if it is one of ours, else the other one."""
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else reverse(otherwise)


def client_of(request: HttpRequest) -> str:
    """The network address of whoever asks; behind a proxy the one that our own proxy saw."""
    return network_address(request.META)


def _customer_of(request: HttpRequest) -> "Customer | None":
    """The signed-in customer, whose language the page then speaks."""
    if not request.user.is_authenticated:
        return None
    customer = accounts.customer_behind(request.user)
    if customer is not None:
        translation.activate(customer.locale)
        request.LANGUAGE_CODE = customer.locale
        note_web_session(session=request.session, now=clock.now())
    return customer


def _refusals_as_pages(
    request: HttpRequest, customer: "Customer | None", view: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """What a view does not show itself becomes a page of its own."""
    try:
        return view()
    except NotFound as problem:
        raise Http404 from problem
    except DomainError as problem:
        return show_problem(request, customer, "problem", {}, problem)
