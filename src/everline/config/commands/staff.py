"""`everline staff`. Django is set up when this module is imported."""

import argparse
import getpass
import sys
from collections.abc import Sequence

from django.db import connection
from django.db.utils import ProgrammingError
from django.utils import translation

from everline.accounts.roles import Role
from everline.accounts.selectors import staff_members
from everline.accounts.services.staffing import create_staff, reset_staff_factor
from everline.backoffice.roles import ensure_roles
from everline.config.outcome import NO_TABLES, CommandError
from everline.core import clock
from everline.core.errors import DomainError

ACTOR = "command line"


def staff(words: Sequence[str]) -> int:
    """`everline staff create|list|reset-factor`: who may enter the back office, and as what."""
    chosen = _parser().parse_args(words)
    actions = {"create": _create, "list": _list, "reset-factor": _reset}
    translation.activate("en")
    try:
        actions[chosen.action](chosen)
    except DomainError as error:
        raise CommandError(error.detail) from error
    except ProgrammingError as error:
        connection.close()
        raise CommandError(NO_TABLES) from error
    return 0


def _parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser("everline staff", description=staff.__doc__)
    actions = root.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a member of staff; the password is asked for")
    create.add_argument("--email", required=True, help="to sign in with")
    create.add_argument(
        "--role", required=True, choices=[str(role) for role in Role], help="what they may do"
    )
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    create.add_argument("--reason", default="made on the command line", help="kept in the audit")
    actions.add_parser("list", help="show the staff, their roles and whether they have a second factor")
    reset = actions.add_parser("reset-factor", help="let somebody enrol a new second factor")
    reset.add_argument("--email", required=True, help="whose")
    reset.add_argument("--reason", required=True, help="kept in the audit")
    return root


def _create(chosen: argparse.Namespace) -> None:
    ensure_roles()
    password = sys.stdin.readline().rstrip("\n") if chosen.password_stdin else getpass.getpass("Password: ")
    user = create_staff(
        email=chosen.email,
        password=password,
        role=Role(chosen.role),
        actor=ACTOR,
        reason=chosen.reason,
        now=clock.now(),
    )
    print(f"{user} may sign in at /backoffice/ as {chosen.role} and enrols a second factor there")


def _list(chosen: argparse.Namespace) -> None:
    del chosen
    for person in staff_members():
        state = "active" if person.active else "closed"
        factor = "second factor" if person.factor else "no second factor yet"
        print(f"{person.email}  {', '.join(person.roles) or 'no role'}  {state}  {factor}")


def _reset(chosen: argparse.Namespace) -> None:
    user = reset_staff_factor(email=chosen.email, actor=ACTOR, reason=chosen.reason, now=clock.now())
    print(f"{user} enrols a new second factor at the next sign-in")
