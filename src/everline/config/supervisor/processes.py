"""What the operating system knows about processes: is it alive, what is it, where does it stand."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class ProcessInfo:
    """One living process; zombies are not. `cwd` and `environ` are empty where they may not be read."""

    pid: int
    command: tuple[str, ...]
    cwd: str
    environ: frozenset[bytes]


def describe(pid: int) -> ProcessInfo | None:
    """Return what is known of a living process, None for a dead one or one not yet reaped."""
    if not PROC.joinpath("self").exists():
        return _describe_by_ps(pid)
    folder = PROC / str(pid)
    try:
        state = (
            folder.joinpath("stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[0]
        )
        command = folder.joinpath("cmdline").read_bytes()
    except (OSError, IndexError):
        return None
    if state in {"Z", "X"}:
        return None
    cwd, environ = "", frozenset[bytes]()
    with contextlib.suppress(OSError):
        cwd = str(folder.joinpath("cwd").readlink())
    with contextlib.suppress(OSError):
        environ = frozenset(folder.joinpath("environ").read_bytes().split(b"\0"))
    return ProcessInfo(pid, tuple(command.decode("utf-8", "replace").split("\0")), cwd, environ)


def _describe_by_ps(pid: int) -> ProcessInfo | None:
    """The same without /proc (macOS): only state and command line."""
    answer = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    state, _, command = answer.partition(" ")
    if not state or state.startswith("Z"):
        return None
    return ProcessInfo(pid, tuple(command.split()), "", frozenset())


def living() -> list[ProcessInfo]:
    """Every living process this account may look at; empty where there is no /proc."""
    if not PROC.is_dir():
        return []
    found = (describe(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return [info for info in found if info is not None]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    return describe(pid) is not None


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have gone meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def send_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all of a process group, what is left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when `seconds` of real time have gone without it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end_processes(pids: Iterable[int], steps: Iterable[tuple[signal.Signals, float]]) -> None:
    """End processes that are not our children: each signal in turn, with its seconds to take effect."""
    remaining = list(pids)
    for number, seconds in steps:
        remaining = [pid for pid in remaining if alive(pid)]
        if not remaining:
            return
        for pid in remaining:
            send(pid, number)
        wait_until(lambda: not any(alive(pid) for pid in remaining), seconds)  # noqa: B023 — used at once
