"""Django's own management commands, with a database where they want one."""

from collections.abc import Sequence

from django.core.management import execute_from_command_line

from everline.config.commands.setup import reachable

NO_DATABASE = {
    "help",
    "makemessages",
    "compilemessages",
    "collectstatic",
    "findstatic",
    "startapp",
    "diffsettings",
}


def manage(words: Sequence[str]) -> int:
    """Pass the words on to Django."""
    arguments = ["everline", *words]
    if words[0] in NO_DATABASE or {"-h", "--help"} & set(words):
        execute_from_command_line(arguments)
        return 0
    with reachable():
        execute_from_command_line(arguments)
    return 0
