"""`everline doctor`: looks, changes nothing, and says what to do. Each finding stands alone."""

import argparse
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from everline.config.supervisor import databases, ports
from everline.config.supervisor.options import Options, read_options
from everline.config.supervisor.supervisor import running_pid
from everline.core import env

WORKER_SILENCE_SECONDS = 60
MAIL_PORTS = {"smtp": 25, "smtps": 465}
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: is it well, what was seen, and what to do about it if it is not."""

    well: bool
    seen: str
    remedy: str = ""


def _ill(seen: str, remedy: str) -> Finding:
    return Finding(well=False, seen=seen, remedy=remedy)


def _well(seen: str) -> Finding:
    return Finding(well=True, seen=seen)


def doctor(words: Sequence[str]) -> int:
    """`everline doctor`: exit 0 when nothing needs to be fixed."""
    argparse.ArgumentParser("everline doctor", description=doctor.__doc__).parse_args(words)
    options = read_options()
    findings = [finding for look in LOOKS for finding in look(options)]
    for finding in findings:
        print(f"{'ok  ' if finding.well else 'FIX '} {finding.seen}")
        if not finding.well:
            print(f"     {finding.remedy}")
    return 0 if all(finding.well for finding in findings) else 1


def _python(options: Options) -> Iterator[Finding]:
    del options
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding(sys.version_info >= OLDEST_PYTHON, f"Python {version}", "Use Python 3.11 or newer.")


def _folder(options: Options) -> Iterator[Finding]:
    folder = options.data_dir
    if not folder.exists():
        yield _ill(f"data folder {folder} does not exist", "Start once: `everline run`.")
        return
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Finding(writable, f"data folder {folder}", "Give it to this user, or set EVERLINE_DATA_DIR.")
    private = folder.stat().st_mode & 0o077 == 0
    yield Finding(private, "the data folder is private", f"It holds keys: chmod 700 {folder}")


def _database(options: Options) -> Iterator[Finding]:
    kind = "external" if options.database_url else "embedded"
    remedy = "Check EVERLINE_DATABASE_URL." if options.database_url else "Start it: `everline run`."
    try:
        with psycopg.connect(options.shop_database, connect_timeout=5) as connection:
            yield from _schema(options, connection, kind)
    except psycopg.OperationalError as error:
        yield _ill(f"the {kind} database does not answer: {str(error).strip()}", remedy)


def _schema(options: Options, connection: databases.Connection, kind: str) -> Iterator[Finding]:
    version = connection.info.server_version
    recent = version >= databases.OLDEST_VERSION
    yield Finding(recent, f"PostgreSQL {version / 10000:.4g} ({kind})", "Use PostgreSQL 15 or newer.")
    current = databases.stamp(options.shop_database) == databases.fingerprint(options.with_sandbox)
    yield Finding(current, "tables and demo data are of this release", "Run `everline prepare`.")
    if connection.execute("SELECT to_regclass('procrastinate_workers')").fetchone() == (None,):
        return
    beats = connection.execute(
        "SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers"
    )
    (silence,) = beats.fetchone() or (None,)
    alive = silence is not None and silence < WORKER_SILENCE_SECONDS
    seen = "a worker runs jobs" if alive else "no worker runs jobs"
    yield Finding(alive, seen, "Start `everline run`, or `everline worker`.")


def _programs(options: Options) -> Iterator[Finding]:
    pid = running_pid(options.data_dir) if options.data_dir.exists() else None
    yield _well(f"supervisor runs as process {pid}" if pid else "no supervisor runs here")
    port = _published_port(options, "shop-url") or options.port
    answers = ports.healthy(options.host, port)
    seen = f"web {'answers' if answers else 'does not answer'} on port {port}"
    yield Finding(answers, seen, "Start `everline run`, or `everline serve`; EVERLINE_PORT names the port.")
    if options.with_sandbox:
        known = _published_port(options, "sandbox-url")
        answers = known is not None and ports.healthy(options.host, known)
        seen = f"sandbox answers on port {known}" if answers else "the sandbox does not answer"
        yield Finding(answers, seen, "Start `everline run`, or `everline sandbox`.")


def _published_port(options: Options, name: str) -> int | None:
    file = options.data_dir / name
    return urlsplit(file.read_text(encoding="utf-8").strip()).port if file.exists() else None


def _mail(options: Options) -> Iterator[Finding]:
    url = urlsplit(env.secret("EVERLINE_EMAIL_URL", "sandbox:"))
    if url.scheme == "sandbox":
        fits = options.with_sandbox
        remedy = "Set EVERLINE_EMAIL_URL to smtp://user:password@host:587 or smtps://…:465."
        yield Finding(fits, "mail goes to the sandbox and reaches nobody", remedy)
        return
    host, port = url.hostname or "", url.port or MAIL_PORTS.get(url.scheme, 0)
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        yield _ill(f"the mail server {host}:{port} does not answer: {error}", "Check EVERLINE_EMAIL_URL.")
    else:
        yield _well(f"the mail server {host}:{port} answers")


LOOKS: tuple[Callable[[Options], Iterator[Finding]], ...] = (_python, _folder, _database, _programs, _mail)
