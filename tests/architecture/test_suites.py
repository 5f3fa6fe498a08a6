import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_skipped_test_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(
        "import pytest\n\n\ndef test_well() -> None: ...\n\n\n@pytest.mark.skip(reason='no browser')\n"
        "def test_ill() -> None: ...\n"
    )

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.suites",
            "-p",
            "no:django",
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "skipped, which counts as failed" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout
