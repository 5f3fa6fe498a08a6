"""Becomes another program, after the few system calls a supervised child needs.

Run as a script in front of every child:
``python -I -S launch.py [--deathsig N --parent PID] [--drop namespace|account] -- program args…``
It stands alone (standard library only, no imports of Everline) so that it starts in some 20 ms, and it
replaces `preexec_fn`, which is unsafe beside threads and hides its errors.

Exit status before the program starts: 71 when the privileges of root could not be given up, 127 when the
program cannot be executed; the reason is on stderr.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CLONE_NEWUSER = 0x10000000
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
INSIDE_ID = 1000
EXIT_PRIVILEGES = 71
EXIT_NO_PROGRAM = 127


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def die_with_parent(number: int = signal.SIGTERM, parent: int | None = None) -> None:
    """Have the kernel send us `number` when our parent's spawning thread ends, even by SIGKILL.

    Linux only, elsewhere it does nothing. `parent` is the pid expected as parent: if that process has
    already gone, the signal is raised here at once.
    """
    if not sys.platform.startswith("linux"):
        return
    _checked(_libc().prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if parent is not None and os.getppid() != parent:
        signal.raise_signal(number)


def enter_user_namespace() -> None:
    """Stop being uid 0 in our own eyes while every file stays the caller's: PostgreSQL refuses root.

    A user namespace in which the caller is uid 1000 needs no other account and no change of ownership.
    """
    uid, gid = os.geteuid(), os.getegid()
    _checked(_libc().unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {gid} 1", encoding="ascii")


def unprivileged_account() -> tuple[int, int]:
    """Uid and gid for the server where user namespaces are forbidden: `postgres`, `nobody`, or 65534."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def become_unprivileged_account() -> None:
    """Change to another account, keeping only the capability to pass through root's own folders.

    For containers whose seccomp profile forbids user namespaces. The server's own folders must belong to
    that account.
    """
    libc = _libc()
    uid, gid = unprivileged_account()
    _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    wanted = 1 << CAP_DAC_OVERRIDE
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    _checked(
        libc.capset(header, struct.pack("6I", wanted, wanted, wanted, 0, 0, 0)), "capset(CAP_DAC_OVERRIDE)"
    )
    _checked(
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "prctl(PR_CAP_AMBIENT)"
    )


PRIVILEGE_DROPS: dict[str, Callable[[], None]] = {
    "namespace": enter_user_namespace,
    "account": become_unprivileged_account,
}


def main(arguments: Sequence[str]) -> None:
    """Parse `[--deathsig N] [--drop namespace|account] -- program args…` and become the program."""
    options = list(arguments[: arguments.index("--")])
    program = list(arguments[arguments.index("--") + 1 :])
    values = dict(zip(options[::2], options[1::2], strict=True))
    with contextlib.suppress(PermissionError):  # already the leader of a session: nothing to do
        os.setsid()
    if drop := values.get("--drop"):
        try:
            PRIVILEGE_DROPS[drop]()
        except OSError as error:
            sys.stderr.write(f"cannot give up root's privileges ({drop}): {error}\n")
            raise SystemExit(EXIT_PRIVILEGES) from error
    if number := values.get("--deathsig"):  # after the change of credentials, which clears it
        die_with_parent(int(number), parent=int(values["--parent"]))
    try:
        os.execvp(program[0], program)  # noqa: S606 — becoming the program is the whole purpose
    except OSError as error:
        sys.stderr.write(f"cannot start {program[0]}: {error}\n")
        raise SystemExit(EXIT_NO_PROGRAM) from error


if __name__ == "__main__":
    main(sys.argv[1:])
