"""Programs that do their work and end: preparing the databases, the demonstration's first orders."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from everline.config import static
from everline.config.supervisor import databases, sign_ins, stack
from everline.config.supervisor.child import Child, Program
from everline.config.supervisor.options import Options


class OneShots:
    """Runs such programs side by side. `pause` waits a moment and raises when a stop is asked for."""

    def __init__(self, logs: Path, pause: Callable[[], None]) -> None:
        self.running: list[Child] = []
        self._logs = logs
        self._pause = pause

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[Child, int]]:
        """Start them all; yields each with its status as it ends."""
        self.running = [Child(program, self._logs) for program in programs]
        for child in self.running:
            child.start()
        while self.running:
            self._pause()
            for child in list(self.running):
                if (status := child.check()) is not None:
                    self.running.remove(child)
                    yield child, status


def preparations_needed(options: Options) -> list[Program]:
    """What migrates and loads demo data, for databases whose stamp is not today's; what collects files."""
    needed = [] if static.root(options.data_dir) else [stack.static_files(options)]
    for program, url, demo in stack.preparations(options):
        signs_in = not demo or sign_ins.known(options.data_dir)
        if not signs_in or databases.stamp(url) != databases.fingerprint(demo):
            needed.append(program)
    return needed
