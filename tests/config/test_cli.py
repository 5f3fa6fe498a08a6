import os
import subprocess
import sys
from pathlib import Path

import pytest

from everline.config import cli


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("EVERLINE_DATABASE_URL", "")


def test_help_names_every_command_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])

    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in cli.COMMANDS)
    assert not (tmp_path / "data").exists()


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([])

    assert "usage: everline" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_a_help_of_its_own_and_starts_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])

    assert end.value.code == 0
    assert f"everline {name}" in capsys.readouterr().out
    assert not (tmp_path / "data").exists()


def test_other_words_are_django_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help"]) == 0

    assert "makemigrations" in capsys.readouterr().out


def test_nonsense_in_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVERLINE_PORT", "eighty")

    assert cli.main(["run"]) == cli.EXIT_UNUSABLE

    assert "EVERLINE_PORT" in capsys.readouterr().err


def test_doctor_on_nothing_says_what_to_do_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor"]) == cli.EXIT_FAILED

    said = capsys.readouterr().out
    assert "does not exist" in said
    assert "everline run" in said
    assert not (tmp_path / "data").exists()


def test_doctor_names_a_mail_server_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVERLINE_EMAIL_URL", "smtp://127.0.0.1:1")

    cli.main(["doctor"])

    said = capsys.readouterr().out
    assert "mail server 127.0.0.1:1 does not answer" in said
    assert "EVERLINE_EMAIL_URL" in said


def test_check_makes_no_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == cli.EXIT_UNUSABLE

    assert f"{tmp_path / 'data'} does not exist" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_check_without_tables_says_what_to_run_first(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)

    answer = subprocess.run(
        [sys.executable, "-m", "everline.config", "check"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "everline.config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == cli.EXIT_FAILED
    assert "run `everline migrate` first" in answer.stderr
    assert "Traceback" not in answer.stderr
