"""Static files: collected once per release, under names of their content, compressed beforehand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.templatetags.static import static as static_url

from everline.config import static
from everline.config.commands import preparing_static


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = static.folder(tmp_path_factory.mktemp("data"))
    preparing_static.collect(root)
    return root


def test_every_file_has_a_name_of_its_content_and_small_copies(root: Path) -> None:
    names = json.loads((root / static.MANIFEST).read_text())["paths"]

    ours = {name: hashed for name, hashed in names.items() if name.startswith("portal/")}
    assert {"portal/portal.js", "portal/icon.svg"} <= set(ours)
    for name, hashed in ours.items():
        assert hashed != name
        assert (root / hashed).is_file()
    script = root / ours["portal/portal.js"]
    for ending in (".gz", ".br"):
        copy = script.with_name(script.name + ending)
        assert copy.stat().st_size < script.stat().st_size


def test_an_installation_uses_what_is_collected_and_tests_the_packages(root: Path, tmp_path: Path) -> None:
    assert static.root(root.parent.parent) == root
    assert static.root(tmp_path) is None
    assert settings.STATIC_ROOT is None
    assert static_url("portal/icon.svg") == "/static/portal/icon.svg"


def test_a_collection_that_was_broken_off_counts_for_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(preparing_static, "call_command", fail)
    target = static.folder(tmp_path)

    with pytest.raises(OSError, match="full"):
        preparing_static.collect(target)

    assert static.root(tmp_path) is None
    assert not target.exists()


def test_the_fingerprint_follows_our_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sheet = tmp_path / "portal" / "static" / "portal" / "x.css"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("a{}")
    monkeypatch.setattr(static, "PACKAGE", tmp_path)
    before = static.fingerprint()

    same = static.fingerprint()
    sheet.write_text("b{}")

    assert same == before
    assert static.fingerprint() != before


def test_files_of_other_origins_pages_are_refused() -> None:
    headers: dict[str, str] = {}

    static.add_headers(headers, "x.css", "/static/x.css")

    assert headers == {"Cross-Origin-Resource-Policy": "same-origin"}


def test_the_command_collects_once_and_forgets_older_releases(tmp_path: Path) -> None:
    old = tmp_path / "static" / "0123456789abcdef"
    old.mkdir(parents=True)
    environment = {
        "EVERLINE_DATA_DIR": str(tmp_path),
        "EVERLINE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }
    command = [sys.executable, "-m", "everline.config", "prepare-static"]

    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    [made] = (tmp_path / "static").iterdir()
    at = made.stat().st_mtime_ns
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert static.root(tmp_path) == made
    assert made.stat().st_mtime_ns == at
