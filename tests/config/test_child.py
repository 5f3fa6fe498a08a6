import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from everline.config.supervisor import processes
from everline.config.supervisor.child import MARK, Child, Program, describe_exit, end_leftovers
from everline.config.supervisor.restarts import FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS, Restarts

PATIENCE = 30.0


def program(code: str, **environment: str) -> Program:
    return Program("standin", (sys.executable, "-c", code), {**os.environ, **environment})


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()


def begin(children: list[Child], logs: Path, code: str, **environment: str) -> Child:
    child = Child(program(code, **environment), logs)
    children.append(child)
    child.start()
    return child


def test_its_output_goes_to_its_log(children: list[Child], tmp_path: Path) -> None:
    child = begin(children, tmp_path, "import sys; print('out'); sys.exit('err')")

    assert processes.wait_until(child.ended, PATIENCE)
    assert child.check() == 1
    assert sorted(child.last_lines().split()) == ["err", "out"]
    assert child.check() is None
    assert not child.running


def test_it_leads_a_session_of_its_own(children: list[Child], tmp_path: Path) -> None:
    child = begin(children, tmp_path, "import time; print('up', flush=True); time.sleep(600)")
    assert processes.wait_until(lambda: "up" in child.last_lines(), PATIENCE)
    assert child.pid is not None

    assert os.getsid(child.pid) == child.pid
    assert os.getsid(child.pid) != os.getsid(0)


def test_it_obeys_a_request_to_stop(children: list[Child], tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(15, lambda *_: exit(0)); print('up', flush=True); time.sleep(600)"
    )
    child = begin(children, tmp_path, code)
    assert processes.wait_until(lambda: "up" in child.last_lines(), PATIENCE)

    child.ask_to_stop()

    assert processes.wait_until(child.ended, PATIENCE)
    assert child.check() == 0


def test_a_program_that_does_not_exist_says_so(tmp_path: Path) -> None:
    child = Child(Program("absent", ("/no/such/program",), dict(os.environ)), tmp_path)
    child.start()

    assert processes.wait_until(child.ended, PATIENCE)
    assert child.check() == 127
    assert "cannot start /no/such/program" in child.last_lines()


def test_leftovers_are_told_by_their_mark_alone(children: list[Child], tmp_path: Path) -> None:
    marked = begin(children, tmp_path, "import time; time.sleep(600)", **{MARK: str(tmp_path)})
    stranger = begin(children, tmp_path, "import time; time.sleep(600)", **{MARK: f"{tmp_path}-other"})

    ended = end_leftovers(str(tmp_path))

    assert ended == [marked.pid]
    assert processes.wait_until(marked.ended, PATIENCE)
    assert not stranger.ended()


def test_the_pause_doubles_up_to_a_limit_and_forgets_after_a_steady_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    restarts = Restarts()
    pauses = []
    for _time in range(8):
        restarts.note_start()
        restarts.note_end()
        pauses.append(restarts.due_in())

    assert pauses[:3] == pytest.approx([FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4])
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE)
    restarts.note_start()
    now[0] += STEADY_SECONDS
    restarts.note_end()
    assert restarts.due_in() == pytest.approx(FIRST_PAUSE)
    now[0] += FIRST_PAUSE * 2
    assert restarts.due_in() == 0


@pytest.mark.parametrize(
    ("status", "words"), [(0, "status 0"), (3, "status 3"), (-9, "SIGKILL"), (-99, "signal 99")]
)
def test_an_exit_status_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words


def test_an_ended_process_that_nobody_reaped_is_not_alive() -> None:
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], dict(os.environ))

    assert processes.wait_until(lambda: not processes.alive(pid), PATIENCE)

    os.kill(pid, 0)  # the number still exists
    os.waitpid(pid, 0)


def test_processes_that_ignore_a_signal_get_the_next(children: list[Child], tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = begin(children, tmp_path, code)
    assert processes.wait_until(lambda: "up" in child.last_lines(), PATIENCE)
    assert child.pid is not None

    processes.end_processes([child.pid], ((signal.SIGTERM, 0.05), (signal.SIGKILL, PATIENCE)))

    assert processes.wait_until(child.ended, PATIENCE)
    assert child.check() == -signal.SIGKILL
