"""The real product as processes: renewals go on whatever is killed in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from everline.config.demo.shopper import TIMEOUT, Installation, Json, Shopper
from everline.config.supervisor import processes, sign_ins
from everline.core import clock
from tests.config.drill import PATIENCE, Drill

pytestmark = pytest.mark.stack

RUN = ("-m", "everline.config", "run")
BUDGET_MEGABYTES = 600


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation")


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Drill]:
    drill = Drill(data_dir, *RUN)
    assert drill.up(), "\n".join(drill.said)
    yield drill
    drill.stop()


def everline(data_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVERLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "everline.config", *words],
        env={**environment, "EVERLINE_DATA_DIR": str(data_dir), **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )


SETTINGS = {"DJANGO_SETTINGS_MODULE": "everline.config.settings"}


def renew(data_dir: Path) -> tuple[Json, Json, Json]:
    person = sign_ins.read(data_dir)[0]
    with httpx.Client(timeout=TIMEOUT) as http, httpx.Client(timeout=TIMEOUT) as outside:
        shopper = Shopper(Installation.of(data_dir), http, outside)
        shopper.sign_in(person.login, person.password)
        line = shopper.lines()[0]
        quote, _attempt, order = shopper.buy(line["id"], shopper.plan_for(line["id"], "month")["id"])
        return quote, order, shopper.line(line["id"])


def test_a_new_installation_has_customers_with_service_and_its_commands_agree(
    running: Drill, data_dir: Path
) -> None:
    _quote, order, _line = renew(data_dir)

    assert order["status"] == "fulfilled"
    assert running.says("sign in as")
    check = everline(data_dir, "check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert " 0 broken" in check.stdout
    doctor = everline(data_dir, "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "FIX" not in doctor.stdout


def test_the_processes_together_stay_within_the_memory_budget(running: Drill, data_dir: Path) -> None:
    renew(data_dir)

    pids = running.everything() | {running.process.pid}
    kilobytes = [
        int(line.split()[1])
        for pid in pids
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Pss:")
    ]

    assert sum(kilobytes) / 1024 < BUDGET_MEGABYTES


@pytest.mark.parametrize("word", ["serve", "worker", "sandbox"])
def test_renewals_go_on_after_a_program_was_killed(running: Drill, data_dir: Path, word: str) -> None:
    before = running.pids(word)
    assert before

    for pid in before:
        processes.send(pid, signal.SIGKILL)

    assert running.replaced(word, before)
    assert processes.wait_until(lambda: _answers(data_dir), PATIENCE)
    quote, order, line = renew(data_dir)
    assert order["status"] == "fulfilled"
    assert line["valid_until"] == quote["ends_at"]


def test_renewals_go_on_after_the_database_server_was_killed(running: Drill, data_dir: Path) -> None:
    _quote, earlier, line = renew(data_dir)
    worker, server = running.pids("worker"), running.server()

    os.kill(server, signal.SIGKILL)

    assert running.says("PostgreSQL answers again")
    quote, order, line_after = renew(data_dir)
    assert (earlier["status"], order["status"]) == ("fulfilled", "fulfilled")
    assert quote["starts_at"] == line["valid_until"]
    assert line_after["valid_until"] == quote["ends_at"]
    assert worker
    assert everline(data_dir, "check").returncode == 0


def test_keys_are_made_listed_and_revoked(running: Drill, data_dir: Path) -> None:
    made = everline(data_dir, "apikey", "create", "--scope", "usage-records:write", "--name", "meter")
    assert made.returncode == 0, made.stderr
    secret, key = made.stdout.strip(), made.stderr.split()[0]

    assert secret.startswith("ek_")
    assert secret not in everline(data_dir, "apikey", "list").stdout
    assert everline(data_dir, "apikey", "revoke", key).returncode == 0
    [line] = [line for line in everline(data_dir, "apikey", "list").stdout.splitlines() if key in line]
    assert "revoked" in line
    unknown = everline(data_dir, "apikey", "create", "--scope", "everything")
    assert unknown.returncode == 1
    assert "does not exist" in unknown.stderr


def test_the_clock_is_shown_moved_and_reset(running: Drill, data_dir: Path) -> None:
    assert "+1:00:00" in everline(data_dir, "clock", "--advance", "3600").stdout
    soon = (clock.real_now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:00")  # no line ends by then
    assert everline(data_dir, "clock", "--set", soon).stdout.startswith(soon[:-2])

    assert "+0:00:00" in everline(data_dir, "clock", "--reset").stdout
    assert everline(data_dir, "clock", "--advance", "1e30").returncode == 1


def test_the_second_start_prepares_nothing_and_finds_everything(running: Drill, data_dir: Path) -> None:
    _quote, _order, before = renew(data_dir)
    assert running.stop() == 0
    assert running.everything() == set()
    stopped = everline(data_dir, "check")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr

    second = Drill(data_dir, *RUN)
    try:
        assert second.up()
        assert not any("preparing" in line for line in second.said)
        quote, order, _line = renew(data_dir)
        assert order["status"] == "fulfilled"
        assert quote["current_ends_at"] == before["valid_until"]
    finally:
        assert second.stop() == 0


def test_the_demo_tells_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "everline.config", "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path), **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    for word in ("plan ", "payment ", "order.fulfilled", "confirmation.sent", "mail ", "expiry "):
        assert word in answer.stdout
    assert list(tmp_path.iterdir()) == []


def _answers(data_dir: Path) -> bool:
    at = Installation.of(data_dir)
    try:
        answers = [httpx.get(f"{url}/healthz", timeout=5).is_success for url in (at.shop, at.sandbox)]
    except httpx.TransportError:
        return False
    return all(answers)
