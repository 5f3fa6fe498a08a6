"""Drills of the embedded server: everything that a power cut, a kill or a second user can do to it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from everline.config.supervisor import embedded, launch, processes
from everline.config.supervisor.embedded import EmbeddedServer
from everline.config.supervisor.errors import DataFolderError, EmbeddedServerError, FolderInUseError

OWNER = Path(__file__).with_name("owner.py")
PATIENCE = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    found = EmbeddedServer(tmp_path, durable=False)
    yield found
    found.stop()


def value(server: EmbeddedServer, statement: str, name: str = "postgres") -> object:
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def write(server: EmbeddedServer, *statements: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def own_in_another_process(data_dir: Path, *words: str) -> tuple["subprocess.Popen[str]", int]:
    owner = subprocess.Popen(
        [sys.executable, str(OWNER), str(data_dir), *words], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def server_processes(data_dir: Path) -> list[int]:
    return [info.pid for info in processes.living() if info.cwd == str(data_dir / "pg")]


def test_a_new_folder_gets_a_server_with_utf8_and_a_private_socket(server: EmbeddedServer) -> None:
    server.start()

    assert value(server, "SHOW server_encoding") == "UTF8"
    assert (
        value(server, "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database LIMIT 1")
        == "b C.UTF-8"
    )
    assert value(server, "SHOW listen_addresses") == ""
    assert value(server, "SHOW timezone") == "UTC"
    assert server.sockets.stat().st_mode & 0o077 == 0
    assert server.folder.stat().st_mode & 0o077 == 0


def test_a_stop_leaves_nothing_running_and_a_second_start_finds_the_data(server: EmbeddedServer) -> None:
    server.start()
    write(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")

    server.stop()

    assert server.pid is None
    assert server_processes(server.data_dir) == []
    assert not (server.folder / "postmaster.pid").exists()
    server.start()
    assert value(server, "SELECT n FROM kept") == 7


def test_a_stop_does_not_wait_for_open_connections(server: EmbeddedServer) -> None:
    server.start()
    connection = psycopg.connect(server.url("postgres"))
    connection.execute("SELECT 1")

    server.stop()

    assert server_processes(server.data_dir) == []
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_stopping_twice_and_stopping_what_never_ran_is_harmless(server: EmbeddedServer) -> None:
    server.stop()
    server.start()
    server.stop()

    server.stop()

    assert server.pid is None


def test_a_database_is_created_once(server: EmbeddedServer) -> None:
    server.start()

    server.ensure_database("shop")
    server.ensure_database("shop")

    assert value(server, "SELECT current_database()", "shop") == "shop"


def test_a_killed_server_is_noticed_and_starts_again_with_its_committed_data(server: EmbeddedServer) -> None:
    server.start()
    write(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "CHECKPOINT")
    first = server.pid
    assert first is not None
    assert server.check() is None

    os.kill(first, signal.SIGKILL)

    assert processes.wait_until(lambda: not processes.alive(first), PATIENCE)
    assert server.check() == -signal.SIGKILL
    assert server.check() is None
    server.start()
    assert server.pid not in {None, first}
    assert value(server, "SELECT n FROM kept") == 7


def test_a_stale_ready_file_is_not_taken_for_readiness(server: EmbeddedServer) -> None:
    server.start()
    stale = (server.folder / "postmaster.pid").read_text()
    first = server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert processes.wait_until(lambda: server.check() is not None, PATIENCE)

    assert stale.splitlines()[7].strip() == "ready"
    assert not server.ready()


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    lines = [str(os.getpid()), str(server.folder), "1", "5432", str(server.sockets), "", "1 1", "ready"]
    (server.folder / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (server.sockets / ".s.PGSQL.5432.lock").write_text("\n".join(lines[:5]) + "\n")

    server.start()

    assert value(server, "SELECT 1") == 1


def test_a_second_owner_is_refused_by_name(server: EmbeddedServer) -> None:
    server.start()
    second = EmbeddedServer(server.data_dir, durable=False)

    with pytest.raises(FolderInUseError, match=f"process {os.getpid()}"):
        second.start()

    second.stop()
    assert value(server, "SELECT 1") == 1


def test_two_folders_have_two_servers(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other_folder = tmp_path_factory.mktemp("other")
    with EmbeddedServer(other_folder, durable=False) as other:
        server.start()

        assert value(server, "SHOW data_directory") == str(server.folder)
        assert value(other, "SHOW data_directory") == str(other.folder)


def test_killing_the_owner_ends_the_server(tmp_path: Path) -> None:
    owner, pid = own_in_another_process(tmp_path)

    owner.kill()
    owner.communicate()

    assert processes.wait_until(lambda: not processes.alive(pid), PATIENCE)
    assert processes.wait_until(lambda: server_processes(tmp_path) == [], PATIENCE)


def test_the_next_owner_ends_a_server_that_was_left_behind(server: EmbeddedServer) -> None:
    owner, pid = own_in_another_process(server.data_dir, "orphan")
    owner.kill()
    owner.communicate()
    assert processes.alive(pid)

    server.start()

    assert not processes.alive(pid)
    assert value(server, "SELECT 1") == 1


def test_the_next_owner_ends_what_a_killed_postmaster_left_behind(server: EmbeddedServer) -> None:
    owner, pid = own_in_another_process(server.data_dir, "orphan")
    owner.kill()
    owner.communicate()
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)

    server.start()

    assert set(server_processes(server.data_dir)).isdisjoint({pid})
    assert value(server, "SELECT 1") == 1


def test_an_interrupted_creation_is_done_again(server: EmbeddedServer) -> None:
    draft = server.data_dir / "pg.new"
    draft.mkdir()
    (draft / "half").write_text("written")

    server.start()

    assert not draft.exists()
    assert value(server, "SELECT 1") == 1


def test_a_folder_of_another_release_is_refused_with_the_way_out(server: EmbeddedServer) -> None:
    server.folder.mkdir()
    (server.folder / "PG_VERSION").write_text("17\n")

    with pytest.raises(EmbeddedServerError, match=r"PostgreSQL 17.*dump and load"):
        server.start()

    assert server.pid is None


def test_a_server_that_cannot_start_says_what_its_log_says(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.folder / "postgresql.conf").write_text("no_such_setting = on\n")

    with pytest.raises(EmbeddedServerError, match="no_such_setting"):
        server.start()

    EmbeddedServer(server.data_dir).stop()
    assert server_processes(server.data_dir) == []


def test_a_start_that_is_cancelled_comes_back(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, durable=False, cancelled=lambda: True)

    server.start()
    server.stop()

    assert server_processes(tmp_path) == []


def test_the_socket_moves_to_a_short_folder_when_the_path_is_too_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedServer(deep, durable=False) as server:
        assert server.sockets.parent != server.data_dir
        assert value(server, "SHOW data_directory") == str(server.folder)
        assert server.sockets.stat().st_mode & 0o077 == 0
        short = server.sockets

    assert not short.exists()


def test_a_short_folder_that_another_user_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedServer(tmp_path, durable=False)
    monkeypatch.setattr(embedded.os, "geteuid", lambda: 4242)

    with pytest.raises(DataFolderError, match="belongs to another user"):
        server.start()


def test_paths_with_spaces_and_signs_work(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "my data & 'more' 数据", durable=False) as server:
        server.ensure_database("a b")

        assert value(server, "SELECT current_database()", "a b") == "a b"


def test_the_url_is_known_without_a_server_and_without_side_effects(tmp_path: Path) -> None:
    folder = tmp_path / "nothing"

    url = embedded.database_url(folder)

    assert url.startswith("postgresql://everline@/everline?host=")
    assert not folder.exists()


def test_root_gives_its_privileges_up_by_a_way_that_works() -> None:
    if os.geteuid() == 0:
        assert embedded._working_privilege_drop() in launch.PRIVILEGE_DROPS
    else:
        command = EmbeddedServer("/nowhere")._launched(["postgres"])
        assert "--drop" not in command


def test_root_without_user_namespaces_runs_the_server_as_another_account(tmp_path: Path) -> None:
    """Containers often forbid user namespaces; an ordinary user needs neither way."""
    drop = "account" if os.geteuid() == 0 else None
    with EmbeddedServer(tmp_path, durable=False, drop=drop) as server:
        assert value(server, "SELECT 1") == 1

    with EmbeddedServer(tmp_path, durable=False) as server:
        assert value(server, "SELECT 1") == 1


def test_a_long_temporary_folder_still_gives_a_socket_that_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long-" * 20)))

    folder = embedded.socket_folder(tmp_path / ("deep-" * 20))

    assert len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= 107
    assert folder == embedded.socket_folder(tmp_path / ("deep-" * 20))
    assert folder != embedded.socket_folder(tmp_path / ("else-" * 20))
