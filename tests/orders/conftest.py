from collections.abc import Iterator
from typing import Any

import pytest

from everline.payments import registry as payments
from everline.suppliers import registry as suppliers
from tests.orders.shop import Shop
from tests.payments import fakes as provider_fakes
from tests.suppliers import fakes as supplier_fakes


@pytest.fixture
def shop(settings: Any) -> Iterator[Shop]:
    """A shop whose provider and supplier live in memory; every truth holds when a test has ended."""
    settings.EVERLINE_PAYMENT_PROVIDERS = ["tests.payments.fakes.build"]
    settings.EVERLINE_SUPPLIERS = ["tests.suppliers.fakes.build"]
    settings.EVERLINE_PUBLIC_URL = "http://localhost:8000"
    provider_fakes.Current.provider = provider_fakes.FakeProvider()
    supplier_fakes.Current.supplier = supplier_fakes.FakeSupplier()
    payments._load.cache_clear()
    suppliers._load.cache_clear()
    yield Shop(provider_fakes.Current.provider, supplier_fakes.Current.supplier)
    payments._load.cache_clear()
    suppliers._load.cache_clear()
