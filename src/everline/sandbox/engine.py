"""What happens by itself in this world: deliveries, expiry of hosted payments, refunds that settle later.

One thread per process does it, woken by every new webhook and otherwise once a second (so that a moved clock
is seen). `drain` of the control API does the same work under the same lock.
"""

import logging
import threading
from datetime import datetime, timedelta

from django.db import close_old_connections

from everline.core import clock
from everline.sandbox import webhooks
from everline.sandbox.provider import payments, refunds

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_turn = threading.Lock()


def run_due(now: datetime, *, horizon: timedelta = timedelta(0)) -> list[str]:
    """Everything due until `now + horizon`, once; returns what was done. One caller at a time."""
    with _turn:
        done = [f"payment.expire {payment}" for payment in payments.expire_due(now)]
        done += [f"refund.settle {refund}" for refund in refunds.settle_due(now + horizon)]
        return done + webhooks.deliver_due(now, horizon=horizon)


class Engine:
    """The background thread. Starting it twice keeps the first."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        webhooks.on_new(self.wake)

    def start(self) -> bool:
        """Begin; False where it already runs."""
        with self._guard:
            if self._thread is not None and self._thread.is_alive():
                return False
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="sandbox-engine", daemon=True)
            self._thread.start()
            return True

    def stop(self, timeout: float = 5.0) -> None:
        """End after the work in hand, or leave it behind after `timeout` seconds."""
        with self._guard:
            self._stop.set()
            self._wake.set()
            if self._thread is not None:
                self._thread.join(timeout)
                self._thread = None

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            close_old_connections()
            try:
                busy = bool(run_due(clock.now()))
            except Exception:
                logger.exception("the sandbox's engine stumbled; it goes on")
                busy = False
            if not busy:
                self._wake.wait(POLL_SECONDS)
            self._wake.clear()
        close_old_connections()


engine = Engine()
