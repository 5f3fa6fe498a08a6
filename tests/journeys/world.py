"""What journey tests hold in their hands: the sandbox's controls, and a shop to buy in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import count
from typing import Any

import httpx

from everline.accounts.models import Brand, Customer, User
from everline.catalog.models import PlanVersion
from everline.catalog.services import create_plan, publish_version, save_operators
from everline.catalog.specs import PriceSpec, VersionSpec
from everline.catalog.terms import Term
from everline.catalog.types import OperatorView, Text
from everline.core import clock, invariants
from everline.lines.models import Line
from everline.lines.services import create_line
from everline.orders.models import Order, TimelineEntry
from everline.orders.services import paying, placing, quoting
from everline.payments.models import Attempt

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
ALWAYS_3DS = "4000002760003184"
_NUMBERS = count(1)


class _Form(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.forms = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.forms += 1
            self.action = dict(attrs).get("action") or ""


@dataclass
class Sandbox:
    """The running sandbox, driven as acceptance drives it."""

    url: str
    token: str

    def __post_init__(self) -> None:
        self.http = httpx.Client(timeout=60, trust_env=False)

    def answers(self) -> bool:
        try:
            return self.http.get(f"{self.url}/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def control(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self.http.request(
            method, f"{self.url}/control{path}", headers={"X-Sandbox-Token": self.token}, **arguments
        )
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def drain(self) -> list[str]:
        executed: list[str] = self.control("POST", "/drain")["executed"]
        return executed

    def advance(self, **units: float) -> None:
        self.control("POST", "/clock", json={"advance_seconds": timedelta(**units).total_seconds()})

    def fault(self, at: str, fault: str, times: int = 1, **more: Any) -> None:
        plan = [{"at": at, "fault": fault, "times": times, **more}]
        self.control("POST", "/faults", json={"seed": 1, "plan": plan})

    def forget_faults(self) -> None:
        self.control("DELETE", "/faults")

    def charges(self, order: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "/charges", params={"order": order})["data"]
        return found

    def messages(self, to: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "/messages", params={"to": to})["data"]
        return found

    def pay(self, url: str, number: str = GOOD_CARD, action: str = "pay", challenge: str = "approve") -> str:
        """Fill in the hosted page like a customer; returns where the browser is led at the end."""
        page = self.http.get(url)
        form = _Form(page.text)
        assert form.forms == 1, page.text
        data = {"method": "card", "number": number, "expiry": "12/40", "cvc": "123", "action": action}
        answer = self.http.post(str(page.url.join(form.action)), data=data)
        assert answer.status_code == 303, (answer.status_code, answer.text)
        target = answer.headers["location"]
        if httpx.URL(url).join(target).host + str(httpx.URL(url).join(target).port) == self._origin():
            page = self.http.get(str(httpx.URL(url).join(target)))
            form = _Form(page.text)
            answer = self.http.post(str(page.url.join(form.action)), data={"action": challenge})
            target = answer.headers.get("location", "")
        return str(target)

    def _origin(self) -> str:
        return httpx.URL(self.url).host + str(httpx.URL(self.url).port)


@dataclass
class World:
    """A shop: its people, its plans, its purchases."""

    shop_url: str
    sandbox: Sandbox
    brand: Brand = field(init=False)

    def __post_init__(self) -> None:
        self.brand, _ = Brand.objects.get_or_create(
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
        save_operators(operators=[("JP", OperatorView("44010", "NTT docomo", "4G/5G"))])

    def customer(
        self, timezone: str = "Asia/Shanghai", locale: str = "en", currency: str = "USD"
    ) -> Customer:
        user = User.objects.create(email=f"ann{next(_NUMBERS)}-{clock.real_now():%H%M%S%f}@example.com")
        return Customer.objects.create(
            user=user,
            brand=self.brand,
            locale=locale,
            timezone=timezone,
            currency=currency,
            created_at=clock.now(),
        )

    def line(self, customer: Customer) -> Line:
        number = f"{next(_NUMBERS):05d}{clock.real_now():%H%M%S%f}"[:12]
        profile = {
            "iccid": f"8988211{number}",
            "smdp_address": "smdp.example",
            "matching_id": "ABC-123",
            "apn": "everline",
        }
        return create_line(customer_id=customer.id, profile=profile, label="Holiday", now=clock.now())

    def plan(self, unit: str = "month", times: int = 1, amount: int = 1999, **changes: Any) -> PlanVersion:
        """A plan on sale, in USD and in currencies of zero and three digits."""
        number = next(_NUMBERS)
        plan = create_plan(slug=f"plan-{number}", now=clock.now())
        return publish_version(plan=plan, spec=self.spec(unit, times, amount, **changes), now=clock.now())

    def spec(self, unit: str = "month", times: int = 1, amount: int = 1999, **changes: Any) -> VersionSpec:
        values: dict[str, Any] = {
            "name": Text("Japan", "日本"),
            "summary": Text("Japan by the month.", "日本按月。"),
            "hotspot": Text("Hotspot allowed.", "可开热点。"),
            "term": Term(unit, times),
            "data_bytes": 5 * 10**9,
            "voice_seconds": 0,
            "sms_count": 0,
            "supplier_code": "JP-5",
            "prices": (PriceSpec("USD", amount), PriceSpec("JPY", amount), PriceSpec("KWD", amount * 10)),
            "networks": (("JP", "44010"),),
        }
        return VersionSpec(**{**values, **changes})

    def order(
        self,
        customer: Customer,
        line: Line | None,
        version: PlanVersion,
        *,
        quantity: int = 1,
        currency: str | None = None,
    ) -> Order:
        quote = quoting.create_quote(
            customer=customer,
            plan_id=version.plan_id,
            line_id=line.id if line else None,
            quantity=quantity,
            currency=currency,
            now=clock.now(),
        )
        placed = placing.place_order(
            customer=customer, quote_id=quote.id, key=f"order-{quote.id}", now=clock.now()
        )
        return Order.objects.get(pk=placed.object_id)

    def attempt(self, order: Order, *, key: str | None = None, method: str = "card") -> Attempt:
        request = paying.PaymentRequest(order.id, method, f"{self.shop_url}/orders/{order.id}/")
        started = paying.start_payment(
            customer=order.customer, request=request, key=key or f"pay-{next(_NUMBERS)}", now=clock.now()
        )
        return Attempt.objects.get(pk=started.object_id)

    def buy(self, customer: Customer, line: Line | None, version: PlanVersion, **more: Any) -> Order:
        """The whole way of a renewal, to its end."""
        order = self.order(customer, line, version, **more)
        self.sandbox.pay(self.attempt(order).redirect_url)
        self.sandbox.drain()
        order.refresh_from_db()
        return order

    def timeline(self, order: Order) -> list[str]:
        return list(TimelineEntry.objects.filter(order=order).order_by("id").values_list("event", flat=True))

    def attempts(self, order: Order) -> list[Attempt]:
        return list(Attempt.objects.filter(payable=order.id).order_by("pk"))

    def mails(self, customer: Customer) -> list[str]:
        """Kinds of the mails this customer got, oldest first."""
        return [each["kind"] for each in reversed(self.sandbox.messages(str(customer.email)))]

    def check_truths(self, now: datetime | None = None) -> None:
        broken = {name: found for name, found in invariants.run_all(now or clock.now()).items() if found}
        assert broken == {}
