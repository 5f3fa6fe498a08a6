import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import bootstrap  # noqa: E402 - a script, not a package


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "a project"
    (root / "requirements").mkdir(parents=True)
    (root / "src").mkdir()
    for name in ("runtime", "dev"):
        (root / "requirements" / f"{name}.txt").write_text(f"# {name}\n")
    monkeypatch.setattr(bootstrap, "ROOT", root)
    monkeypatch.setattr(bootstrap, "VENV", root / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", root / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", root / ".venv" / "everline.json")
    return root


def test_a_new_environment_is_made_once_and_works_wherever_it_is_moved(project: Path, tmp_path: Path) -> None:
    (project / "src" / "everline").mkdir()
    (project / "src" / "everline" / "__init__.py").write_text("place = 'here'\n")

    assert bootstrap.main(["runtime"]) == 0

    assert bootstrap.ready("runtime")
    assert not bootstrap.ready("dev")
    stamp = bootstrap.STAMP.stat().st_mtime_ns
    assert bootstrap.main(["runtime"]) == 0
    assert bootstrap.STAMP.stat().st_mtime_ns == stamp
    moved = project.rename(tmp_path / "moved")
    answer = subprocess.run(
        [moved / ".venv" / "bin" / "python", "-c", "import everline; print(everline.place)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "here"


def test_a_changed_lock_or_another_python_is_not_ready(project: Path) -> None:
    bootstrap.STAMP.parent.mkdir()
    sets = {name: bootstrap.digest(name) for name in ("runtime", "dev")}
    bootstrap.STAMP.write_text(json.dumps({"python": bootstrap.identity(), "sets": sets}))
    assert bootstrap.ready("dev")

    bootstrap.lock_file("dev").write_text("# changed\n")

    assert not bootstrap.ready("dev")
    assert bootstrap.ready("runtime")
    bootstrap.STAMP.write_text(json.dumps({"python": "another", "sets": sets}))
    assert not bootstrap.ready("runtime")
    bootstrap.STAMP.write_text("half writ")
    assert not bootstrap.ready("runtime")


@pytest.mark.parametrize("words", [[], ["everything"], ["runtime", "dev"]])
def test_other_words_are_refused(words: list[str]) -> None:
    assert bootstrap.main(words) == 2


def test_an_old_python_is_refused_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))

    assert bootstrap.main(["runtime"]) == 2

    assert "Python 3.11 or newer" in capsys.readouterr().err
