"""Drills of the supervisor with the real database server and small stand-ins for the other programs."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from everline.config.supervisor import embedded, ports, processes
from tests.config.drill import PATIENCE, Drill

SUPERVISED = str(Path(__file__).with_name("supervised.py"))
Start = Callable[..., Drill]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    drills: list[Drill] = []

    def begin(*words: str, folder: Path = tmp_path, **environment: str) -> Drill:
        drills.append(Drill(folder, SUPERVISED, *words, **environment))
        return drills[-1]

    yield begin
    for drill in drills:
        drill.stop()


def port_in(file: Path) -> int:
    return int(file.read_text().strip().rpartition(":")[2])


def test_it_starts_everything_and_publishes_the_addresses_last(start: Start, tmp_path: Path) -> None:
    drill = start()

    assert drill.up()

    assert len(drill.pids("standin.py")) == 2
    assert len(drill.pids("# worker")) == 1
    assert ports.healthy("127.0.0.1", port_in(tmp_path / "shop-url"))
    assert ports.healthy("127.0.0.1", port_in(tmp_path / "sandbox-url"))
    assert drill.says("Everline is ready")
    for name in ("sandbox-token", "sandbox-url", "shop-url", "secret-key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_stop_ends_everything_cleanly(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    drill = start("grandchild")
    assert drill.up()

    status = drill.stop(number)

    assert status == 0
    assert drill.everything() == set()
    assert not (tmp_path / "sandbox-url").exists()
    assert not (tmp_path / "pg" / "postmaster.pid").exists()


def test_a_stop_during_the_start_is_clean_too(start: Start) -> None:
    drill = start()
    assert drill.says("PostgreSQL answers")

    status = drill.stop()

    assert status == 0
    assert drill.everything() == set()


@pytest.mark.parametrize(
    ("name", "word"), [("worker", "# worker"), ("web", "standin.py"), ("sandbox", "standin.py")]
)
def test_a_killed_program_is_started_again(start: Start, tmp_path: Path, name: str, word: str) -> None:
    drill = start()
    assert drill.up()
    port = {"web": "shop-url", "sandbox": "sandbox-url"}.get(name)
    number = str(port_in(tmp_path / port)) if port else word
    before = drill.pids(number)
    assert len(before) == 1

    os.kill(before.copy().pop(), signal.SIGKILL)

    assert drill.says(f"{name} ended (SIGKILL)")
    assert drill.says(f"{name} started again")
    assert drill.replaced(number, before)
    if port:
        assert processes.wait_until(lambda: ports.healthy("127.0.0.1", int(number)), PATIENCE)
    assert drill.process.poll() is None


def test_what_a_killed_program_leaves_of_its_group_is_killed_too(start: Start) -> None:
    drill = start("grandchild")
    assert drill.up()
    assert processes.wait_until(lambda: bool(drill.pids("# grandchild")), PATIENCE)
    before = drill.pids("# grandchild")
    web = next(pid for pid in drill.pids("standin.py") if os.getpgid(pid) == os.getpgid(next(iter(before))))

    os.kill(web, signal.SIGKILL)

    assert drill.says("web started again")
    assert drill.replaced("# grandchild", before)


def test_a_program_that_keeps_ending_waits_longer_each_time(start: Start) -> None:
    drill = start()
    assert drill.up()

    for _time in range(3):
        before = drill.pids("# worker")
        os.kill(before.copy().pop(), signal.SIGKILL)
        assert drill.replaced("# worker", before)

    assert drill.says("starting again in", times=3)
    pauses = [float(line.split()[-2]) for line in drill.said if "starting again in" in line]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]


def test_a_killed_database_server_comes_back_with_its_data(start: Start, tmp_path: Path) -> None:
    drill = start()
    assert drill.up()
    url = embedded.database_url(tmp_path)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    first = drill.server()
    programs = drill.pids("standin.py") | drill.pids("# worker")

    os.kill(first, signal.SIGKILL)

    assert drill.says("PostgreSQL answers again")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert drill.server() != first
    assert drill.pids("standin.py") | drill.pids("# worker") == programs


def test_killing_the_supervisor_ends_everything_and_the_next_start_recovers(
    start: Start, tmp_path: Path
) -> None:
    drill = start()
    assert drill.up()
    with psycopg.connect(embedded.database_url(tmp_path), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")

    drill.process.kill()
    drill.process.wait()

    assert drill.gone()
    second = start()
    assert processes.wait_until(lambda: second.says("Everline is ready"), PATIENCE)
    with psycopg.connect(embedded.database_url(tmp_path)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_killing_everything_at_once_is_recovered_from(start: Start) -> None:
    drill = start("grandchild")
    assert drill.up()
    assert processes.wait_until(lambda: bool(drill.pids("# grandchild")), PATIENCE)

    drill.process.send_signal(signal.SIGSTOP)
    for pid in [drill.server(), *drill.pids("standin.py"), *drill.pids("# worker")]:
        os.kill(pid, signal.SIGKILL)
    drill.process.kill()
    drill.process.wait()
    orphans = drill.pids("# grandchild")

    assert orphans
    second = start()
    assert second.says("Everline is ready")
    assert second.says("left behind")
    assert not any(processes.alive(pid) for pid in orphans)


def test_a_second_supervisor_on_the_folder_is_refused(start: Start, tmp_path: Path) -> None:
    drill = start()
    assert drill.up()

    second = start()

    assert second.process.wait(PATIENCE) == 2
    assert second.says(f"{tmp_path} is already in use by process {drill.process.pid}")
    assert drill.process.poll() is None
    assert (tmp_path / "sandbox-url").exists()


def test_two_folders_run_side_by_side(start: Start, tmp_path: Path) -> None:
    first, second = start(folder=tmp_path / "one"), start(folder=tmp_path / "two")

    assert first.up()
    assert second.up()

    assert port_in(tmp_path / "one" / "shop-url") != port_in(tmp_path / "two" / "shop-url")
    assert first.stop() == 0
    assert ports.healthy("127.0.0.1", port_in(tmp_path / "two" / "shop-url"))


def test_a_port_in_use_is_named_with_the_variable_to_change(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        drill = start(EVERLINE_PORT=str(taken.getsockname()[1]))

        assert drill.process.wait(PATIENCE) == 2
        assert drill.says("is in use by another program. Set EVERLINE_PORT")

    assert drill.everything() == set()


def test_two_that_start_together_on_one_port_do_not_share_it(start: Start, tmp_path: Path) -> None:
    port = ports.claim("127.0.0.1", 0, "EVERLINE_PORT")

    drills = [start(folder=tmp_path / name, EVERLINE_PORT=str(port)) for name in ("one", "two")]

    ready = [drill for drill in drills if drill.up()]
    refused = [drill for drill in drills if drill not in ready]
    assert (len(ready), len(refused)) == (1, 1)
    assert refused[0].process.wait(PATIENCE) == 2
    assert refused[0].says(f"Port {port} on 127.0.0.1 is in use by another program. Set EVERLINE_PORT")
    assert refused[0].everything() == set()


def test_a_port_stays_claimed_while_its_program_is_down(start: Start, tmp_path: Path) -> None:
    drill = start(folder=tmp_path / "one")
    assert drill.up()
    port = port_in(tmp_path / "one" / "shop-url")
    drill.process.send_signal(signal.SIGSTOP)  # so that it does not start the web again
    for pid in drill.pids(str(port)):
        os.kill(pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not ports.healthy("127.0.0.1", port), PATIENCE)

    second = start(folder=tmp_path / "two", EVERLINE_PORT=str(port))

    assert second.process.wait(PATIENCE) == 2
    assert second.says("Set EVERLINE_PORT")
    drill.process.send_signal(signal.SIGCONT)
    assert drill.says("web started again")


def test_the_sandbox_keeps_its_port_between_starts(start: Start, tmp_path: Path) -> None:
    drill = start()
    assert drill.up()
    first = port_in(tmp_path / "sandbox-url")
    assert drill.stop() == 0

    assert start().up()

    assert port_in(tmp_path / "sandbox-url") == first


def test_a_program_that_cannot_start_fails_the_start_with_its_last_words(start: Start) -> None:
    drill = start("fails")

    assert drill.process.wait(PATIENCE) == 2
    assert drill.says("the web stand-in fails")
    assert drill.everything() == set()


def test_an_unusable_data_folder_is_said_plainly(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    drill = start(folder=tmp_path / "file" / "data")

    assert drill.process.wait(PATIENCE) == 2
    assert drill.says("cannot be written")
    assert drill.says("EVERLINE_DATA_DIR")


def test_live_mode_wants_a_key_of_its_own(start: Start) -> None:
    drill = start(EVERLINE_MODE="live")

    assert drill.process.wait(PATIENCE) == 2
    assert drill.says("EVERLINE_SECRET_KEY")


def test_an_external_database_by_url_is_used_instead(start: Start, tmp_path: Path) -> None:
    with embedded.EmbeddedServer(tmp_path / "server", durable=False) as server:
        drill = start(folder=tmp_path / "shop", EVERLINE_DATABASE_URL=server.url("external"))

        assert drill.up()

        assert not (tmp_path / "shop" / "pg").exists()
        with psycopg.connect(server.url("postgres")) as connection:
            names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        assert {"external", "external_sandbox"} <= names
        assert drill.stop() == 0
        assert drill.said[-2:] == ["stopping", "stopped"]


def test_an_external_database_that_does_not_answer_is_said_plainly(start: Start, tmp_path: Path) -> None:
    drill = start(EVERLINE_DATABASE_URL=f"postgresql://nobody@/absent?host={tmp_path}")

    assert drill.process.wait(PATIENCE) == 2
    assert drill.says("EVERLINE_DATABASE_URL: PostgreSQL does not answer")
