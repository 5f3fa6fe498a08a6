"""`everline run`."""

import argparse
import signal
from collections.abc import Sequence

from everline.config.supervisor.launch import die_with_parent
from everline.config.supervisor.options import read_options
from everline.config.supervisor.supervisor import Supervisor, speak

HELP = "Start PostgreSQL (unless EVERLINE_DATABASE_URL is set), web, worker and, in sandbox mode, sandbox."


def run(words: Sequence[str]) -> int:
    """`everline run`: everything under one supervisor, until Ctrl-C or SIGTERM."""
    arguments = argparse.ArgumentParser("everline run", description=HELP)
    arguments.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")
    if arguments.parse_args(words).with_parent:
        die_with_parent(signal.SIGTERM)
    return Supervisor(read_options(), speak).run()
