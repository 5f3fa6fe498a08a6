"""Everything `make check` looks at, each by its own tool; all of it runs, whatever fails.

usage: python tools/check.py [NAME…]      names choose some of the steps
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
SHOP, SANDBOX = "everline.config.settings", "everline.sandbox.settings"
#: Nobody listens there: these steps need settings, not a database.
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"

STEPS: dict[str, tuple[str, ...]] = {
    "format": (f"{BIN}/ruff", "format", "--check", "--quiet", "."),
    "lint": (f"{BIN}/ruff", "check", "--quiet", "."),
    "types": (f"{BIN}/mypy",),
    "imports": (f"{BIN}/lint-imports",),
    "keys": (PYTHON, "-m", "tools.check_keys"),
    "budgets": (PYTHON, "tools/check_budgets.py"),
    "states": (PYTHON, "tools/check_states.py"),
    "templates": (f"{BIN}/djlint", "src/everline", "--lint", "--quiet"),
    "translations": (PYTHON, "tools/check_translations.py"),
    "shop": (PYTHON, "-m", "django", "check", "--fail-level", "WARNING", f"--settings={SHOP}"),
    "sandbox": (PYTHON, "-m", "django", "check", "--fail-level", "WARNING", f"--settings={SANDBOX}"),
    "migrations": (PYTHON, "-m", "everline.config", "makemigrations", "--check"),
    "sandbox-migrations": (
        PYTHON, "-W", "ignore", "-m", "django", "makemigrations", "--check", f"--settings={SANDBOX}",
    ),
}  # fmt: skip
#: These start the embedded server in a folder of their own.
WITH_SERVER = {"migrations"}


def main(names: list[str]) -> int:
    """Run the steps and print what each of the failed ones said; 0 when all are well."""
    parser = argparse.ArgumentParser("tools/check.py", epilog=f"steps: {', '.join(STEPS)}")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a step; without names all of them")
    chosen = parser.parse_args(names).names
    if unknown := [name for name in chosen if name not in STEPS]:
        parser.error(f"no such step: {', '.join(unknown)} (steps: {', '.join(STEPS)})")
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "EVERLINE_DATA_DIR": folder, "EVERLINE_DATABASE_URL": NO_DATABASE}
        environment |= {"EVERLINE_SANDBOX_DATABASE_URL": NO_DATABASE, "DJANGO_SETTINGS_MODULE": SHOP}
        environment |= {"EVERLINE_SECRET_KEY": "for-checks-only", "EVERLINE_MODE": "sandbox"}
        for name in chosen or STEPS:
            began = time.monotonic()
            own = {"EVERLINE_DATABASE_URL": ""} if name in WITH_SERVER else {}
            answer = subprocess.run(
                STEPS[name], cwd=ROOT, env=environment | own, capture_output=True, text=True, check=False
            )
            well = answer.returncode == 0
            print(f"{'ok    ' if well else 'FAILED'} {name} ({time.monotonic() - began:.1f} s)", flush=True)
            if not well:
                failed.append(name)
                print(answer.stdout + answer.stderr, flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
