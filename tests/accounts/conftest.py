from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from everline.accounts import services
from everline.accounts.models import Brand, Customer
from everline.accounts.types import Actor, Device
from everline.core import clock
from everline.notifications.models import Message

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


def newest_code(to: str) -> str:
    """Let the codes that were asked for be made, and read the newest one sent to an address."""
    services.send_codes(clock.now())
    mine = Message.objects.filter(to=to, private__has_key="code")
    return str(mine.latest("id").private["code"])


def notices(to: str | None = None) -> list[str]:
    """The events that security notices told of, oldest first."""
    told = Message.objects.filter(kind="security_notice").order_by("created_at", "id")
    return [each.context["event"] for each in told if to in {None, each.to}]


def other_than(code: str) -> str:
    """Six digits that are not these."""
    return f"{(int(code) + 1) % 10**6:06}"


HOME = Device(address="192.0.2.1", label="Chrome · Windows", country="DE")


def actor_for(customer: Customer, **changes: object) -> Actor:
    """The customer, who has proved themselves just now."""
    values = {"user_id": customer.user_id, "authenticated_at": clock.now(), "device": HOME, **changes}
    return Actor(**values)  # type: ignore[arg-type]


@pytest.fixture
def verified(register: Callable[..., Customer]) -> Customer:
    """A customer with a proved e-mail address and a proved number."""
    customer = register(phone="+8613800138000")
    Customer.objects.filter(pk=customer.pk).update(
        email_verified_at=clock.now(), phone_verified_at=clock.now()
    )
    customer.refresh_from_db()
    return customer
