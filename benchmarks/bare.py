"""The rows of one renewal, written by nothing but SQL: what the machine could do if nobody had to think.

A renewal is run and the rows it left are read back; each becomes an INSERT into a copy of its table with the
same columns, checks and indexes, without triggers and foreign keys. All of them are one transaction of a
`pgbench` script, which decides nothing, reads nothing and updates nothing.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.db import connection

from everline.config.supervisor.embedded import binaries

_TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' AND c.relname NOT LIKE 'bare_%%' ORDER BY 1
"""
_COLUMNS = r"""
SELECT a.attname, format_type(a.atttypid, a.atttypmod), EXISTS (
    SELECT 1 FROM pg_index AS i WHERE i.indrelid = a.attrelid AND a.attnum = ANY(i.indkey) AND i.indisunique
    AND NOT EXISTS (SELECT 1 FROM pg_attribute AS k WHERE k.attrelid = i.indrelid AND k.attnum = ANY(i.indkey)
                    AND k.atttypid = 'bigint'::regtype AND (k.attname = 'id' OR k.attname LIKE '%%\_id')))
FROM pg_attribute AS a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


def rows_left_by(renewal: Callable[[], None]) -> dict[str, list[str]]:
    """The INSERT statements of the rows that a renewal left, by table."""
    before = {table: _last_row(table) for table in _names()}
    renewal()
    found = {table: _inserts(table, last) for table, last in before.items()}
    return {table: statements for table, statements in found.items() if statements}


def make_copies(tables: list[str]) -> None:
    """Empty copies of tables, and the sequence their keys come from."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE bare_keys CACHE 100")
        for table in tables:
            cursor.execute(f'CREATE TABLE "bare_{table}" (LIKE "{table}" INCLUDING ALL)')


def measure(rows: dict[str, list[str]], url: str, folder: Path, seconds: int) -> tuple[float, str]:
    """Renewals a second that are only written, and by what."""
    statements = [statement for each in rows.values() for statement in each]
    program = shutil.which("pgbench", path=f"{binaries()}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        print("no pgbench beside the embedded server or on the path: psycopg writes the bare rows instead")
        return _measure_psycopg(statements, url, seconds), "psycopg"
    script = folder / "renewal.sql"
    script.write_text("BEGIN;\n" + "".join(f"{each};\n" for each in statements) + "COMMIT;\n")
    parts = urlsplit(url)
    where = ["-h", parts.hostname or parse_qs(parts.query).get("host", ["127.0.0.1"])[0]]
    where += ["-p", str(parts.port or 5432), "-U", parts.username or "postgres"]
    command = [program, "-n", "-M", "simple", "-c", "1", "-T", str(seconds), "-f", str(script), *where]
    environment = {**os.environ, "PGPASSWORD": parts.password or ""}
    answer = subprocess.run(
        [*command, parts.path.lstrip("/")], capture_output=True, text=True, check=False, env=environment
    )
    found = re.search(r"tps = ([0-9.]+)", answer.stdout)
    if found is None or answer.returncode != 0:
        raise SystemExit(f"pgbench failed: {answer.stderr.strip()}")
    return float(found.group(1)), "pgbench"


def _measure_psycopg(statements: list[str], url: str, seconds: int) -> float:
    script = "; ".join(statements)
    done, begun = 0, time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connected:
        while (spent := time.perf_counter() - begun) < seconds:
            connected.execute(f"BEGIN; {script}; COMMIT".encode())
            done += 1
    return done / spent


def _names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [row[0] for row in cursor.fetchall()]


def _last_row(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT ctid::text FROM "{table}"')
        return {row[0] for row in cursor.fetchall()}


def _inserts(table: str, known: set[str]) -> list[str]:
    """One statement per new row; keys are drawn anew each time, all else is as it was."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [f'"{table}"'])
        columns = cursor.fetchall()
        values = ", ".join(f'quote_nullable("{name}"::text)' for name, _type, _unique in columns)
        cursor.execute(f'SELECT ctid::text, xmin::text, {values} FROM "{table}"')
        # A row that was only updated has a new place but an old key.
        rows = [row[2:] for row in cursor.fetchall() if row[0] not in known]
        cursor.execute(f"SELECT %s = ANY({_UPDATED})", [table])
        if cursor.fetchone() == (True,):
            return []
    names = ", ".join(f'"{name}"' for name, _type, _unique in columns)
    return [
        f'INSERT INTO "bare_{table}" ({names}) OVERRIDING SYSTEM VALUE VALUES ('
        + ", ".join(_value(column, value) for column, value in zip(columns, row, strict=True))
        + ")"
        for row in rows
    ]


#: Rows of these change in a renewal and are not new.
_UPDATED = "ARRAY['lines_line', 'core_schedule', 'procrastinate_workers']"


def _value(column: tuple[str, str, bool], value: str) -> str:
    name, kind, unique = column
    if kind == "bigint" and (name == "id" or name.endswith("_id")) and value != "NULL":
        return "nextval('bare_keys')"
    if unique and kind.startswith(("character", "text")) and value != "NULL":
        return f"left({value}, 3) || nextval('bare_keys')"
    return f"{value}::{kind}"
