"""Shop fronts by host name: how a name is written, and what a process remembers of who has which.

Every request of a visitor asks which brand its host belongs to, and a host that no setting knows is looked up
here before Django accepts it. The answer is remembered for two seconds of the machine's time in each process:
a changed brand is seen everywhere within that, at once where it was changed, and a flood of strange hosts
costs one small statement every two seconds.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

REMEMBERED_SECONDS = 2.0
MOST_DOMAINS = 10
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_LINK = re.compile(r"(?:https://[a-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!-~]*)?|mailto:[!-~]+@[a-z0-9.-]+)")
_UNSAFE = re.compile(r"[\"'<>\\^`{|}]")
_LONGEST_LINK = 200

T = TypeVar("T")


class Remembered(Generic[T]):
    """One value, asked for anew when it is older than two seconds; threads may ask at the same time."""

    def __init__(self) -> None:
        self._known: tuple[float, Mapping[str, T]] | None = None

    def get(self, ask: Callable[[], Mapping[str, T]]) -> Mapping[str, T]:
        """The value, from `ask` where it is too old."""
        known = self._known
        if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        at = time.monotonic()
        found = ask()
        self._known = (at, found)
        return found

    def forget(self) -> None:
        """Ask anew next time."""
        self._known = None


def host_name(host: str) -> str:
    """The name in a Host header, without port and final dot, in lower case."""
    return host.strip().lower().partition(":")[0].rstrip(".")


def is_domain(text: str) -> bool:
    """Whether this is a host name of at least two labels, in lower case, no address and no port."""
    return bool(_HOST.fullmatch(text))


def is_link(text: str) -> bool:
    """Whether this may stand as a link on pages and in mails: an https or mailto address, and harmless."""
    return len(text) <= _LONGEST_LINK and bool(_LINK.fullmatch(text)) and not _UNSAFE.search(text)
