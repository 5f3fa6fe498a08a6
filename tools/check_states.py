"""States move only through core.states: refuse assignments and updates of state fields anywhere else.

usage: python tools/check_states.py [SRC_PACKAGE_DIR]
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

#: Fields that have a machine.
FIELDS = {"status", "service_state", "profile_state"}
#: `state` is a machine's field on the models of these rooms only.
STATE_ROOMS = {"usage", "notifications"}
#: The mechanism itself; HTTP statuses, which are no states; the outside world, which has no machines of ours.
EXEMPT = ("core/states.py", "core/idempotency.py", "sandbox/")


def violations(path: Path, room: str) -> Iterator[str]:
    """One line for each assignment to a state field in a file."""
    fields = FIELDS | ({"state"} if room in STATE_ROOMS else set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr in fields:
                yield f"{path}:{node.lineno}: .{target.attr} is assigned; use core.states.transition"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            for keyword in node.keywords:
                if keyword.arg in fields:
                    yield f"{path}:{node.lineno}: .update({keyword.arg}=…); use core.states.transition_many"


def main(arguments: list[str]) -> int:
    """Print every violation; 1 when there is one."""
    source = Path(arguments[0] if arguments else "src/everline")
    found = [
        line
        for path in sorted(source.rglob("*.py"))
        if not path.relative_to(source).as_posix().startswith(EXEMPT) and "migrations" not in path.parts
        for line in violations(path, path.relative_to(source).parts[0])
    ]
    print("\n".join(found) if found else "states: every move goes through core.states")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
