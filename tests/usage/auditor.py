"""A second set of books, kept by a stranger: what was sold, refunded and reported, and what must follow.

It shares no arithmetic with the product. It knows what customers were promised and looks at the rows.
"""

from calendar import monthrange
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db import connection

from everline.catalog.models import Coverage
from everline.lines.models import Line
from everline.usage import selectors
from everline.usage.models import Allocation, Bucket, Period, Reschedule, UsageRecord
from tests.usage.shop import PLMNS, Shop

DAY = timedelta(days=1)
CLOSES_AFTER = timedelta(hours=72)
BIGINT_MAX = 2**63 - 1


@dataclass(frozen=True)
class Sold:
    """One order as the customer understood it."""

    order: str
    line_id: str
    kind: str
    quantity: int
    unit: str
    count: int
    waits: bool


@dataclass
class Auditor:
    """Told of everything that happens from outside; `check` compares."""

    shop: Shop
    zone: ZoneInfo
    sold: dict[str, Sold] = field(default_factory=dict)
    refunded: dict[str, datetime] = field(default_factory=dict)
    reported: dict[tuple[str, str], tuple[str, str, int]] = field(default_factory=dict)

    def check(self) -> None:
        self._no_usage_is_lost()
        self._balances_are_what_is_left()
        rows = list(Period.objects.order_by("line_id", "position"))
        self._orders_keep_what_they_gave(rows)
        cut = self._cut_short()
        for row in rows:
            if row.starts_at is not None and row.state != "revoked" and row.pk not in cut:
                self._is_as_long_as_sold(row)
        for line_id in {row.line_id for row in rows}:
            self._queue_tiles([row for row in rows if row.line_id == line_id and row.kind == "base"])
        self.shop.check()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    def _no_usage_is_lost(self) -> None:
        kept = {
            (source, key): (line, service, quantity)
            for source, key, line, service, quantity in UsageRecord.objects.values_list(
                "source", "external_id", "line_id", "service", "quantity"
            )
        }
        assert kept == self.reported
        wanted: Counter[tuple[str, str]] = Counter()
        for line, service, quantity in self.reported.values():
            wanted[line, service] += quantity
        carried: Counter[tuple[str, str]] = Counter()
        for line, service, quantity in Allocation.objects.values_list(
            "line_id", "record__service", "quantity"
        ):
            carried[line, service] += quantity
        assert +carried == +wanted

    def _balances_are_what_is_left(self) -> None:
        now = self.shop.now
        spent: Counter[str] = Counter()
        for bucket, quantity in Allocation.objects.exclude(bucket=None).values_list("bucket_id", "quantity"):
            spent[bucket] += quantity
        left: dict[tuple[str, str], int | None] = {}
        for bucket in Bucket.objects.filter(starts_at__lte=now, ends_at__gt=now).select_related("period"):
            if bucket.period.state not in {"suspended", "revoked", "lapsed"}:
                key = (bucket.line_id, bucket.service)
                before = left.get(key, 0)
                if bucket.total is None or before is None:
                    left[key] = None
                else:
                    left[key] = before + bucket.total - spent[bucket.pk]
        lines = list(Line.objects.values_list("pk", flat=True))
        shown = {
            (line_id, each.service): each.remaining
            for line_id, found in selectors.balances(lines, now).items()
            for each in found
        }
        assert shown == left

    def _orders_keep_what_they_gave(self, rows: list[Period]) -> None:
        assert Counter(row.order for row in rows) == {
            order: sold.quantity for order, sold in self.sold.items()
        }
        for row in rows:
            assert row.line_id == self.sold[row.order].line_id
            if row.order not in self.refunded:
                assert row.state != "revoked", f"{row.pk} was taken away though nobody was refunded"
            elif row.state not in {"revoked", "lapsed", "suspended"}:
                assert row.ends_at is not None
                assert row.ends_at <= self.refunded[row.order] or row.state == "ended"
            if row.state == "lapsed":
                assert row.starts_at is None
                assert any(sold.waits for sold in self.sold.values() if sold.line_id == row.line_id), (
                    "only what waits for a first use can lapse"
                )

    def _cut_short(self) -> set[str]:
        """Periods that gave way to the next because they were used up."""
        return {
            row.period_id
            for row in Reschedule.objects.filter(reason="depletion")
            if row.old_ends_at is not None
            and row.new_ends_at is not None
            and row.new_ends_at < row.old_ends_at
        }

    def _is_as_long_as_sold(self, row: Period) -> None:
        sold = self.sold[row.order]
        assert row.starts_at is not None
        assert row.ends_at is not None
        length = row.ends_at - row.starts_at
        if sold.unit == "day":
            assert sold.count * DAY <= length <= (sold.count + 1) * DAY + timedelta(hours=1)
            return
        months = sold.count * (12 if sold.unit == "year" else 1)
        assert row.chain_anchor is not None
        assert row.chain_months is not None
        assert row.chain_months % 1 == 0
        assert row.ends_at == self._months_on(row.chain_anchor, row.chain_months)
        assert row.starts_at == self._months_on(row.chain_anchor, row.chain_months - months)

    def _months_on(self, anchor: datetime, months: int) -> datetime:
        """The same day of month and wall time so many months later, or the month's last day."""
        wall = anchor.astimezone(self.zone)
        year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
        day = min(wall.day, monthrange(year, month + 1)[1])
        if months == 0:
            return anchor
        moved = datetime(
            year, month + 1, day, wall.hour, wall.minute, wall.second, wall.microsecond, tzinfo=self.zone
        )
        return moved.astimezone(UTC)

    def _queue_tiles(self, rows: list[Period]) -> None:
        """No overlap ever, and no hole that nobody caused by being late."""
        dated = sorted((row for row in rows if row.starts_at), key=lambda row: (row.starts_at, row.position))
        excused = set(
            Reschedule.objects.filter(reason__in=["first_use", "lapse"]).values_list("period_id", flat=True)
        )
        for before, later in pairwise(dated):
            assert before.ends_at is not None
            assert later.starts_at is not None
            assert before.ends_at <= later.starts_at, f"{before.pk} overlaps {later.pk}"
            if before.ends_at < later.starts_at and later.pk not in excused:
                assert self._began_when_somebody_acted(later), f"a hole before {later.pk}"

    def _began_when_somebody_acted(self, row: Period) -> bool:
        moved = Reschedule.objects.filter(period=row, new_starts_at=row.starts_at).values_list(
            "at", flat=True
        )
        return row.starts_at in {row.created_at, *moved}


def room_at(line: Line, service: str, at: datetime, country: str | None, now: datetime) -> int:
    """What buckets could still take of a record of that time and place."""
    room = 0
    buckets = Bucket.objects.filter(line=line, service=service, starts_at__lte=at, ends_at__gt=at)
    for bucket in buckets.select_related("period"):
        period = bucket.period
        closed = period.ends_at is not None and period.ends_at + CLOSES_AFTER <= now
        there = (
            country is None
            or Coverage.objects.filter(version=period.version_id, operator__plmn=PLMNS[country]).exists()
        )
        if there and not closed and period.state != "suspended":
            room += (BIGINT_MAX if bucket.total is None else bucket.total) - bucket.used - bucket.reserved
    return room
