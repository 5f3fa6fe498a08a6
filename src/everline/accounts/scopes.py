"""What an operator key may do: `resource` (all of it), `resource:read`, `resource:write` (reads too)."""

from collections.abc import Iterable

from everline.accounts.errors import ScopeUnknown

#: The resources of the operator API (contract).
RESOURCES: tuple[str, ...] = (
    "customers",
    "lines",
    "plans",
    "orders",
    "refunds",
    "disputes",
    "usage-records",
    "tickets",
    "announcements",
    "suppliers",
    "audit-log",
    "webhook-endpoints",
)
_ACTIONS = {"", "read", "write"}


def checked(scopes: Iterable[str]) -> list[str]:
    """The scopes, sorted, each once.

    Raises:
        ScopeUnknown: one does not exist.
    """
    wanted = sorted(set(scopes))
    for scope in wanted:
        resource, colon, action = scope.partition(":")
        if resource not in RESOURCES or action not in _ACTIONS or (colon and not action):
            raise ScopeUnknown(scope=scope, known=", ".join(RESOURCES))
    return wanted


def covers(granted: Iterable[str], scope: str) -> bool:
    """Whether one of the granted scopes allows what `scope` asks for."""
    resource, _, action = scope.partition(":")
    sufficient = {resource, f"{resource}:write"}
    if action == "read":
        sufficient.add(f"{resource}:read")
    return not sufficient.isdisjoint(granted)
