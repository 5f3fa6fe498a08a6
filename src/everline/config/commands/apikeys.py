"""`everline apikey`. Django is set up when this module is imported."""

import argparse
import sys
from collections.abc import Sequence

from django.db import connection
from django.db.utils import ProgrammingError
from django.utils import translation

from everline.accounts.scopes import RESOURCES
from everline.accounts.selectors import api_keys
from everline.accounts.services import create_api_key, ensure_default_brand, revoke_api_key
from everline.config.outcome import NO_TABLES, CommandError
from everline.core import clock
from everline.core.errors import DomainError

SCOPE_HELP = "what it may do: RESOURCE, RESOURCE:read or RESOURCE:write; give it again for more. Resources: "


def apikey(words: Sequence[str]) -> int:
    """`everline apikey create|list|revoke`: keys of the operator API. A secret is shown once."""
    chosen = _parser().parse_args(words)
    actions = {"create": _create, "list": _list, "revoke": _revoke}
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
    root = argparse.ArgumentParser("everline apikey", description=apikey.__doc__)
    actions = root.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print its secret")
    create.add_argument(
        "--scope", action="append", required=True, metavar="SCOPE", help=SCOPE_HELP + ", ".join(RESOURCES)
    )
    create.add_argument("--name", default="command line", help="what it is for (%(default)s)")
    create.add_argument(
        "--return-origin", action="append", default=[], metavar="ORIGIN", help="allowed for return_url"
    )
    actions.add_parser("list", help="show every key, without secrets")
    revoke = actions.add_parser("revoke", help="make a key worthless")
    revoke.add_argument("id", help="the key's id, apk_…")
    return root


def _create(chosen: argparse.Namespace) -> None:
    """The secret alone goes to standard output, for scripts; what it is goes to standard error."""
    made = create_api_key(
        name=chosen.name,
        scopes=[scope for text in chosen.scope for scope in text.split(",")],
        brand=ensure_default_brand(),
        allowed_return_origins=chosen.return_origin,
        now=clock.now(),
    )
    print(f"{made.key.id}  {made.key.name}  {', '.join(made.key.scopes)}", file=sys.stderr)
    print(made.secret)


def _list(chosen: argparse.Namespace) -> None:
    del chosen
    for key in api_keys():
        state = "revoked" if key.revoked_at is not None else "valid"
        made, scopes = f"{key.created_at:%Y-%m-%d}", ", ".join(key.scopes)
        print(f"{key.id}  {key.prefix}…  {state:7}  {made}  {key.name}  {scopes}")


def _revoke(chosen: argparse.Namespace) -> None:
    key = revoke_api_key(key_id=chosen.id, now=clock.now())
    print(f"{key.id} is revoked")
