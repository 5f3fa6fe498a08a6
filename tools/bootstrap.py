"""Create `.venv` from the hashed lock, or find at once that it is already right.

usage: python tools/bootstrap.py runtime|dev

Standard library only: it runs on a bare machine with Python ≥ 3.11. What was installed is noted in
`.venv/everline.json`, written last, so an interrupted installation is done again. The project itself is put
on the path by a relative `.pth` file and a small script `.venv/bin/everline`: no build tool is needed, and
the folder may be moved.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "everline.json"
SETS = {"runtime": ("runtime",), "dev": ("runtime", "dev")}
SCRIPT = '#!/bin/sh\nexec "$(dirname "$0")/python" -m everline.config "$@"\n'


def main(arguments: list[str]) -> int:
    """Bring the environment to the wanted set; 0 when it is there."""
    if len(arguments) != 1 or arguments[0] not in SETS:
        sys.stderr.write("usage: python tools/bootstrap.py runtime|dev\n")
        return 2
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write(f"Everline needs Python 3.11 or newer; {sys.executable} is {found}. Set PYTHON=…\n")
        return 2
    wanted = arguments[0]
    if not ready(wanted):
        with locked():
            if not ready(wanted):
                install(wanted)
    compile_messages()
    return 0


def ready(wanted: str) -> bool:
    """Whether everything of this set was installed from today's lock with this Python."""
    try:
        noted = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    have = noted.get("sets", {})
    return noted.get("python") == identity() and all(have.get(name) == digest(name) for name in SETS[wanted])


def identity() -> str:
    """The interpreter that the environment stands on, as far as installed packages depend on it."""
    return f"{sysconfig.get_config_var('EXT_SUFFIX')} {sys.base_prefix}"


def base_python() -> str:
    """The interpreter outside of any environment: ours may be the one that is about to be replaced."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def lock_file(name: str) -> Path:
    """The lock of one set."""
    return ROOT / "requirements" / f"{name}.txt"


def digest(name: str) -> str:
    """Hash of one lock."""
    return hashlib.sha256(lock_file(name).read_bytes()).hexdigest()


def install(wanted: str) -> None:
    """Make the environment where it is absent or belongs to another Python, and install the set."""
    noted = {}
    with contextlib.suppress(OSError, ValueError):
        noted = json.loads(STAMP.read_text(encoding="utf-8"))
    STAMP.unlink(missing_ok=True)
    if noted.get("python") != identity():
        print(f"creating {VENV.name} with {base_python()}", flush=True)
        subprocess.run([base_python(), "-m", "venv", "--clear", str(VENV)], check=True)
    name = SETS[wanted][-1]  # the lock of `dev` holds the runtime set too
    print(f"installing {name} packages from requirements/{name}.txt", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    command += [
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-compile",
        "-r",
        str(lock_file(name)),
    ]
    subprocess.run(command, check=True)
    link_project()
    compile_all()
    sets = {name: digest(name) for name in SETS[wanted]}
    STAMP.write_text(json.dumps({"python": identity(), "sets": sets}, indent=1) + "\n", encoding="utf-8")


def packages_folder() -> Path:
    """Where the environment keeps its packages."""
    return next((VENV / "lib").glob("python*/site-packages"))


def link_project() -> None:
    """Make `import everline` and the command `everline` work, wherever the folder is moved to."""
    folder = packages_folder()
    relative = os.path.relpath(ROOT / "src", folder)
    folder.joinpath("everline.pth").write_text(relative + "\n", encoding="utf-8")
    script = VENV / "bin" / "everline"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)


def compile_all() -> None:
    """Byte-compile on all processors, so that an environment that writes no bytecode starts fast too."""
    folders = [str(packages_folder()), str(ROOT / "src")]
    command = [str(PYTHON), "-m", "compileall", "-q", "-q", "-j", "0", *folders]
    subprocess.run(command, check=False)  # some packages carry files for other Python versions


def compile_messages() -> None:
    """The compiled catalogues are not kept in the repository: make what is absent or stale."""
    for source in (ROOT / "src" / "everline" / "locale").glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            subprocess.run([str(PYTHON), str(ROOT / "tools" / "compile_messages.py")], check=True)
            return


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One installation at a time; the second waits and then finds it done."""
    with (ROOT / ".stamp-lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
