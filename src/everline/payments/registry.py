"""Which payment providers this installation has. The only place that knows where an adapter lives."""

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from everline.core.money import Money
from everline.payments.errors import AuthConfig, MethodUnavailable

if TYPE_CHECKING:
    from everline.payments.port import PaymentProvider

#: Short names of the providers that ship with the product; any other name is a dotted path to a factory
#: without arguments that returns a PaymentProvider.
BUILT_IN = {"sandbox": "everline.payments.providers.sandbox.adapter.build"}


def provider(name: str) -> "PaymentProvider":
    """The provider of this name.

    Raises:
        AuthConfig: it is not among the settings' providers (any more).
    """
    known = _load(tuple(settings.EVERLINE_PAYMENT_PROVIDERS))
    if name not in known:
        raise AuthConfig(name, "provider_not_configured")
    return known[name]


def providers() -> "dict[str, PaymentProvider]":
    """All providers by name, in the order of preference."""
    return dict(_load(tuple(settings.EVERLINE_PAYMENT_PROVIDERS)))


def choose_provider(method: str, amount: Money) -> str:
    """The first provider that takes this method for this amount.

    Raises:
        MethodUnavailable: none does.
    """
    for name, adapter in providers().items():
        if adapter.caps.takes(method, amount):
            return name
    raise MethodUnavailable


@lru_cache(maxsize=8)
def _load(names: tuple[str, ...]) -> "dict[str, PaymentProvider]":
    adapters = [import_string(BUILT_IN.get(name, name))() for name in names]
    return {adapter.caps.name: adapter for adapter in adapters}
