"""The long-running programs, each alone in this process: web, worker, sandbox."""

import argparse
import os
import subprocess
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server as Granian

from everline.config.commands.setup import connected, reachable
from everline.config.outcome import CommandError
from everline.config.supervisor import databases, ports, stack
from everline.config.supervisor.child import MARK
from everline.config.supervisor.files import write_private
from everline.config.supervisor.options import Options
from everline.core import env

WEB_THREADS = 64
KILL_AFTER_SECONDS = 10
WORKER_CONCURRENCY = 4
WORKER_GRACE_SECONDS = 8


def serve(words: Sequence[str]) -> int:
    """`everline serve`: the web server. Threads, because streams hold one each (docs/adr)."""
    argparse.ArgumentParser("everline serve", description=serve.__doc__).parse_args(words)
    with reachable() as options, ports.Claims() as claims:
        port = options.port if _supervised() else _prepare_web(options, claims)
        server = Granian(
            "everline.config.wsgi:application",
            address=options.host,
            port=port,
            interface=Interfaces.WSGI,
            blocking_threads=env.integer("EVERLINE_WEB_THREADS", WEB_THREADS, low=1, high=512),
            workers_kill_timeout=KILL_AFTER_SECONDS,
            log_level=LogLevels.warning,
        )
        server.serve()
    return 0


def sandbox(words: Sequence[str]) -> int:
    """`everline sandbox`: payment page, supplier, mail gateway and control API, on their own database."""
    argparse.ArgumentParser("everline sandbox", description=sandbox.__doc__).parse_args(words)
    os.environ["DJANGO_SETTINGS_MODULE"] = stack.SANDBOX_SETTINGS
    with reachable() as options, ports.Claims() as claims:
        if not options.with_sandbox:
            raise ImproperlyConfigured("EVERLINE_MODE: there is no sandbox in live mode")
        port = options.sandbox_port if _supervised() else _prepare_sandbox(options, claims)
        server = Granian(
            "everline.sandbox.asgi:application",
            address=options.host,
            port=port,
            interface=Interfaces.ASGI,
            loop=Loops.asyncio,
            websockets=False,
            workers_kill_timeout=KILL_AFTER_SECONDS,
            log_level=LogLevels.warning,
        )
        server.serve()
    return 0


def worker(words: Sequence[str]) -> int:
    """`everline worker`: runs jobs and, every few seconds, the sweeps that are due."""
    arguments = argparse.ArgumentParser("everline worker", description=worker.__doc__)
    arguments.add_argument(
        "--concurrency", type=int, default=WORKER_CONCURRENCY, help="jobs at a time (%(default)s)"
    )
    chosen = arguments.parse_args(words)
    with connected() as options:
        if not _supervised():
            stack.write_secrets(options)
        call_command(
            "procrastinate",
            "worker",
            f"--concurrency={chosen.concurrency}",
            f"--shutdown-graceful-timeout={WORKER_GRACE_SECONDS}",
        )
    return 0


def _supervised() -> bool:
    """Whether a supervisor started us: then keys, ports and databases are ready."""
    return MARK in os.environ


def _prepare_web(options: Options, claims: ports.Claims) -> int:
    """What the supervisor does for a web server, without one, but for the tables. Returns the port."""
    port = claims.take(options.host, options.port, "EVERLINE_PORT")
    os.environ["EVERLINE_PORT"] = str(port)
    stack.write_secrets(options)
    print(f"web at http://localhost:{port}", flush=True)
    return port


def _prepare_sandbox(options: Options, claims: ports.Claims) -> int:
    """What the supervisor does for a sandbox, without one. Returns the port."""
    decided = stack.with_sandbox_port(options, claims)
    stack.write_secrets(options)
    databases.require(options.sandbox_database, "EVERLINE_SANDBOX_DATABASE_URL")
    environment = stack.environment(decided, stack.SANDBOX_SETTINGS)
    if subprocess.run(stack.everline("prepare-sandbox"), env=environment, check=False).returncode != 0:
        raise CommandError("The sandbox's database could not be prepared.")
    write_private(options.data_dir / "sandbox-url", stack.sandbox_url(decided) + "\n")
    print(f"sandbox at {stack.sandbox_url(decided)}", flush=True)
    return decided.sandbox_port
