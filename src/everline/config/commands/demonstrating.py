"""`everline demo`. A module of its own: the supervisor needs no HTTP client."""

import argparse
import signal
from collections.abc import Sequence

from everline.config.demo import story
from everline.config.supervisor.launch import die_with_parent

HELP = "Start a throw-away installation on free ports, renew one line over HTTP, check every invariant, stop."


def demo(words: Sequence[str]) -> int:
    """`everline demo`: exit 0 only if the order is fulfilled and every invariant holds."""
    arguments = argparse.ArgumentParser("everline demo", description=HELP)
    arguments.add_argument(
        "--keep", action="store_true", help="leave the data folder, for a look at its logs"
    )
    arguments.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")
    chosen = arguments.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything is stopped and removed
    if chosen.with_parent:
        die_with_parent(signal.SIGTERM)
    return story.run(keep=chosen.keep)
