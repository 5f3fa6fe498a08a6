"""`/control/clock`: one offset for every process, which the shop writes and all of them read."""

import threading
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from everline.core import clock
from everline.sandbox.control.guard import control
from everline.sandbox.control.shop import call_shop
from everline.sandbox.engine import engine
from everline.sandbox.wire import WireError, bad, read_json, stamp

MOST = timedelta(days=366 * 200)
_turn = threading.Lock()


@control("GET", "POST")
def view(request: HttpRequest) -> HttpResponse:
    """`GET` tells the time; `POST {"now": …}` or `{"advance_seconds": n}` (n may be negative) moves it."""
    if request.method == "POST":
        with _turn:
            offset = _wanted(request)
            call_shop("/_sandbox/clock", {"offset_seconds": offset.total_seconds()})
            _check(offset)
        engine.wake()
    return JsonResponse(_shown())


def _wanted(request: HttpRequest) -> timedelta:
    body = read_json(request)
    if ("now" in body.data) == ("advance_seconds" in body.data):
        raise bad("body", "needs either now or advance_seconds")
    if "now" in body.data:
        wanted: datetime = body.moment("now")
        offset = wanted - clock.real_now()
    else:
        most = MOST.total_seconds()
        offset = clock.offset() + timedelta(seconds=body.number("advance_seconds", low=-most, high=most))
    if abs(offset) > MOST:
        raise bad("now", "may be two hundred years away at most")
    return offset


def _check(offset: timedelta) -> None:
    """The shop wrote the file that this process reads; if not, they do not share a data folder."""
    if abs((clock.offset() - offset).total_seconds()) > 0.001:  # noqa: PLR2004 - a millisecond of rounding
        raise WireError(503, "clock_not_shared", "Shop and sandbox do not share a data folder.")


def _shown() -> dict[str, Any]:
    return {"now": stamp(clock.now()), "offset_seconds": clock.offset().total_seconds()}
