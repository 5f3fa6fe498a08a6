"""The house plan is enforced: each check passes on the product and fails on a planted violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from tools import check_keys
from tools.check_fk_direction import FLOORS, upward_foreign_keys

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def _run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(each) for each in command], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product and its contracts, to plant something in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.mo", "static", "demo")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    return tmp_path


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path[:0] = ['src', '.'];"
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )
    return _run(sys.executable, "-c", code, cwd=folder)


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("payments/ledger.py", "import everline.orders.models", "1. House plan"),
        ("payments/ledger.py", "import everline.usage.types", "1. House plan"),
        ("lines/types.py", "import everline.lines.services", "2. Rooms"),
        (
            "orders/services/tracking.py",
            "import everline.payments.providers.sandbox.adapter",
            "5. Nobody imports",
        ),
        ("orders/services/tracking.py", "import httpx", "6. The way out"),
        ("api/urls.py", "import everline.orders.models", "7. Portal and API"),
        ("orders/services/tracking.py", "import tests", "8. Product code"),
        ("sandbox/faults.py", "import everline.orders.models", "9. The sandbox"),
        ("core/money.py", "import everline.config.settings", "10. Nobody imports"),
    ],
)
def test_a_forbidden_import_is_refused(copy: Path, file: str, line: str, contract: str) -> None:
    target = copy / "src" / "everline" / file
    target.write_text(f"{line}\n{target.read_text()}")

    checked = _lint_imports(copy)

    assert checked.returncode == 1
    verdicts = [each for each in checked.stdout.splitlines() if each.startswith(contract)]
    assert "BROKEN" in verdicts[0]


def test_the_product_keeps_every_contract(copy: Path) -> None:
    checked = _lint_imports(copy)

    assert checked.returncode == 0, checked.stdout[-3000:]


def test_no_foreign_key_points_upward() -> None:
    assert upward_foreign_keys() == []
    rooms = {label for floor in FLOORS for label in floor}
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("everline.")}
    assert ours <= rooms


@isolate_apps("everline.lines", "everline.orders")
def test_an_upward_foreign_key_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Order(models.Model):
        class Meta:
            app_label = "orders"

    class Line(models.Model):
        order = models.ForeignKey(Order, models.PROTECT)

        class Meta:
            app_label = "lines"

    monkeypatch.setattr("tools.check_fk_direction.apps.get_models", lambda: [Line, Order])

    assert upward_foreign_keys() == [("lines.Line", "order", "orders.Order")]
    assert check_keys.main() == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x: int = 1\n" * 501, "lines of the longest file: 501"),
        ("def long() -> None:\n" + "    print()\n" * 71, "functions:"),
        ("class Wide:\n" + "    x: int = 1\n" * 201, "lines of the longest class: 202"),
        ("def bare(x, y):\n    return x\n", "annotated functions:"),
        ("def late() -> None:\n    import os\n", "imports inside functions"),
        ("# TODO: later\n", "leftovers"),
        ("from django.dispatch import receiver\n@receiver(None)\ndef f() -> None: ...\n", "Django signals"),
    ],
)
def test_a_house_over_budget_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    package, tests = tmp_path / "shop", tmp_path / "tests"
    (package / "room").mkdir(parents=True)
    tests.mkdir()
    (package / "room" / "thing.py").write_text(text)
    (tests / "test_thing.py").write_text("assert True\n" * 3)

    checked = _run(sys.executable, ROOT / "tools" / "check_budgets.py", package, tests)

    assert checked.returncode == 1
    assert sentence in checked.stdout


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("orders", "def f(order: object) -> None:\n    order.status = 'paid'\n"),
        ("orders", "def f(rows: object) -> None:\n    rows.update(status='paid')\n"),
        ("lines", "def f(line: object) -> None:\n    line.service_state = 'active'\n"),
        ("usage", "def f(period: object) -> None:\n    period.state = 'active'\n"),
    ],
)
def test_a_state_moved_by_hand_is_refused(tmp_path: Path, room: str, text: str) -> None:
    package = tmp_path / "everline"
    (package / room).mkdir(parents=True)
    (package / room / "services.py").write_text(text)

    checked = _run(sys.executable, ROOT / "tools" / "check_states.py", package)

    assert checked.returncode == 1
    assert "core.states" in checked.stdout


def test_the_type_checker_is_strict(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("def f(x):\n    return x\n")

    checked = _run(BIN / "mypy", "--no-incremental", planted)

    assert checked.returncode == 1
    assert "no-untyped-def" in checked.stdout


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n", "TID251"),
        ("from django.dispatch import receiver\n\nX = receiver\n", "TID251"),
        ("def f(x):\n    return x\n", "ANN001"),
        ("try:\n    pass\nexcept Exception:\n    pass\n", "BLE001"),
    ],
)
def test_the_linter_refuses_what_the_house_forbids(text: str, code: str) -> None:
    checked = subprocess.run(
        [
            BIN / "ruff",
            "check",
            "--output-format=concise",
            "--stdin-filename",
            "src/everline/orders/planted.py",
            "-",
        ],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 1
    assert code in checked.stdout
