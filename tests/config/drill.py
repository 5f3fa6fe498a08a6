"""A supervisor as a child of the test: start it, look at its programs, kill them, read what it says."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from everline.config.supervisor import processes
from everline.config.supervisor.child import MARK

PATIENCE = 60.0


class Drill:
    """`command` is run with a data folder and free ports; `said` grows with the lines it prints."""

    def __init__(self, data_dir: Path, *command: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.said: list[str] = []
        ports = {"EVERLINE_PORT": "0", "EVERLINE_SANDBOX_PORT": "0", "EVERLINE_DATABASE_URL": ""}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVERLINE_")}
        decided = {**ports, "EVERLINE_DATA_DIR": str(data_dir), **environment}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=inherited | decided,
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
            self.said.append(line.rstrip())

    def says(self, text: str, times: int = 1) -> bool:
        """Wait until it has said this so often, or has ended."""

        def heard() -> bool:
            return sum(text in line for line in self.said) >= times or not self._reader.is_alive()

        processes.wait_until(heard, PATIENCE)
        return sum(text in line for line in self.said) >= times

    def up(self) -> bool:
        """Wait until everything answers."""
        last = self.data_dir / "sandbox-url"
        processes.wait_until(lambda: last.exists() or self.process.poll() is not None, PATIENCE)
        return last.exists()

    def pids(self, word: str) -> set[int]:
        """The living programs of this installation with this word in their command line."""
        return {info.pid for info in self._all() if any(word in part for part in info.command)}

    def everything(self) -> set[int]:
        """Every living process of this installation but the supervisor."""
        return {info.pid for info in self._all()} | self.server_processes()

    def server(self) -> int:
        """The postmaster's pid."""
        return int((self.data_dir / "pg" / "postmaster.pid").read_text().splitlines()[0])

    def server_processes(self) -> set[int]:
        """The living processes of the database server."""
        return {info.pid for info in processes.living() if info.cwd == str(self.data_dir / "pg")}

    def gone(self) -> bool:
        """Wait until no process of this installation is left."""
        return processes.wait_until(lambda: not self.everything(), PATIENCE)

    def replaced(self, word: str, before: set[int]) -> bool:
        """Wait until the programs with this word are others than before."""
        return processes.wait_until(
            lambda: bool(self.pids(word)) and self.pids(word).isdisjoint(before), PATIENCE
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self._reader.join(PATIENCE)
            if self.process.stdout is not None:
                self.process.stdout.close()
        return status

    def _all(self) -> list[processes.ProcessInfo]:
        mark = f"{MARK}={self.data_dir}".encode()
        return [info for info in processes.living() if mark in info.environ]
