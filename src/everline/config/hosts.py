"""The host names under which the shop answers: those of the settings, and the domains of its brands."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from urllib.parse import urlsplit

from django.utils.module_loading import import_string


class Hosts(list[str]):
    """A value for ALLOWED_HOSTS that also holds what the brands' table says at the moment.

    Django asks with `any(…)`: the table is only looked at for a host that the settings do not know, and then
    through the memory of `accounts.fronts`. The rooms are not there yet when the settings are read, so the
    question is named by its dotted path.
    """

    def __init__(self, known: Iterable[str], more: str) -> None:
        super().__init__(known)
        self._path = more

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from self._more()

    @cached_property
    def _more(self) -> Callable[[], list[str]]:
        asked: Callable[[], list[str]] = import_string(self._path)
        return asked


def known_hosts(wanted: Iterable[str], public_url: str) -> list[str]:
    """The hosts of the settings and that of the address which customers use, each once."""
    own = urlsplit(public_url).hostname or ""
    return list(dict.fromkeys([*wanted, *([f"[{own}]" if ":" in own else own] if own else [])]))
