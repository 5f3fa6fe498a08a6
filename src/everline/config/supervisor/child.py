"""One supervised program: started in a session of its own, restarted when it ends by itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from everline.config.supervisor import launch, processes
from everline.config.supervisor.files import rotate
from everline.config.supervisor.restarts import Restarts

MARK = "EVERLINE_SUPERVISED"


@dataclass(frozen=True)
class Program:
    """What to run: a name for logs and messages, the command, and its environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


class Child:
    """A program kept alive."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = Restarts()

    @property
    def pid(self) -> int | None:
        """Pid of the running program."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether it runs, as far as `check` has seen."""
        return self._process is not None

    def start(self) -> None:
        """Start it now. It gets SIGTERM when we die, and its output goes to its log."""
        options = ["--deathsig", str(int(signal.SIGTERM)), "--parent", str(os.getpid())]
        command = [sys.executable, "-I", "-S", launch.__file__, *options, "--", *self.program.command]
        rotate(self.log)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(self.program.environment)
            )
        self.starts += 1
        self._restarts.note_start()

    def check(self) -> int | None:
        """Exit status when it has just been found ended, else None. What it left of its group is killed."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        self._process = None
        processes.send_group(process.pid, signal.SIGKILL)
        self._restarts.note_end()
        return process.returncode

    def due_in(self) -> float:
        """Seconds until it should be started again; meaningful while it does not run."""
        return self._restarts.due_in()

    def ask_to_stop(self) -> None:
        """Send SIGTERM, without waiting."""
        if self._process is not None:
            processes.send(self._process.pid, signal.SIGTERM)

    def ended(self) -> bool:
        """Whether it has ended by now, seen or not."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """Kill what still runs of it and of its group."""
        process = self._process
        if process is None:
            return
        processes.send_group(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None

    def last_lines(self, count: int = 12) -> str:
        """The end of its log."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-count:])


def end_leftovers(mark: str) -> list[int]:
    """End programs of an earlier supervisor that carry this mark in their environment. Returns their pids.

    For what a `kill -9` of several processes at once can leave; the caller holds the folder's lock.
    """
    wanted = f"{MARK}={mark}".encode()
    pids = [info.pid for info in processes.living() if wanted in info.environ and info.pid != os.getpid()]
    processes.end_processes(pids, ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)))
    return pids


def describe_exit(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
