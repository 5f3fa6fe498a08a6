"""The product as a user starts it: one command, a data folder, lines on the screen. Nothing of its inside."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

READY = re.compile(r"http://[^\s]+:\d+")
PATIENCE = 90.0
PAUSE = 0.05


def eventually(condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Look again and again until it is so; False when it was not in time."""
    pause = threading.Event()
    for _look in range(int(patience / PAUSE)):
        if condition():
            return True
        pause.wait(PAUSE)
    return condition()


class Product:
    """One running installation with a data folder of its own, on free ports."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.said: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "everline.config", "run"],
            env=environment(data_dir),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.said.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def log(self) -> str:
        """All it printed so far."""
        return "\n".join(self.said)

    def await_ready(self) -> None:
        """Wait until it says where it is and how to sign in, and the sandbox's address is written."""
        with self._news:
            self._news.wait_for(lambda: self._is_ready() or not self._reader.is_alive(), PATIENCE)
        assert self._is_ready(), self.log
        assert eventually((self.data_dir / "sandbox-url").exists), self.log

    def _is_ready(self) -> bool:
        return any(READY.search(line) for line in self.said) and any("sign in" in line for line in self.said)

    @property
    def url(self) -> str:
        """The address it printed."""
        found = READY.search(self.log)
        assert found, self.log
        return found[0]

    @property
    def sandbox_url(self) -> str:
        """The sandbox's address, as the data folder says."""
        return (self.data_dir / "sandbox-url").read_text().strip()

    @property
    def sandbox_token(self) -> str:
        """The token of the sandbox's control API, as the data folder says."""
        return (self.data_dir / "sandbox-token").read_text().strip()

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`everline <words>` in this installation's data folder."""
        return subprocess.run(
            [sys.executable, "-m", "everline.config", *words],
            env=environment(self.data_dir),
            capture_output=True,
            text=True,
            check=False,
        )

    def descendants(self) -> dict[int, str]:
        """Every living process under the supervisor, with its command line."""
        parents = {pid: parent for pid, parent in map(_pid_and_parent, _pids()) if parent}
        found: dict[int, str] = {}
        ring = {self.process.pid}
        while ring:
            ring = {pid for pid, parent in parents.items() if parent in ring}
            found |= {pid: line for pid in ring if (line := _command_line(pid))}
        return found

    def postmaster(self) -> int:
        """The embedded server's first process: it may be nobody's child."""
        return int((self.data_dir / "pg" / "postmaster.pid").read_text().splitlines()[0])

    def with_word(self, word: str) -> set[int]:
        """The processes whose command line says this."""
        return {pid for pid, line in self.descendants().items() if word in line.split()}

    def leftovers(self) -> dict[int, str]:
        """Living processes, children or not, that know this data folder."""
        mark = str(self.data_dir)
        return {pid: line for pid in _pids() if (line := _command_line(pid)) and _knows(pid, mark)}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, as a terminal or a service manager does; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self._reader.join(PATIENCE)
            if self.process.stdout is not None:
                self.process.stdout.close()


def start(data_dir: Path) -> Product:
    """Start an installation and wait until it is ready."""
    product = Product(data_dir)
    try:
        product.await_ready()
    except AssertionError:
        product.stop()
        raise
    return product


def environment(data_dir: Path) -> dict[str, str]:
    """Ours, without what the suite itself was given, and free ports."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EVERLINE_") and name != "DJANGO_SETTINGS_MODULE"
    }
    return ours | {
        "EVERLINE_PORT": "0",
        "EVERLINE_DATA_DIR": str(data_dir),
        "EVERLINE_DATABASE_URL": "",
    }


def kill(pids: set[int]) -> None:
    """`kill -9`."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a child may end with its parent
            os.kill(pid, signal.SIGKILL)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _pid_and_parent(pid: int) -> tuple[int, int]:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return pid, 0
    return pid, 0 if after_name[0] == "Z" else int(after_name[1])


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def _knows(pid: int, mark: str) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        directory = str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return False
    return mark.encode() in environ or directory.startswith(mark)
