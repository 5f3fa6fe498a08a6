"""What API tests hold in their hands: a client that speaks JSON, and a shop to talk about."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from django.apps import apps
from django.http import HttpResponse
from django.test import Client

from everline.accounts.models import AccessToken, Brand, Customer, User
from everline.accounts.services import ensure_default_brand
from everline.accounts.tokens import new_token
from everline.catalog.models import PlanVersion
from everline.catalog.services import create_plan, publish_version, save_operators
from everline.catalog.specs import BenefitSpec, PriceSpec, VersionSpec
from everline.catalog.terms import Term
from everline.catalog.types import OperatorView, Text
from everline.core import clock, ids
from everline.lines.access import lock_lines
from everline.lines.models import Line
from everline.lines.services import create_line
from everline.usage import selectors as usage
from everline.usage import services as usage_services
from everline.usage.services import OpenOrder

_NUMBERS = count(1)
PROBLEM = "application/problem+json"


class Api:
    """Calls the API as a program would, with one caller's token."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self._client = Client(raise_request_exception=False)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        **environ: Any,
    ) -> HttpResponse:
        sent = {"Accept-Language": "en", **(headers or {})}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        full = path if path.startswith(("/api", "/webhooks", "/_")) else f"/api/v1{path}"
        return self._client.generic(method, full, data, content_type, headers=sent, **environ)

    def get(self, path: str, **more: Any) -> HttpResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> HttpResponse:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> HttpResponse:
        return self.call("PATCH", path, body, **more)

    def delete(self, path: str, **more: Any) -> HttpResponse:
        return self.call("DELETE", path, **more)


@dataclass
class World:
    """A shop with one brand; people, lines and plans are made as tests need them."""

    brand: Brand = field(default_factory=ensure_default_brand)

    def __post_init__(self) -> None:
        save_operators(
            operators=[
                ("JP", OperatorView("44010", "NTT docomo", "4G/5G")),
                ("KR", OperatorView("45005", "SK Telecom", "4G/5G")),
            ]
        )

    def customer(self, **settings: Any) -> Customer:
        values = {"locale": "en", "timezone": "Asia/Shanghai", "currency": "USD", **settings}
        user = User(email=f"ann{next(_NUMBERS)}@example.com")
        user.set_password("quiet-lantern-42")
        user.save()
        return Customer.objects.create(user=user, brand=self.brand, created_at=clock.now(), **values)

    def signed_in(self, customer: Customer | None = None, **settings: Any) -> tuple[Api, Customer]:
        """A customer and a client with a token of theirs."""
        customer = customer or self.customer(**settings)
        token, token_hash = new_token()
        now = clock.now()
        AccessToken.objects.create(
            token_hash=token_hash,
            customer=customer,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(days=90),
        )
        return Api(token), customer

    def line(self, customer: Customer, **profile: Any) -> Line:
        number = next(_NUMBERS)
        values = {
            "iccid": f"8988211{number:012d}",
            "msisdn": f"+4179{number:07d}",
            "smdp_address": "smdp.example",
            "matching_id": "ABC-123",
            "apn": "everline",
            **profile,
        }
        return create_line(customer_id=customer.id, profile=values, label="Holiday", now=clock.now())

    def plan(self, unit: str = "month", times: int = 1, amount: int = 1999, **changes: Any) -> PlanVersion:
        number = next(_NUMBERS)
        values: dict[str, Any] = {
            "name": Text(f"Japan {number}", f"日本 {number}"),
            "summary": Text("Japan for you.", "日本任你行。"),
            "hotspot": Text("Hotspot allowed.", "可开热点。"),
            "term": Term(unit, times),
            "data_bytes": 5 * 10**9,
            "voice_seconds": 600,
            "sms_count": 0,
            "supplier_code": "JP-5",
            "prices": (
                PriceSpec("USD", amount),
                PriceSpec("EUR", amount, tax_bp=1900),
                PriceSpec("CNY", amount * 7),
            ),
            "networks": (("JP", "44010"),),
            "benefits": (
                BenefitSpec("call_discount", Text("20 % off calls", "通话八折"), 20, "mainland_china"),
            ),
            **changes,
        }
        plan = create_plan(slug=f"plan-{number}", now=clock.now())
        return publish_version(plan=plan, spec=VersionSpec(**values), now=clock.now())

    def serve(self, line: Line, version: PlanVersion, quantity: int = 1) -> str:
        """Service as a fulfilled order gives it; returns the id of that order, which was never placed."""
        now = clock.now()
        lock_lines([line.pk])
        schedule = usage.schedules([line.pk], now)[line.pk]
        order = ids.new_id("ord")
        usage_services.open_periods([OpenOrder(order, line.pk, version, quantity, schedule)], now)
        line.refresh_from_db()
        return order


def rows_of_business() -> dict[str, int]:
    """How many rows each table holds, but for counters of tries and the outside's own tables."""
    rooms = {"accounts", "catalog", "lines", "usage", "payments", "orders", "notifications", "suppliers"}
    found = {
        model._meta.label: model._default_manager.using("default").count()
        for model in apps.get_models()
        if model._meta.app_label in rooms
    }
    found["core.idempotency"] = apps.get_model("core", "IdempotencyRecord").objects.count()
    found["core.inbox"] = apps.get_model("core", "InboxHint").objects.count()
    return found


def refusal(response: HttpResponse) -> tuple[int, str]:
    """Status and code of a problem document that has all it must have."""
    assert response["Content-Type"] == PROBLEM, (response.status_code, response.content[:500])
    document = response.json()  # type: ignore[attr-defined]
    assert document["status"] == response.status_code
    assert document["request_id"] == response["X-Request-Id"]
    assert document["type"].endswith(document["code"])
    assert document["title"]
    assert document["detail"]
    return response.status_code, document["code"]


def faulty_fields(response: HttpResponse) -> dict[str, str]:
    """The fields a refusal names, with their codes."""
    return {each["field"]: each["code"] for each in response.json()["errors"]}  # type: ignore[attr-defined]
