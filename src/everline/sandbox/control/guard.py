"""Who may steer: callers on this machine that know the control token. Errors are problem+json (RFC 9457)."""

import functools
import ipaddress
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, JsonResponse

from everline.sandbox.wire import WireError, control_token, require_method, same_secret

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def control(*methods: str) -> Callable[[View[P]], View[P]]:
    """A control endpoint for these methods."""

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                _admit(request)
                require_method(request, *methods)
                return view(request, *args, **kwargs)
            except WireError as error:
                return problem(error)

        return wrapped

    return decorate


def problem(error: WireError) -> HttpResponse:
    """The error as problem+json."""
    return JsonResponse(error.problem(), status=error.status, content_type="application/problem+json")


def _admit(request: HttpRequest) -> None:
    if not _is_loopback(request.META.get("REMOTE_ADDR", "")):
        raise WireError(403, "loopback_only", "The control API answers on this machine only.")
    if not same_secret(request.headers.get("X-Sandbox-Token", ""), control_token()):
        raise WireError(401, "unauthorized", "Send the control token as X-Sandbox-Token.")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
