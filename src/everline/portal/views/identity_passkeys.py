"""Passkeys for scripts: JSON in, JSON out.

{"next": …} leads on, {"go": …} asks for a proof first, {"message": …} says what went wrong.
"""

import functools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from everline.accounts import services
from everline.accounts.errors import PasskeyRefused, ReauthenticationRequired
from everline.core import clock
from everline.core.errors import DomainError
from everline.portal.answers import status_of
from everline.portal.gate import client_of, public, safe_next, signed_in
from everline.portal.views.identity_door import (
    actor_of,
    after_sign_in,
    let_in,
    origin_of,
    proof_address,
    renew_key,
    wanted_of,
)

if TYPE_CHECKING:
    from everline.accounts.models import Customer

P = ParamSpec("P")
JsonView = Callable[Concatenate[HttpRequest, P], HttpResponse]

_STATE = "portal.passkey"
_STATUS_PROVE = 403


def for_scripts(view: JsonView[P]) -> JsonView[P]:
    """Refusals as sentences in JSON."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ReauthenticationRequired:
            return JsonResponse({"go": proof_address(request)}, status=_STATUS_PROVE)
        except DomainError as problem:
            return JsonResponse({"code": problem.code, "message": problem.detail}, status=status_of(problem))

    return wrapper


@require_POST
@never_cache
@public
@for_scripts
def sign_in_options(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """What the browser asks its passkeys: any of them may answer, so no address is needed."""
    del customer
    return _challenge(request, services.begin_passkey_sign_in(origin=origin_of(request), now=clock.now()))


@require_POST
@never_cache
@public
@for_scripts
def sign_in(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """The passkey's answer, and in: it counts as both factors."""
    del customer
    sent = _sent(request)
    wanted = str(sent.get("next", "")) or wanted_of(request)
    signed = services.complete_passkey_sign_in(
        state=_state(request),
        origin=origin_of(request),
        response=_credential(sent),
        client=client_of(request),
        now=clock.now(),
    )
    return let_in(request, signed, JsonResponse({"next": after_sign_in(request, wanted)}))


@require_POST
@never_cache
@signed_in
@for_scripts
def add_options(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """What a new passkey is made from."""
    del customer
    made = services.begin_passkey_registration(
        actor=actor_of(request), origin=origin_of(request), now=clock.now()
    )
    return _challenge(request, made)


@require_POST
@never_cache
@signed_in
@for_scripts
def add(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Keep the new passkey."""
    del customer
    sent = _sent(request)
    services.complete_passkey_registration(
        actor=actor_of(request),
        state=_state(request),
        origin=origin_of(request),
        response=_credential(sent),
        name=str(sent.get("name", "")).strip() or _("Passkey"),
        now=clock.now(),
    )
    renew_key(request)
    messages.success(request, _("Your passkey is ready. Use it the next time you sign in."))
    return JsonResponse({"next": reverse("portal:passkeys")})


@require_POST
@never_cache
@signed_in
@for_scripts
def proof_options(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """What the customer's own passkeys are asked, to show who holds the session."""
    made = services.begin_passkey_proof(user_id=customer.user_id, origin=origin_of(request), now=clock.now())
    return _challenge(request, made)


@require_POST
@never_cache
@signed_in
@for_scripts
def proof(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """The answer of one of the customer's own passkeys; then back to where a proof was asked for."""
    sent, now = _sent(request), clock.now()
    services.complete_passkey_proof(
        user_id=customer.user_id,
        state=_state(request),
        origin=origin_of(request),
        response=_credential(sent),
        client=client_of(request),
        now=now,
    )
    services.mark_authenticated(session=request.session, now=now)
    renew_key(request)
    return JsonResponse({"next": safe_next(request, str(sent.get("next", "")), "portal:security")})


def _challenge(request: HttpRequest, made: Any) -> HttpResponse:
    request.session[_STATE] = made.state
    return JsonResponse(made.options)


def _state(request: HttpRequest) -> dict[str, Any]:
    """The open challenge of this session, good for one answer.

    Raises:
        PasskeyRefused: nothing was asked.
    """
    state: dict[str, Any] | None = request.session.pop(_STATE, None)
    if state is None:
        raise PasskeyRefused
    return state


def _sent(request: HttpRequest) -> dict[str, Any]:
    """The body.

    Raises:
        PasskeyRefused: it is no JSON object.
    """
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        raise PasskeyRefused from None
    if not isinstance(sent, dict):
        raise PasskeyRefused
    return sent


def _credential(sent: dict[str, Any]) -> dict[str, Any]:
    credential = sent.get("credential")
    if not isinstance(credential, dict):
        raise PasskeyRefused
    return credential
