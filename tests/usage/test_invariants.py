"""Each truth is silent on good books and speaks on a planted fault."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from everline.core.invariants import run_all
from everline.lines.models import Line
from everline.usage.models import Allocation, Bucket, Period, UsageRecord
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(shop: Shop) -> Callable[[], set[str]]:
    """Which truths of this room do not hold."""

    def names() -> set[str]:
        return {name for name, found in run_all(shop.now).items() if found and name.startswith("usage.")}

    return names


@pytest.fixture
def line(shop: Shop) -> Line:
    made = shop.line()
    plan = shop.plan("month", data_bytes=100)
    shop.open(made, plan)
    shop.open(made, plan)
    shop.report(made, 150)
    return made


def test_good_books_are_silent(line: Line, broken: Callable[[], set[str]]) -> None:
    assert broken() == set()


def test_a_bucket_that_says_more_than_its_allocations(line: Line, broken: Callable[[], set[str]]) -> None:
    Bucket.objects.filter(used=0).update(used=1)

    assert broken() == {"usage.buckets_equal_allocations"}


def test_an_allocation_that_is_gone(line: Line, broken: Callable[[], set[str]]) -> None:
    Allocation.objects.exclude(overrun="").delete()

    assert broken() == {"usage.records_equal_allocations"}


def test_a_record_without_allocation(line: Line, shop: Shop, broken: Callable[[], set[str]]) -> None:
    UsageRecord.objects.create(
        line=line, source="x", external_id="y", service="data", quantity=1, at=shop.now, received_at=shop.now
    )

    assert broken() == {"usage.records_equal_allocations"}


def test_a_line_that_promises_too_much(line: Line, broken: Callable[[], set[str]]) -> None:
    Line.objects.update(valid_until=line.created_at + timedelta(days=999))

    assert broken() == {"usage.line_validity"}


def test_overlapping_base_periods(line: Line, broken: Callable[[], set[str]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE usage_period DROP CONSTRAINT period_base_never_overlaps")
    [first, second] = Period.objects.order_by("position")
    Period.objects.filter(pk=second.pk).update(starts_at=first.starts_at + timedelta(days=1))

    assert broken() == {"usage.base_periods_apart"}


def test_a_bucket_outside_its_period(line: Line, broken: Callable[[], set[str]]) -> None:
    Bucket.objects.filter(used=0).update(ends_at=line.created_at + timedelta(days=999))

    assert broken() == {"usage.buckets_within_bounds"}


def test_an_order_with_a_missing_period(line: Line, broken: Callable[[], set[str]]) -> None:
    Period.objects.filter(position=2).update(seq=2)

    assert broken() == {"usage.orders_have_whole_sequences"}
