from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from everline.config.supervisor import databases
from everline.config.supervisor.embedded import EmbeddedServer
from everline.config.supervisor.errors import DatabaseError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("databases"), durable=False) as running:
        yield running


def run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_an_absent_database_is_made_and_a_present_one_kept(server: EmbeddedServer) -> None:
    url = server.url("shop")

    databases.require(url, "EVERLINE_DATABASE_URL")
    run(url, "CREATE TABLE kept ()")
    databases.require(url, "EVERLINE_DATABASE_URL")

    run(url, "SELECT FROM kept")


def test_a_role_that_may_not_create_is_told_what_to_run(server: EmbeddedServer) -> None:
    run(server.url("postgres"), "CREATE ROLE plain LOGIN")
    url = server.url("not_there").replace("everline@", "plain@")

    with pytest.raises(DatabaseError, match='CREATE DATABASE "not_there"'):
        databases.require(url, "EVERLINE_SANDBOX_DATABASE_URL")


def test_a_server_that_does_not_answer_is_named_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="EVERLINE_DATABASE_URL: PostgreSQL does not answer"):
        databases.require(f"postgresql://u@/shop?host={tmp_path}", "EVERLINE_DATABASE_URL")


def test_a_server_that_is_too_old_is_refused(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "OLDEST_VERSION", 990000)

    with pytest.raises(DatabaseError, match="PostgreSQL 18 is too old"):
        databases.require(server.url("postgres"), "EVERLINE_DATABASE_URL")


def test_a_stamp_goes_with_the_database_and_can_be_taken_away(server: EmbeddedServer) -> None:
    url = server.url("stamped")
    databases.require(url, "EVERLINE_DATABASE_URL")
    assert databases.stamp(url) == ""
    run(url, "CREATE TABLE django_migrations ()")

    with databases.alone(url) as lock:
        databases.set_stamp(lock, "everline:1")

    assert databases.stamp(url) == "everline:1"
    with databases.alone(url) as lock:
        databases.set_stamp(lock, "")
    assert databases.stamp(url) == ""


def test_one_process_prepares_at_a_time(server: EmbeddedServer) -> None:
    with databases.alone(server.url("postgres")), psycopg.connect(server.url("postgres")) as second:
        taken = second.execute("SELECT pg_try_advisory_lock(%s)", [databases.PREPARING_LOCK]).fetchone()

    assert taken == (False,)


def test_the_fingerprint_follows_migrations_and_demo_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migration = tmp_path / "room" / "migrations" / "0001_initial.py"
    data = tmp_path / "catalog" / "demo" / "plans.toml"
    for file in (migration, data):
        file.parent.mkdir(parents=True)
        file.write_text("one")
    (tmp_path / "room" / "services.py").write_text("one")
    monkeypatch.setattr(databases, "PACKAGE", tmp_path)
    first = databases.fingerprint(demo=True)

    assert databases.fingerprint(demo=True) == first
    assert databases.fingerprint(demo=False) != first
    (tmp_path / "room" / "services.py").write_text("two")
    assert databases.fingerprint(demo=True) == first
    migration.write_text("two")
    second = databases.fingerprint(demo=True)
    data.write_text("two")
    assert len({first, second, databases.fingerprint(demo=True)}) == 3
