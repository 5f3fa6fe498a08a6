"""The console script `everline`. Commands live in `everline.config.commands`, one module per family.

This module and the table below are all that is imported before a command is chosen, so that the supervisor
and `--help` stay small and quick. What is not in the table is one of Django's management commands.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from everline.config.outcome import CommandError
from everline.config.supervisor.errors import StartError

EXIT_FAILED = 1
EXIT_UNUSABLE = 2
INTERRUPTED = 130


@dataclass(frozen=True)
class Command:
    """A line of the table: where the function stands, what it does, and whether it works on the database.

    One that only `looks` makes no data folder and no server in it.
    """

    module: str
    function: str
    help: str
    database: bool = False
    looks: bool = False


#: A registry by dotted path: importing all commands would cost every process Django and the HTTP clients, and
#: those that use the rooms can only be imported once Django is set up.
COMMANDS = {
    "run": Command("running", "run", "start everything under one supervisor; Ctrl-C stops it"),
    "demo": Command("demonstrating", "demo", "renew one line end to end on a throw-away installation"),
    "serve": Command("servers", "serve", "the web server alone"),
    "worker": Command("servers", "worker", "the job worker alone"),
    "sandbox": Command("servers", "sandbox", "the sandbox alone (payment page, supplier, mail)"),
    "migrate": Command("preparing", "migrate", "bring the database up to date", database=True),
    "demo-data": Command("preparing", "demo_data", "load the demo data; may be repeated", database=True),
    "prepare": Command("preparing", "prepare", "migrate and load demo data where needed", database=True),
    "prepare-sandbox": Command(
        "preparing_sandbox", "prepare_sandbox", "the same for the sandbox", database=True
    ),
    "prepare-static": Command("preparing_static", "prepare_static", "collect and compress the static files"),
    "demo-orders": Command(
        "preparing_orders", "demo_orders", "buy first service for the demo lines, over HTTP"
    ),
    "check": Command(
        "truths",
        "check",
        "system checks and every invariant; exit 1 with the list",
        database=True,
        looks=True,
    ),
    "doctor": Command("health", "doctor", "look at this installation and say what to fix"),
    "apikey": Command("apikeys", "apikey", "create, list and revoke operator keys", database=True),
    "staff": Command("staff", "staff", "create and list staff, reset a second factor", database=True),
    "clock": Command("clocks", "clock", "show the business clock, move it in sandbox mode"),
}
SETUP = "everline.config.commands.setup"

DESCRIPTION = (
    "Everline, an open eSIM carrier. Settings come from the environment; docs/self-hosting.md lists them."
)
EPILOG = "Any other command is one of Django's: `everline help` lists them, `everline shell` opens a console."


def parser() -> argparse.ArgumentParser:
    """The parser of our own commands."""
    root = argparse.ArgumentParser("everline", description=DESCRIPTION, epilog=EPILOG)
    commands = root.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, add_help=False)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 it failed, 2 it cannot work like this."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "everline.config.settings")
    try:
        if words and words[0] not in COMMANDS and not words[0].startswith("-"):
            return _run(Command("management", "manage", ""), words)
        chosen = parser().parse_args(words[:1] or ["--help"])
        return _run(COMMANDS[chosen.command], words[1:])
    except (ImproperlyConfigured, StartError) as error:
        sys.stderr.write(f"everline: {error}\n")
        return EXIT_UNUSABLE
    except CommandError as error:
        sys.stderr.write(f"everline: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(command: Command, words: Sequence[str]) -> int:
    if not command.database:
        return _function(command)(words)
    setup = importlib.import_module(SETUP)
    asks = bool({"-h", "--help"} & set(words))
    with setup.configured() if asks else setup.connected(existing=command.looks):
        return _function(command)(words)


def _function(command: Command) -> Callable[[Sequence[str]], int]:
    module = importlib.import_module(f"everline.config.commands.{command.module}")
    function: Callable[[Sequence[str]], int] = getattr(module, command.function)
    return function
