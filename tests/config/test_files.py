from pathlib import Path

import pytest

from everline.config.supervisor.errors import DataFolderError, FolderInUseError
from everline.config.supervisor.files import (
    FolderLock,
    prepare_folder,
    read_or_create_secret,
    rotate,
    write_private,
)


def test_a_private_file_is_replaced_whole_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)

    write_private(file, "new")

    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = read_or_create_secret(tmp_path / "secret")

    assert len(first) >= 43
    assert read_or_create_secret(tmp_path / "secret") == first
    assert read_or_create_secret(tmp_path / "other") != first


def test_a_folder_is_made_private(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "a" / "b")

    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named_with_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderError, match="EVERLINE_DATA_DIR"):
        prepare_folder(tmp_path / "file" / "folder")


def test_a_lock_has_one_holder_who_says_what_it_does(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    first.acquire()
    first.note("stopping")

    with pytest.raises(FolderInUseError, match=r"process \d+ stopping"):
        second.acquire()

    assert not second.held
    first.release()
    with second:
        assert second.held
        assert not first.held
    assert not second.held


def test_a_long_log_moves_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 20)
        writer.flush()

        rotate(log, limit=10)
        writer.write(b"y")

    assert (tmp_path / "web.log.1").read_bytes() == b"x" * 20
    assert log.read_bytes() == b"y"


def test_a_short_or_absent_log_stays(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("short")

    rotate(tmp_path / "web.log", limit=10)
    rotate(tmp_path / "absent.log", limit=10)

    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]
