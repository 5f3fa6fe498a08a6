"""What each role may do. Permissions stand in Django's groups; this table is where they come from."""

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from everline.accounts.roles import Role

#: Records that only owners open: who may do what, and what programs may do.
OWNERS_ONLY = frozenset(
    {"accounts.view_user", "accounts.view_apikey", "mfa.view_authenticator", "auth.view_group"}
)
#: Everything else of these apps can be looked at by every role.
APPS = frozenset(
    {
        "account",
        "accounts",
        "auth",
        "catalog",
        "core",
        "lines",
        "mfa",
        "notifications",
        "orders",
        "payments",
        "procrastinate",
        "suppliers",
        "support",
        "usage",
    }
)

_LOOK = frozenset({"find", "see_figures"})
_DESK = _LOOK | {
    "cancel_order",
    "check_attempt",
    "retry_fulfilment",
    "replay_inbox",
    "retry_delivery",
    "resend_confirmation",
    "manage_case",
    "end_sessions",
    "block_customer",
    "write_note",
}
_BOOKS = _LOOK | {"check_attempt", "replay_inbox", "manage_case", "write_note"}

ACTIONS: Mapping[Role, frozenset[str]] = {
    Role.VIEWER: _LOOK,
    Role.SUPPORT: _DESK,
    Role.FINANCE: _BOOKS,
    Role.OWNER: _DESK | {"manage_api_keys", "manage_staff"},
}


@transaction.atomic
def ensure_roles() -> None:
    """Give every role's group exactly the permissions of the table; to be run after migrations."""
    everything = list(Permission.objects.select_related("content_type"))
    for role in Role:
        group = Group.objects.get_or_create(name=str(role))[0]
        group.permissions.set(_of(role, everything))


def _of(role: Role, everything: Iterable[Permission]) -> list[Permission]:
    return [each for each in everything if _is_for(role, each.content_type.app_label, each.codename)]


def _is_for(role: Role, app: str, codename: str) -> bool:
    if app == "backoffice":
        return codename in ACTIONS[role]
    name = f"{app}.{codename}"
    if not codename.startswith("view_") or app not in APPS:
        return False
    return role == Role.OWNER or name not in OWNERS_ONLY
