"""Starts an installation, keeps its programs alive, stops it: the life of `everline run`."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from everline.config.supervisor import databases, ports, processes, sign_ins, stack
from everline.config.supervisor.child import Child, describe_exit, end_leftovers
from everline.config.supervisor.embedded import EmbeddedServer
from everline.config.supervisor.errors import FolderInUseError, ProgramError, StartError
from everline.config.supervisor.files import FolderLock, prepare_folder, rotate, write_private
from everline.config.supervisor.once import OneShots, preparations_needed
from everline.config.supervisor.options import Options
from everline.config.supervisor.restarts import Restarts
from everline.config.supervisor.wakeups import Wakeups

Say = Callable[[str], None]
URL_FILES = ("shop-url", "sandbox-url")
MOST_EARLY_ENDS = 3
STOP_SECONDS = 20.0
HOLDER_STOPS_SECONDS = 30.0
HOLDER_DIES_SECONDS = 1.0
POLL_SECONDS = 0.03
ROUTINE_SECONDS = 60.0


class InterruptedStartError(Exception):
    """A stop was asked for before everything was up."""


class Supervisor:
    """One installation on one data folder, from the start to the clean stop."""

    def __init__(self, options: Options, say: Say) -> None:
        self.options = options
        self.children: list[Child] = []
        self._once = OneShots(options.data_dir / "logs", self._pause)
        self.server: EmbeddedServer | None = None
        self._say = say
        self._server_restarts = Restarts()
        self._lock = FolderLock(options.data_dir / "run.lock")
        self._claims = ports.Claims()
        self._wakeups = Wakeups()
        self._began = time.monotonic()

    def run(self) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP; returns 0 after a clean stop.

        Raises:
            StartError: it cannot start like this; everything that had started is stopped.
        """
        with self._wakeups:
            try:
                self._start()
                self._watch()
            except InterruptedStartError:
                pass
            finally:
                self._stop()
        return 0

    def _start(self) -> None:
        prepare_folder(self.options.data_dir)
        prepare_folder(self.options.data_dir / "logs")
        self._take_folder()
        if ended := end_leftovers(str(self.options.data_dir)):
            self._say(f"ended {len(ended)} programs that an earlier run left behind")
        self._forget_urls()
        self.options = stack.with_ports(self.options, self._claims)
        stack.write_secrets(self.options)
        self._start_database()
        prepared = self._prepare()
        for program in stack.programs(self.options):
            child = Child(program, self.options.data_dir / "logs")
            self.children.append(child)
            child.start()
        self._await_answers()
        if self.options.with_sandbox and (prepared or sign_ins.unfinished(self.options.data_dir)):
            self._live_history()
        self._announce()

    def _take_folder(self) -> None:
        """Lock the folder; one whose supervisor is just stopping, or was just killed, becomes free soon."""
        seconds = HOLDER_STOPS_SECONDS if self._lock.holder().endswith("stopping") else HOLDER_DIES_SECONDS
        deadline = time.monotonic() + seconds
        while not self._lock.held:
            try:
                self._lock.acquire()
            except FolderInUseError:
                if time.monotonic() >= deadline:
                    raise
                self._pause()

    def _start_database(self) -> None:
        options = self.options
        if options.database_url is None:
            self.server = EmbeddedServer(options.data_dir, cancelled=lambda: self._wakeups.stopping)
            self.server.start()
            self._check_stop()
            self._say(f"PostgreSQL answers (embedded, {self.server.folder})")
        databases.require(options.shop_database, "EVERLINE_DATABASE_URL")
        if options.with_sandbox:
            databases.require(options.sandbox_database, "EVERLINE_SANDBOX_DATABASE_URL")

    def _prepare(self) -> bool:
        """Migrate, load demo data, collect files, all at once, where needed; says whether demo data was."""
        needed = preparations_needed(self.options)
        if needed:
            self._say("preparing: tables, demo data, static files")
        for child, status in self._once.run(needed):
            if status != 0:
                raise ProgramError(_failure(child, status))
        return any(program.name == stack.DEMO_DATA for program in needed)

    def _live_history(self) -> None:
        """The customers of a new demonstration get a past; without it, it works too."""
        self._say("the demo customers live through their last weeks")
        for child, status in self._once.run([stack.demo_orders(self.options)]):
            if status != 0:
                self._say(_failure(child, status))

    def _await_answers(self) -> None:
        """Wait until web and sandbox answer; a program that keeps ending before that is an error."""
        waiting = {"web": self.options.port}
        if self.options.with_sandbox:
            waiting["sandbox"] = self.options.sandbox_port
        while waiting:
            self._pause()
            self._restart_ended()
            waiting = {
                name: port for name, port in waiting.items() if not ports.healthy(self.options.host, port)
            }

    def _announce(self) -> None:
        """Publish the addresses (the sandbox's last: it is the sign that all is up) and tell the person."""
        options = self.options
        write_private(options.data_dir / "shop-url", stack.shop_url(options) + "\n")
        self._say(
            f"Everline is ready after {time.monotonic() - self._began:.1f} s: {stack.shop_url(options)}"
        )
        for person in sign_ins.everybody(options.data_dir) if options.with_sandbox else ():
            self._say(f"  {person.announced(stack.shop_url(options))}")
        if options.with_sandbox:
            write_private(options.data_dir / "sandbox-url", stack.sandbox_url(options) + "\n")
            self._say(f"sandbox at {stack.sandbox_url(options)}")
        self._say(f"data and logs in {options.data_dir}; Ctrl-C stops everything")

    def _watch(self) -> None:
        while not self._wakeups.stopping:
            self._restart_ended()
            due = [child.due_in() for child in self.children if not child.running]
            if self.server is not None and self.server.pid is None:
                due.append(self._server_restarts.due_in())
            self._wakeups.wait(min(due, default=ROUTINE_SECONDS))
            for child in self.children:
                rotate(child.log)
            if self.server is not None:
                rotate(self.server.log)

    def _restart_ended(self) -> None:
        """Start again what has ended by itself and whose pause is over."""
        self._restart_server()
        for child in self.children:
            if (status := child.check()) is not None:
                self._note_end(child, status)
            if not child.running and child.due_in() == 0:
                child.start()
                self._say(f"{child.program.name} started again")

    def _note_end(self, child: Child, status: int) -> None:
        self._say(
            f"{child.program.name} ended ({describe_exit(status)}); starting again in {child.due_in():.1f} s"
        )
        if child.starts >= MOST_EARLY_ENDS and not self.options.data_dir.joinpath("shop-url").exists():
            raise ProgramError(_failure(child, status))

    def _restart_server(self) -> None:
        server = self.server
        if server is None:
            return
        if (status := server.check()) is not None:
            self._server_restarts.note_end()
            self._say(f"PostgreSQL ended ({describe_exit(status)}); starting it again")
        if server.pid is None and self._server_restarts.due_in() == 0 and not self._wakeups.stopping:
            try:
                self._server_restarts.note_start()
                server.start()
                self._say("PostgreSQL answers again")
            except StartError as error:
                self._server_restarts.note_end()
                self._say(str(error))

    def _stop(self) -> None:
        """Stop the programs together, then the server; a second request to stop does not wait."""
        if self._lock.held:
            self._lock.note("stopping")
            self._forget_urls()
        if started := bool(self._all()) or self.server is not None:
            self._say("stopping")
        for child in self._all():
            child.ask_to_stop()
        requests = self._wakeups.stops
        deadline = time.monotonic() + STOP_SECONDS
        while any(not child.ended() for child in self._all()):
            if time.monotonic() >= deadline or self._wakeups.stops > max(requests, 1):
                break
            self._wakeups.wait(POLL_SECONDS)
        for child in self._all():
            child.kill()
        if self.server is not None:
            self.server.stop()
        if started:
            self._say("stopped")
        self._claims.release()  # before the folder: who waits for that one wants these ports
        self._lock.release()

    def _all(self) -> list[Child]:
        return [*self.children, *self._once.running]

    def _forget_urls(self) -> None:
        for name in URL_FILES:
            self.options.data_dir.joinpath(name).unlink(missing_ok=True)

    def _pause(self) -> None:
        self._wakeups.wait(POLL_SECONDS)
        self._check_stop()

    def _check_stop(self) -> None:
        if self._wakeups.stopping:
            raise InterruptedStartError


def _failure(child: Child, status: int) -> str:
    return f"{child.program.name} ended with {describe_exit(status)}. {child.log} ends:\n{child.last_lines()}"


def speak(line: str) -> None:
    """Print a line at once; a terminal that has gone away is no reason to fail."""
    try:
        print(line, flush=True)
    except OSError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)


def running_pid(data_dir: Path) -> int | None:
    """Pid of the supervisor of a data folder, if one runs."""
    lock = FolderLock(data_dir / "run.lock")
    first = lock.holder().partition(" ")[0]
    if not first.isdigit() or not processes.alive(int(first)):
        return None
    try:
        lock.acquire()
    except FolderInUseError:
        return int(first)
    lock.release()
    return None
