"""For the first lines of a server's entry module: a worker whose parent was killed must not serve on."""

import signal

from everline.config.supervisor.launch import die_with_parent


def arm() -> None:
    """End this process at once when the process that spawned it ends; an orphan would keep the port."""
    die_with_parent(signal.SIGKILL)
