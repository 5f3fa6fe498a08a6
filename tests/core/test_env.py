from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from everline.core import env


@pytest.mark.parametrize(
    ("raw", "read", "value"),
    [
        ("  hello ", lambda: env.text("X"), "hello"),
        ("", lambda: env.text("X", "d"), "d"),
        ("12", lambda: env.integer("X", 3), 12),
        ("", lambda: env.integer("X", 3), 3),
        ("Yes", lambda: env.boolean("X", default=False), True),
        ("off", lambda: env.boolean("X", default=True), False),
        ("", lambda: env.boolean("X", default=True), True),
        ("live", lambda: env.choice("X", "sandbox", ("sandbox", "live")), "live"),
        ("a, b,,c ", lambda: env.words("X"), ["a", "b", "c"]),
        ("https://x.example", lambda: env.url("X", "", ("https",)), "https://x.example"),
    ],
)
def test_good_values_are_read(
    monkeypatch: pytest.MonkeyPatch, raw: str, read: Callable[[], Any], value: Any
) -> None:
    monkeypatch.setenv("X", raw)

    assert read() == value


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("twelve", lambda: env.integer("X", 3)),
        ("1.5", lambda: env.integer("X", 3)),
        ("70000", lambda: env.integer("X", 3, low=0, high=65535)),
        ("maybe", lambda: env.boolean("X", default=False)),
        ("prod", lambda: env.choice("X", "sandbox", ("sandbox", "live"))),
        ("ftp://x", lambda: env.url("X", "", ("https",))),
    ],
)
def test_nonsense_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, raw: str, read: Callable[[], Any]
) -> None:
    monkeypatch.setenv("X", raw)

    with pytest.raises(ImproperlyConfigured, match="^X:"):
        read()


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    monkeypatch.setenv("X", "from the environment")

    assert env.secret("X") == "from the environment"
    monkeypatch.setenv("X_FILE", str(file))

    assert env.secret("X") == "from the file"
    monkeypatch.setenv("X_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="^X_FILE:"):
        env.secret("X")


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "var")

    assert env.path("X", "other") == Path.cwd() / "var"
