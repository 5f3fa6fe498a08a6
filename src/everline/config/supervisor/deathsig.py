"""For the first lines of a server's entry module: a worker whose parent was killed must not serve on."""

from everline.config.supervisor.launch import die_with_parent

__all__ = ["die_with_parent"]
