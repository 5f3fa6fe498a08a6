"""Which suppliers this installation has. The only place that knows where an adapter lives."""

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from everline.suppliers.errors import AuthConfig

if TYPE_CHECKING:
    from everline.suppliers.port import ConnectivitySupplier

#: Short names of the suppliers that ship with the product; any other name is a dotted path to a factory
#: without arguments that returns a ConnectivitySupplier.
BUILT_IN = {"simulator": "everline.suppliers.adapters.simulator.adapter.build"}


def supplier(name: str) -> "ConnectivitySupplier":
    """The supplier of this name.

    Raises:
        AuthConfig: it is not among the settings' suppliers (any more).
    """
    known = _load(tuple(settings.EVERLINE_SUPPLIERS))
    if name not in known:
        raise AuthConfig(name, "supplier_not_configured")
    return known[name]


def suppliers() -> "dict[str, ConnectivitySupplier]":
    """All suppliers by name, in the order of preference."""
    return dict(_load(tuple(settings.EVERLINE_SUPPLIERS)))


def default_supplier() -> str:
    """The name of the supplier that new orders go to: the first of the settings."""
    return next(iter(_load(tuple(settings.EVERLINE_SUPPLIERS))))


@lru_cache(maxsize=8)
def _load(names: tuple[str, ...]) -> "dict[str, ConnectivitySupplier]":
    adapters = [import_string(BUILT_IN.get(name, name))() for name in names]
    return {adapter.caps.name: adapter for adapter in adapters}
