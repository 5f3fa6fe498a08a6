from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from everline.config.supervisor import databases, stack
from everline.config.supervisor.child import MARK
from everline.config.supervisor.errors import StartError
from everline.config.supervisor.options import Options, read_options


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Options:
    for name in (
        "PORT",
        "HOST",
        "MODE",
        "DATABASE_URL",
        "SANDBOX_PORT",
        "SANDBOX_DATABASE_URL",
        "PUBLIC_URL",
    ):
        monkeypatch.setenv(f"EVERLINE_{name}", "")
    monkeypatch.setenv("EVERLINE_DATA_DIR", str(tmp_path))
    return read_options()


def test_the_defaults_are_the_contracts(options: Options) -> None:
    assert (options.host, options.port, options.sandbox_port) == ("127.0.0.1", 8000, 0)
    assert options.mode == "sandbox"
    assert options.database_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("SANDBOX_PORT", "-1"), ("MODE", "test"), ("PUBLIC_URL", "ftp://shop")],
)
def test_nonsense_is_refused_by_name(
    options: Options, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"EVERLINE_{name}", value)

    with pytest.raises(ImproperlyConfigured, match=f"EVERLINE_{name}"):
        read_options()


@pytest.mark.parametrize(
    ("shop", "sandbox"),
    [
        (
            "postgresql://u:p%40@db:6543/shop?sslmode=require",
            "postgresql://u:p%40@db:6543/shop_sandbox?sslmode=require",
        ),
        ("postgresql://u@/a%20b?host=%2Frun", "postgresql://u@/a%20b_sandbox?host=%2Frun"),
    ],
)
def test_the_sandbox_has_its_database_beside_the_shops(options: Options, shop: str, sandbox: str) -> None:
    assert replace(options, database_url=shop).sandbox_database == sandbox


def test_a_database_url_without_a_name_is_refused(options: Options) -> None:
    with pytest.raises(ImproperlyConfigured, match="name is missing"):
        _ = replace(options, database_url="postgresql://u@db").sandbox_database


def test_the_sandboxs_own_database_url_wins(options: Options) -> None:
    chosen = replace(options, sandbox_database_url="postgresql://u@db/elsewhere")

    assert databases.name_of(chosen.sandbox_database) == "elsewhere"


def test_programs_get_what_was_decided_and_no_file_that_would_win_over_it(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERLINE_DATABASE_URL_FILE", "/run/secrets/url")
    monkeypatch.setenv("EVERLINE_LOG_LEVEL", "INFO")
    chosen = replace(options, port=8123, sandbox_port=8124)

    environment = stack.environment(chosen, stack.SHOP_SETTINGS)

    assert environment["EVERLINE_DATABASE_URL"] == chosen.shop_database
    assert "EVERLINE_DATABASE_URL_FILE" not in environment
    assert environment["EVERLINE_LOG_LEVEL"] == "INFO"
    assert environment["EVERLINE_PUBLIC_URL"] == "http://localhost:8123"
    assert environment["EVERLINE_SHOP_URL"] == "http://127.0.0.1:8123"
    assert environment["EVERLINE_SANDBOX_URL"] == "http://127.0.0.1:8124"
    assert environment[MARK] == str(options.data_dir)


def test_live_mode_has_no_sandbox(options: Options) -> None:
    live = replace(options, mode="live", port=8123)

    assert [program.name for program in stack.programs(live)] == ["web", "worker"]
    assert [program.name for program, _url, _demo in stack.preparations(live)] == ["prepare"]
    assert "EVERLINE_SANDBOX_URL" not in stack.environment(live, stack.SHOP_SETTINGS)


def test_a_wildcard_address_is_reached_by_loopback(options: Options) -> None:
    chosen = replace(options, host="0.0.0.0", sandbox_port=8124)

    assert urlsplit(stack.sandbox_url(chosen)).hostname == "127.0.0.1"


def test_secrets_are_made_in_sandbox_mode_and_demanded_in_live_mode(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERLINE_SECRET_KEY", "")
    stack.write_secrets(options)

    assert (options.data_dir / "sandbox-token").stat().st_mode & 0o777 == 0o600
    with pytest.raises(StartError, match="EVERLINE_SECRET_KEY"):
        stack.write_secrets(replace(options, mode="live"))
