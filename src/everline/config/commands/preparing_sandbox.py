"""`everline prepare-sandbox`, under the sandbox's own settings: nothing of the shop may be imported."""

import argparse
from collections.abc import Sequence

from django.core.management import call_command

from everline.config.supervisor import databases
from everline.config.supervisor.options import read_options


def prepare_sandbox(words: Sequence[str]) -> int:
    """`everline prepare-sandbox`: what `prepare` is for the shop, under the sandbox's settings."""
    argparse.ArgumentParser("everline prepare-sandbox", description=prepare_sandbox.__doc__).parse_args(words)
    with databases.alone(read_options().sandbox_database) as lock:
        call_command("migrate", interactive=False, verbosity=0)
        databases.set_stamp(lock, databases.fingerprint(demo=False))
    return 0
