"""A small shop: lines, plan versions, paid orders and usage, without the rooms above."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection, transaction

from everline.accounts.models import Brand, Customer, User
from everline.catalog.models import Coverage, Operator, Plan, PlanVersion
from everline.core.ids import new_id
from everline.core.invariants import run_all
from everline.lines.access import lock_lines
from everline.lines.models import Line
from everline.usage import selectors, services
from everline.usage.models import Allocation, Bucket, Period
from everline.usage.services import OpenOrder
from everline.usage.types import Balance, IngestResult, PeriodView, UsageInput

START = datetime(2027, 1, 10, 9, 30, tzinfo=UTC)
GB = 10**9
_NUMBERS = count(1)
PLMNS = {"JP": "44010", "KR": "45005", "CH": "22801", "US": "310260"}


class Shop:
    """Does what the rooms above would do; `now` is where its clock stands."""

    def __init__(self) -> None:
        self.now = START

    def wait(self, **units: float) -> datetime:
        self.now += timedelta(**units)
        return self.now

    def customer(self, timezone: str = "Asia/Shanghai") -> Customer:
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
        user = User.objects.create(email=f"ann{next(_NUMBERS)}@example.com")
        return Customer.objects.create(
            user=user, brand=brand, locale="en", timezone=timezone, currency="USD", created_at=self.now
        )

    def line(self, timezone: str = "UTC", **fields: Any) -> Line:
        number = next(_NUMBERS)
        return Line.objects.create(
            customer=self.customer(timezone),
            iccid=f"8988211{number:012d}",
            msisdn=f"+4179{number:07d}",
            created_at=self.now,
            **fields,
        )

    def plan(
        self, unit: str = "month", times: int = 1, /, countries: str = "JP", **fields: Any
    ) -> PlanVersion:
        number = next(_NUMBERS)
        values = {
            "data_bytes": GB,
            "voice_seconds": 0,
            "sms_count": 0,
            "refill": "none",
            "renewal_policy": "extend",
            "start_policy": "on_purchase",
            "activation_deadline_days": None,
            "fair_use": {"after_bytes": GB, "per": "day", "throttle_kbps": 512},
            **fields,
        }
        version = PlanVersion.objects.create(
            plan=Plan.objects.create(slug=f"plan-{number}", created_at=self.now),
            version=1,
            published_at=self.now,
            digest=f"{number}",
            name_en=f"Plan {number}",
            name_zh=f"套餐 {number}",
            term_unit=unit,
            term_count=times,
            supplier_code=f"code-{number}",
            **values,
        )
        for country in countries.split():
            operator, _ = Operator.objects.get_or_create(
                country=country, plmn=PLMNS[country], defaults={"name": country, "radio": "5G"}
            )
            Coverage.objects.create(version=version, operator=operator)
        return version

    def open(
        self, line: Line, version: PlanVersion, quantity: int = 1, order: str | None = None
    ) -> list[Period]:
        """One paid order fulfilled now."""
        with transaction.atomic():
            lock_lines([line.pk])
            schedule = selectors.schedules([line.pk], self.now)[line.pk]
            item = OpenOrder(order or new_id("ord"), line.pk, version, quantity, schedule)
            [opened] = services.open_periods([item], self.now).values()
            return opened

    def report(self, line: Line, quantity: int, **fields: Any) -> IngestResult:
        return services.record_usage([self.record(line, quantity, **fields)], self.now)

    def record(self, line: Line, quantity: int, **fields: Any) -> UsageInput:
        values = {"source": "test", "id": f"r{next(_NUMBERS)}", "service": "data", "at": self.now, **fields}
        return UsageInput(line=line.pk, quantity=quantity, **values)

    def periods(self, line: Line) -> list[PeriodView]:
        return selectors.periods([line.pk], self.now)[line.pk]

    def balance(self, line: Line, service: str = "data") -> Balance | None:
        found = selectors.balances([line.pk], self.now)[line.pk]
        return next((each for each in found if each.service == service), None)

    def used(self, period: Period, service: str = "data") -> int:
        return sum(Bucket.objects.filter(period=period, service=service).values_list("used", flat=True))

    def overruns(self, line: Line) -> list[tuple[str | None, int, str, bool]]:
        rows = Allocation.objects.filter(line=line, bucket=None).order_by("id")
        return list(rows.values_list("period_id", "quantity", "overrun", "late"))

    def check(self) -> None:
        """Every truth of these rooms holds, also what the database checks at commit."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        broken = {
            name: found for name, found in run_all(self.now).items() if found and name.startswith("usage")
        }
        assert broken == {}
