"""`everline demo-orders`, after the installation is up. No Django: it is a customer of the shop."""

import argparse
from collections.abc import Sequence

from everline.config.demo.first_orders import buy_first_service
from everline.config.demo.shopper import Installation
from everline.config.supervisor import sign_ins, stack
from everline.config.supervisor.options import read_options


def demo_orders(words: Sequence[str]) -> int:
    """`everline demo-orders`: each demo customer buys service for their lines, where they have none."""
    argparse.ArgumentParser("everline demo-orders", description=demo_orders.__doc__).parse_args(words)
    options = read_options()
    token = options.data_dir.joinpath("sandbox-token").read_text(encoding="utf-8").strip()
    installation = Installation(stack.local_url(options, options.port), stack.sandbox_url(options), token)
    bought = buy_first_service(installation, sign_ins.read(options.data_dir))
    print(f"{bought} orders")
    return 0
