"""A small shop to buy in: real rooms, a real database; provider and supplier live in memory at the ports."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Brand, Customer, User
from everline.catalog.models import Plan, PlanVersion
from everline.catalog.services import create_plan, publish_version, save_operators
from everline.catalog.specs import PriceSpec, VersionSpec
from everline.catalog.terms import Term
from everline.catalog.types import OperatorView, Text
from everline.core import clock, events, invariants
from everline.core.errors import DomainError
from everline.core.models import IdempotencyRecord, InboxHint
from everline.core.money import Money
from everline.lines.models import Line
from everline.notifications.models import Message
from everline.orders.models import Case, Order, Quote, TimelineEntry
from everline.orders.services import fulfilment, paying, placing, quoting, settlement
from everline.orders.states import OrderStatus
from everline.payments import services as payments
from everline.payments.models import Attempt, LedgerEntry, Refund
from everline.suppliers.models import SupplierOrder
from everline.usage.models import Period
from tests.payments.fakes import FakeProvider
from tests.suppliers.fakes import FakeSupplier

T = TypeVar("T")
BACK = "http://localhost:8000/orders/back/"
GOOD = [
    "order.placed",
    "payment.started",
    "payment.captured",
    "fulfilment.started",
    "period.opened",
    "order.fulfilled",
]
_NUMBERS = count(1)
#: Whatever a purchase may write; none of it may be there when it was refused.
_BOOKS = (Quote, Order, TimelineEntry, Case, Attempt, Refund, SupplierOrder, Period, Message, LedgerEntry)


@dataclass
class Shop:
    """Does what customers, providers, suppliers and workers do, one step a call, at the time of the clock."""

    provider: FakeProvider
    supplier: FakeSupplier

    def wait(self, **units: float) -> datetime:
        """Let time pass; returns the new time."""
        clock.set_offset(clock.offset() + timedelta(**units))
        return clock.now()

    # Who and what there is.

    def customer(self, *, email: str | None = "", currency: str = "USD", **fields: Any) -> Customer:
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
        number = next(_NUMBERS)
        user = User.objects.create(
            email=f"ann{number}@example.com" if email == "" else email, phone=f"+4179{number:07d}"
        )
        values = {"locale": "en", "timezone": "Asia/Shanghai", **fields}
        return Customer.objects.create(
            user=user, brand=brand, currency=currency, created_at=clock.now(), **values
        )

    def line(self, customer: Customer | None = None, **fields: Any) -> Line:
        """A line, a new customer's unless one is named."""
        return Line.objects.create(
            customer=customer or self.customer(),
            iccid=f"8988211{next(_NUMBERS):012d}",
            label="Holiday",
            created_at=clock.now(),
            **fields,
        )

    def plan(
        self, unit: str = "month", times: int = 1, amount: int = 1999, slug: str = "", **changes: Any
    ) -> PlanVersion:
        """A version on sale; with a known slug it replaces the version before."""
        save_operators(operators=[("JP", OperatorView("44010", "NTT docomo", "4G/5G"))])
        spec = VersionSpec(
            **{
                "name": Text("Japan", "日本"),
                "summary": Text("Japan by the month.", "日本按月。"),
                "hotspot": Text("Hotspot allowed.", "可开热点。"),
                "term": Term(unit, times),
                "data_bytes": 5 * 10**9,
                "voice_seconds": 0,
                "sms_count": 0,
                "supplier_code": "JP-5",
                "prices": (PriceSpec("USD", amount, tax_bp=1000), PriceSpec("JPY", amount * 100)),
                "networks": (("JP", "44010"),),
                **changes,
            }
        )
        slug = slug or f"plan-{next(_NUMBERS)}"
        plan = Plan.objects.filter(slug=slug).first() or create_plan(slug=slug, now=clock.now())
        return publish_version(plan=plan, spec=spec, now=clock.now())

    # What customers do.

    def quote(self, line: Line | None = None, version: PlanVersion | None = None, **more: Any) -> Quote:
        customer = more.pop("customer", None) or (line.customer if line else self.customer())
        return quoting.create_quote(
            customer=customer,
            plan_id=(version or self.plan()).plan_id,
            line_id=line.id if line else None,
            now=clock.now(),
            **more,
        )

    def place(self, quote: Quote, *, key: str = "", customer: Customer | None = None) -> Order:
        placed = placing.place_order(
            customer=customer or quote.customer, quote_id=quote.id, key=key or quote.id, now=clock.now()
        )
        return Order.objects.get(pk=placed.object_id)

    def order(self, line: Line | None = None, version: PlanVersion | None = None, **more: Any) -> Order:
        """An unpaid order, for a new customer's line unless a line or a customer is named."""
        if line is None and "customer" not in more:
            line = self.line()
        return self.place(self.quote(line, version, **more))

    def start(self, order: Order, *, key: str = "", **more: Any) -> Attempt:
        """A payment begun; the customer stands before the provider's page."""
        values = {"method": "card", "return_url": BACK, **more}
        started = paying.start_payment(
            customer=order.customer,
            request=paying.PaymentRequest(order.id, **values),
            key=key or f"key-{next(_NUMBERS)}",
            now=clock.now(),
        )
        return Attempt.objects.get(pk=started.object_id)

    def pay(self, order: Order, amount: Money | None = None) -> Attempt:
        """Money taken at the provider, and a hint of it here."""
        attempt = self.start(order)
        self.capture(attempt, amount)
        return attempt

    # What the world outside does.

    def capture(self, attempt: Attempt, amount: Money | None = None) -> None:
        self.provider.capture(str(attempt.psp_ref), amount)
        self.hint(attempt)

    def fail(self, attempt: Attempt, code: str = "generic_decline") -> None:
        self.provider.end(str(attempt.psp_ref), code)
        self.hint(attempt)

    def hint(self, attempt: Attempt, event: str = "") -> None:
        """A webhook; the same `event` is the same webhook."""
        event = event or f"evt_{next(_NUMBERS)}"
        body = f"{event} payment.changed {attempt.psp_ref} {attempt.id}"
        payments.receive_webhook(provider="fake", raw=body.encode(), headers={"X-Signature": "good"})

    # What workers do.

    def settle(self) -> int:
        return settlement.settle_inbox(clock.now())

    def fulfil(self) -> int:
        return fulfilment.fulfil_due(clock.now())

    def dispatch(self) -> int:
        return events.dispatch(clock.now())

    def refund(self) -> None:
        """Send what goes back, hear of it, and let the order follow."""
        payments.send_due_refunds(now=clock.now())
        self.dispatch()

    def paid(self, line: Line | None = None, version: PlanVersion | None = None, **more: Any) -> Order:
        """An order that is paid and not delivered yet."""
        order = self.order(line, version, **more)
        self.pay(order)
        self.settle()
        order.refresh_from_db()
        return order

    def renew(self, line: Line | None = None, version: PlanVersion | None = None, **more: Any) -> Order:
        """The whole way to the period."""
        order = self.paid(line, version, **more)
        self.fulfil()
        order.refresh_from_db()
        return order

    # What is seen afterwards.

    def status(self, order: Order) -> OrderStatus:
        return OrderStatus(Order.objects.values_list("status", flat=True).get(pk=order.pk))

    def timeline(self, order: Order) -> list[str]:
        return list(TimelineEntry.objects.filter(order=order).order_by("id").values_list("event", flat=True))

    def attempts(self, order: Order) -> list[tuple[str, str]]:
        """Status and failure code of each attempt, oldest first."""
        rows = Attempt.objects.filter(payable=order.id).order_by("pk")
        return [(attempt.status, attempt.failure_code) for attempt in rows]

    def mails(self, order: Order) -> list[str]:
        rows = Message.objects.filter(reference=order.id).order_by("created_at", "id")
        return list(rows.values_list("kind", flat=True))

    def cases(self, order: Order) -> list[tuple[str, bool]]:
        """Reason of each case, and whether it is open."""
        rows = Case.objects.filter(order=order).order_by("id")
        return [(case.reason, case.closed_at is None) for case in rows]

    def periods(self, order: Order) -> list[tuple[datetime | None, datetime | None]]:
        rows = Period.objects.filter(order=order.id).order_by("seq")
        return [(period.starts_at, period.ends_at) for period in rows]

    def errors_in_inbox(self) -> list[str]:
        rows = InboxHint.objects.filter(processed_at=None).order_by("id")
        return list(rows.values_list("error", flat=True))

    def books(self) -> list[int]:
        """How much there is of everything that a purchase may write."""
        return [model.objects.count() for model in (*_BOOKS, IdempotencyRecord)]

    def check(self) -> None:
        """Every truth holds, also what the database checks at commit."""
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        broken = {name: found for name, found in invariants.run_all(clock.now()).items() if found}
        assert broken == {}

    @contextmanager
    def refused(self, error: type[DomainError]) -> Iterator[pytest.ExceptionInfo[DomainError]]:
        """The code below is refused in this way, nothing is written, and nobody outside is called."""
        before, calls = self.books(), len(self.provider.calls) + len(self.supplier.calls)
        with pytest.raises(error) as caught:
            yield caught
        assert self.books() == before
        assert len(self.provider.calls) + len(self.supplier.calls) == calls


def at_once(*works: Callable[[], T]) -> list[T | Exception]:
    """Run all at the same moment, each with its own connection; errors are results."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        gate.wait(20)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the error is the result
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SELECT and DML statements of the block, in order; what opens and ends transactions is left out."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    skipped = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET")
    found += [each["sql"] for each in captured if not each["sql"].lstrip().upper().startswith(skipped)]
