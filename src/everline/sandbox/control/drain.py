"""`/control/drain`: let shop and sandbox do all that is due, until neither has anything left."""

import threading
import time
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse

from everline.core import clock
from everline.sandbox import engine
from everline.sandbox.control.guard import control
from everline.sandbox.control.shop import call_shop
from everline.sandbox.wire import WireError

#: Deliveries due this soon count as due.
HORIZON = timedelta(seconds=5)
#: A drain that takes longer is not going to settle.
MOST_SECONDS = 150.0
MOST_ROUNDS = 500
#: Pause while the shop waits for a job that a worker holds.
PAUSE_SECONDS = 0.05

_turn = threading.Lock()
_pause = threading.Event()


@control("POST")
def view(_: HttpRequest) -> HttpResponse:
    """`{"executed": […]}` in the order of doing; 503 `not_idle` when it does not come to rest."""
    with _turn:
        return JsonResponse({"executed": drain()})


def drain() -> list[str]:
    """Rounds of sandbox and shop until a whole round did nothing; returns what was done.

    Raises:
        WireError: 503 `shop_unreachable`, `shop_refused` or `not_idle`.
    """
    executed: list[str] = []
    until = time.monotonic() + MOST_SECONDS
    for _ in range(MOST_ROUNDS):
        here = engine.run_due(clock.now(), horizon=HORIZON)
        there = call_shop("/_sandbox/drain", {})
        done = [str(item) for item in there.get("executed") or []]
        executed += [*here, *done]
        idle = there.get("idle", True)
        if not here and not done and idle:
            return executed
        if time.monotonic() > until:
            break
        if not idle and not here and not done:
            _pause.wait(PAUSE_SECONDS)
    last = ", ".join(executed[-5:]) or "nothing"
    raise WireError(503, "not_idle", f"Shop and sandbox do not come to rest; done last: {last}.")
