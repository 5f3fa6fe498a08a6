"""Signals as something to wait for: the main loop sleeps until one arrives or a time has come."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Wakeups:
    """While entered, SIGINT, SIGTERM and SIGHUP are counted and SIGCHLD wakes; main thread only."""

    def __init__(self) -> None:
        self.stops = 0
        self._reader, self._writer = -1, -1
        self._before: dict[signal.Signals, Any] = {}
        self._before_fd = -1

    @property
    def stopping(self) -> bool:
        """Whether we were asked to stop."""
        return self.stops > 0

    def wait(self, seconds: float) -> None:
        """Sleep until a signal arrives, at most `seconds`."""
        readable, _, _ = select.select([self._reader], [], [], max(0.0, seconds))
        if readable:
            os.read(self._reader, 4096)

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._before_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._note_stop)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _note_nothing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._before_fd)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stops += 1


def _note_nothing(number: int, frame: FrameType | None) -> None:
    """A handler must be set for the signal to reach the wake-up descriptor."""
    del number, frame
