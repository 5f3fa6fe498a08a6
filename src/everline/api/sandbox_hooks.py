"""What the sandbox may ask of the shop, in sandbox mode only: move the clock, do everything that is due."""

import hmac
import ipaddress
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from everline.core import clock, jobs, sandbox_link

View = Callable[[HttpRequest], HttpResponse]


def from_the_sandbox(view: View) -> View:
    """Let in loopback callers with the control token; the rest see that nothing is here."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        token = request.headers.get("X-Sandbox-Token", "")
        if settings.EVERLINE_MODE != "sandbox" or not _is_loopback(request):
            return HttpResponse(status=404)
        if not hmac.compare_digest(token.encode(), sandbox_link.token().encode()):
            return HttpResponse(status=401)
        return view(request)

    return guarded


@from_the_sandbox
def move_clock(request: HttpRequest) -> HttpResponse:
    """`{"offset_seconds": n}`: the business clock stands this far from the machine's, for every process."""
    try:
        seconds = float(json.loads(request.body)["offset_seconds"])
        clock.set_offset(timedelta(seconds=seconds))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        return JsonResponse({"error": {"code": "invalid_offset", "message": str(error)}}, status=400)
    return JsonResponse({"now": clock.now().isoformat()})


@from_the_sandbox
def drain(_request: HttpRequest) -> HttpResponse:
    """Run everything due until nothing is left; says what was run."""
    try:
        executed, idle = jobs.drain()
    except jobs.NeverIdle as error:
        return JsonResponse({"error": {"code": "never_idle", "message": str(error)}}, status=503)
    return JsonResponse({"executed": executed, "idle": idle})


def health(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def _is_loopback(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
