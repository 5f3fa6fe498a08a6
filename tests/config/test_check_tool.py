import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import check


@pytest.fixture(autouse=True)
def _no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "STEPS", {"well": (sys.executable, "-c", "pass"), "ill": ("false",)})


def test_help_names_the_steps_and_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        check.main(["--help"])

    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "usage: tools/check.py" in said
    assert "steps: well, ill" in said
    assert "ok " not in said


@pytest.mark.parametrize("words", [["nonsense"], ["well", "nonsense"]])
def test_an_unknown_step_is_refused_with_the_names_before_any_runs(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        check.main(words)

    assert end.value.code == 2
    said = capsys.readouterr()
    assert "no such step: nonsense (steps: well, ill)" in said.err
    assert said.out == ""


def test_chosen_steps_run_alone_and_a_failure_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["well"]) == 0
    assert "ill" not in capsys.readouterr().out

    assert check.main([]) == 1
    assert "failed: ill" in capsys.readouterr().out
