"""When something that ended may be started again."""

import time

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 30.0


class Restarts:
    """The pause doubles while it keeps ending early, and is short again once it has run a while."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE
        self._started_at = time.monotonic()
        self._due_at = 0.0

    def note_start(self) -> None:
        """It starts now."""
        self._started_at = time.monotonic()

    def note_end(self) -> None:
        """It was found ended now."""
        now = time.monotonic()
        if now - self._started_at >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE
        self._due_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def due_in(self) -> float:
        """Seconds until it may start again."""
        return max(0.0, self._due_at - time.monotonic())
