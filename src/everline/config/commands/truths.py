"""`everline check`. Django is set up when this module is imported."""

import argparse
from collections.abc import Sequence

from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.utils import ProgrammingError
from psycopg import errors

from everline.config.outcome import NO_TABLES, CommandError
from everline.core import clock, invariants


def check(words: Sequence[str]) -> int:
    """`everline check`: Django's system checks, then every invariant of every room; exit 1 with the list."""
    arguments = argparse.ArgumentParser("everline check", description=check.__doc__)
    arguments.add_argument("--deploy", action="store_true", help="with the checks for a public installation")
    try:
        call_command("check", deploy=arguments.parse_args(words).deploy)
    except SystemCheckError as error:
        print(error)
        return 1
    try:
        results = invariants.run_all(clock.now())
    except ProgrammingError as error:
        connection.close()
        if isinstance(error.__cause__, errors.UndefinedTable | errors.UndefinedColumn):
            raise CommandError(NO_TABLES) from error
        raise
    broken = {name: violations for name, violations in results.items() if violations}
    for name, violations in broken.items():
        for violation in violations:
            print(f"{name}: {violation}")
    print(f"{len(results)} invariants, {len(broken)} broken")
    return 1 if broken else 0
