from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from everline.accounts import services
from everline.accounts.models import Brand, Customer
from everline.core import clock

PASSWORD = "quiet-lantern-42"


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def brand(db: None) -> Brand:
    return services.ensure_default_brand()


@pytest.fixture
def register(brand: Brand) -> Callable[..., Customer]:
    """Register somebody and give back the row that was made."""

    def make(email: str | None = "li@example.com", **wishes: object) -> Customer:
        values = {"password": PASSWORD, "now": clock.now(), **wishes}
        profile = services.register_customer(brand=brand, email=email, **values)  # type: ignore[arg-type]
        return Customer.objects.select_related("user", "brand").get(id=profile.id)

    return make


@pytest.fixture
def move_clock() -> Callable[[timedelta], datetime]:
    """Put the business clock forward or back; returns the new time."""

    def move(by: timedelta) -> datetime:
        clock.set_offset(clock.offset() + by)
        return clock.now()

    return move
