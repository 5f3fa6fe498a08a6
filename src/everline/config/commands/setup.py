"""A database for a command: the one configured, the running embedded one, or one started for it."""

import contextlib
from collections.abc import Iterator

import django
import psycopg

from everline.config.supervisor.embedded import EmbeddedServer
from everline.config.supervisor.errors import DataFolderError, FolderInUseError
from everline.config.supervisor.options import Options, apply_database, read_options
from everline.config.supervisor.processes import wait_until

ATTACH_SECONDS = 60.0


@contextlib.contextmanager
def connected(*, existing: bool = False) -> Iterator[Options]:
    """Set Django up with a reachable database for the time of a command.

    With the embedded server: uses it where `everline run` (or another command) has it running, else starts
    it and stops it afterwards; with `existing` only in a folder that is already there.

    Raises:
        DataFolderError: the folder is to exist and does not.
    """
    with reachable(existing=existing) as options:
        django.setup()
        yield options


@contextlib.contextmanager
def configured() -> Iterator[None]:
    """Set Django up without asking whether the database is there, for help texts."""
    django.setup()
    yield


@contextlib.contextmanager
def reachable(*, existing: bool = False) -> Iterator[Options]:
    """The same without Django."""
    options = read_options()
    if options.database_url is not None:
        apply_database(options)
        yield options
        return
    if existing and not options.data_dir.exists():
        raise DataFolderError(
            f"The data folder {options.data_dir} does not exist: run `everline migrate` first, "
            "or set EVERLINE_DATA_DIR."
        )
    with _embedded(options):
        apply_database(options)
        yield options


@contextlib.contextmanager
def _embedded(options: Options) -> Iterator[None]:
    server = EmbeddedServer(options.data_dir)
    try:
        server.start()
    except FolderInUseError:
        if not wait_until(lambda: answers(options.shop_database), ATTACH_SECONDS):
            raise
        yield
        return
    try:
        server.ensure_database()
        yield
    finally:
        server.stop()


def answers(url: str) -> bool:
    """Whether a database accepts a connection now."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
