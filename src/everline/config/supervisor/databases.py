"""Databases before Django: is the server new enough, is the database there, which schema does it hold."""

import contextlib
import hashlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from everline.config.supervisor.errors import DatabaseError

Connection = psycopg.Connection[tuple[Any, ...]]

OLDEST_VERSION = 150000
PACKAGE = Path(__file__).resolve().parent.parent.parent
#: Installed packages that bring tables of their own.
FOREIGN_MIGRATIONS = ("django", "django-allauth", "procrastinate")
SOURCES = ("*/migrations/*.py", "**/demo*.py", "**/demo/**/*", "**/demo_data/**/*", "*/data/**/*")
PREPARING_LOCK = 0x45564C


def name_of(url: str) -> str:
    """The database's name in a URL; empty where there is none."""
    return unquote(urlsplit(url).path.lstrip("/"))


def renamed(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(name, safe="")))


def require(url: str, variable: str) -> None:
    """Make sure that a database exists on a server that is new enough, creating it where that is allowed.

    Raises:
        DatabaseError: no server, too old a server, or a database that is absent and may not be created.
    """
    try:
        _require_version(url, variable)
    except psycopg.OperationalError as error:
        if error.sqlstate != "3D000" and "does not exist" not in str(error):
            raise DatabaseError(f"{variable}: PostgreSQL does not answer: {error}") from error
        create(url, variable)
        _require_version(url, variable)


def _require_version(url: str, variable: str) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        version = connection.info.server_version
    if version < OLDEST_VERSION:
        raise DatabaseError(f"{variable}: PostgreSQL {version // 10000} is too old, 15 or newer is needed.")


def create(url: str, variable: str) -> None:
    """Create a database through the server's database `postgres`."""
    name = name_of(url)
    try:
        with psycopg.connect(renamed(url, "postgres"), autocommit=True, connect_timeout=10) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.Error as error:
        hint = f'Run CREATE DATABASE "{name}", or set {variable} to a database that exists'
        raise DatabaseError(
            f"The database {name} is absent and cannot be created here: {error} {hint}."
        ) from error


def fingerprint(demo: bool) -> str:  # noqa: FBT001 - a value that goes into the hash
    """What the schema and the demo data are made from; a database with this stamp needs no preparation."""
    digest = hashlib.sha256(f"demo={demo}".encode())
    for package in FOREIGN_MIGRATIONS:
        digest.update(f"{package}={metadata.version(package)}".encode())
    found = {path for pattern in SOURCES for path in PACKAGE.glob(pattern) if path.is_file()}
    for path in sorted(found):
        if path.suffix != ".pyc":
            digest.update(path.relative_to(PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return f"everline:{digest.hexdigest()[:40]}"


def stamp(url: str) -> str:
    """The fingerprint that a database was prepared with; empty for one that was not.

    It is the comment of the table of migrations, so it goes wherever the database goes, and dies with it.
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT obj_description(to_regclass('django_migrations'), 'pg_class')"
        ).fetchone()
    return str(row[0] or "") if row else ""


@contextlib.contextmanager
def alone(url: str) -> Iterator[Connection]:
    """A connection that holds the right to prepare this database; a second process waits for it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [PREPARING_LOCK])
        yield connection


def set_stamp(connection: Connection, text: str) -> None:
    """Note with what a database was prepared."""
    comment = sql.Literal(text or None)
    connection.execute(sql.SQL("COMMENT ON TABLE django_migrations IS {}").format(comment))
