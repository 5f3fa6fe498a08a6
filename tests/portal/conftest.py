"""A small shop behind the pages: people, lines, plans on sale, and a bank that does as told."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from everline.accounts import services as accounts
from everline.accounts.models import Customer, User
from everline.catalog.models import PlanVersion
from everline.catalog.services import create_plan, publish_version, save_operators
from everline.catalog.specs import BenefitSpec, FairUseSpec, PriceSpec, VersionSpec
from everline.catalog.terms import Term
from everline.catalog.types import OperatorView, Text
from everline.core import clock
from everline.core.ids import new_id
from everline.lines.access import lock_lines
from everline.lines.models import Line
from everline.lines.services import create_line
from everline.orders.models import Order
from everline.orders.services import placing, quoting
from everline.payments import registry
from everline.usage import selectors as usage
from everline.usage.services import OpenOrder, open_periods
from tests.portal import bank as banking

PASSWORD = "quiet-lantern-42"
GB = 10**9
_NUMBERS = count(1)


class Page(HTMLParser):
    """What a page says: its words, forms with their fields, links, and anything a strict policy forbids."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.html = response.content.decode()
        self.text = ""
        self.language = ""
        self.title = ""
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []
        self.forbidden: list[str] = []
        self._open: list[str] = []
        self.feed(self.html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._open.append(tag)
        if tag == "html":
            self.language = values.get("lang", "")
        if tag == "a":
            self.links.append(values.get("href", ""))
        if tag == "form":
            self.forms.append(
                {"action": values.get("action", ""), "method": values.get("method", "get"), "fields": {}}
            )
        if tag in {"input", "button", "select"} and "name" in values and self.forms:
            fields = self.forms[-1]["fields"]
            if values.get("type") not in {"radio", "submit"} or "checked" in values:
                fields[values["name"]] = values.get("value", "")
        inline = tag == "style" or (tag == "script" and "src" not in values)
        if inline or "style" in values or any(name.startswith("on") for name in values):
            self.forbidden.append(self.get_starttag_text() or tag)

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["title"] and not self.title:
            self.title = data
        self.text += f" {data}"

    def form(self, action: str) -> dict[str, str]:
        """The values that the form with this target would send."""
        found = [form for form in self.forms if form["action"] == action and form["method"] == "post"]
        assert len(found) == 1, (action, self.forms)
        return dict(found[0]["fields"])


class Shop:
    """Makes what pages show."""

    def __init__(self) -> None:
        self.brand = accounts.ensure_default_brand()
        save_operators(
            operators=[
                ("JP", OperatorView("44010", "NTT docomo", "4G/5G")),
                ("KR", OperatorView("45005", "SK Telecom", "5G")),
            ]
        )

    def customer(
        self, locale: str = "en", timezone: str = "Asia/Shanghai", currency: str = "USD"
    ) -> Customer:
        user = User.objects.create_user(f"ann{next(_NUMBERS)}@example.com", PASSWORD)
        return Customer.objects.create(
            user=user,
            brand=self.brand,
            locale=locale,
            timezone=timezone,
            currency=currency,
            created_at=clock.now(),
        )

    def line(self, customer: Customer, label: str = "Holiday", **profile: Any) -> Line:
        number = next(_NUMBERS)
        return create_line(
            customer_id=customer.id,
            profile={
                "iccid": f"8988211{number:012d}",
                "msisdn": f"+4179{number:07d}",
                "smdp_address": "smdp.example",
                "matching_id": f"CODE-{number}",
                "apn": "everline",
                **profile,
            },
            label=label,
            now=clock.now(),
        )

    def plan(self, unit: str = "month", times: int = 1, amount: int = 1999, **changes: Any) -> PlanVersion:
        plan = create_plan(slug=f"plan-{next(_NUMBERS)}", now=clock.now())
        return publish_version(plan=plan, spec=self.spec(unit, times, amount, **changes), now=clock.now())

    def spec(self, unit: str = "month", times: int = 1, amount: int = 1999, **changes: Any) -> VersionSpec:
        values: dict[str, Any] = {
            "name": Text("Japan trip", "日本行"),
            "summary": Text("Japan by the month.", "日本按月。"),
            "hotspot": Text("Hotspot allowed.", "可开热点。"),
            "term": Term(unit, times),
            "data_bytes": 5 * GB,
            "voice_seconds": 6000,
            "sms_count": 0,
            "supplier_code": "JP-5",
            "prices": (PriceSpec("USD", amount), PriceSpec("CNY", amount * 7, tax_bp=600)),
            "networks": (("JP", "44010"),),
            "fair_use": FairUseSpec(GB, "day", 1000),
            "overage": "throttle",
            "benefits": (BenefitSpec("wifi_hotspots", Text("Free Wi-Fi at airports", "机场免费 Wi-Fi")),),
        }
        return VersionSpec(**{**values, **changes})

    def serve(self, line: Line, version: PlanVersion, quantity: int = 1) -> None:
        """Open a paid period, without the order rooms."""
        with transaction.atomic():
            lock_lines([line.id])
            schedule = usage.schedules([line.id], clock.now())[line.id]
            open_periods([OpenOrder(new_id("ord"), line.id, version, quantity, schedule)], clock.now())
        line.refresh_from_db()

    def order(self, customer: Customer, line: Line | None, version: PlanVersion) -> Order:
        quote = quoting.create_quote(
            customer=customer, plan_id=version.plan_id, line_id=line.id if line else None, now=clock.now()
        )
        placed = placing.place_order(customer=customer, quote_id=quote.id, key=quote.id, now=clock.now())
        return Order.objects.get(pk=placed.object_id)

    def wait(self, **units: float) -> datetime:
        clock.set_offset(clock.offset() + timedelta(**units))
        return clock.now()


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop()


@pytest.fixture
def bank(settings: Any) -> Iterator[banking.Bank]:
    """The only payment provider of the shop, fresh."""
    settings.EVERLINE_PAYMENT_PROVIDERS = ["tests.portal.bank.build"]
    banking.BANK.__init__()  # type: ignore[misc]
    registry._load.cache_clear()
    yield banking.BANK
    registry._load.cache_clear()


@pytest.fixture
def enter() -> Callable[[Customer], Client]:
    """A browser in which this customer is signed in."""

    def sign_in(customer: Customer) -> Client:
        client = Client()
        client.force_login(customer.user, backend="everline.accounts.backends.CustomerBackend")
        return client

    return sign_in
