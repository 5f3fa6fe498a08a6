"""`everline demo-orders`, once the installation is up. No Django: it is a customer of the shop."""

import argparse
from collections.abc import Sequence

from everline.config.demo.living import live_history
from everline.config.demo.shopper import Installation
from everline.config.supervisor import sign_ins, stack
from everline.config.supervisor.files import write_private
from everline.config.supervisor.options import read_options


def demo_orders(words: Sequence[str]) -> int:
    """`everline demo-orders`: give the demo customers a past: orders, periods, usage, where they have none.

    While it runs a note in the data folder says so: a start that finds the note sets the clock right first.
    """
    argparse.ArgumentParser("everline demo-orders", description=demo_orders.__doc__).parse_args(words)
    options = read_options()
    token = options.data_dir.joinpath("sandbox-token").read_text(encoding="utf-8").strip()
    installation = Installation(stack.local_url(options, options.port), stack.sandbox_url(options), token)
    note = options.data_dir / sign_ins.UNFINISHED
    broken_off = note.exists()
    write_private(note, "")
    bought = live_history(installation, sign_ins.read(options.data_dir), broken_off=broken_off)
    note.unlink()
    print(f"{bought} orders")
    return 0
