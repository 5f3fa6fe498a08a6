from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from everline.accounts.models import Brand, Customer, User
from everline.lines.models import Line
from everline.lines.services import create_line

NOW = datetime(2027, 1, 10, 9, 30, tzinfo=UTC)
_NUMBERS = count(1)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def customer(db: None) -> Callable[[], Customer]:
    def make() -> Customer:
        brand, _ = Brand.objects.get_or_create(
            id="leb",
            defaults={
                "name_en": "leb card",
                "name_zh": "leb卡",
                "order_prefix": "LEB",
                "default_currency": "USD",
                "mail_from": "hello@leb.example",
                "support_email": "help@leb.example",
            },
        )
        user = User.objects.create(email=f"li{next(_NUMBERS)}@example.com")
        return Customer.objects.create(
            user=user, brand=brand, locale="zh-hans", timezone="Asia/Shanghai", currency="USD", created_at=NOW
        )

    return make


@pytest.fixture
def profile() -> Callable[..., dict[str, Any]]:
    def make(**fields: Any) -> dict[str, Any]:
        number = next(_NUMBERS)
        return {
            "iccid": f"8988211{number:012d}",
            "msisdn": f"88299{number:08d}",
            "eid": None,
            "smdp_address": "smdp.example.com",
            "matching_id": "ABC-123",
            "confirmation_code": None,
            "apn": "everline",
            "state": "released",
            **fields,
        }

    return make


@pytest.fixture
def line(customer: Callable[[], Customer], profile: Callable[..., dict[str, Any]]) -> Callable[..., Line]:
    def make(**fields: Any) -> Line:
        made = create_line(customer_id=customer().pk, profile=profile(), now=NOW)
        Line.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
        return made

    return make
