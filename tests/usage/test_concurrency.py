"""Real threads, real transactions: nothing is overspent, charged twice, or lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connection

from everline.usage.models import Allocation, Bucket, Period, UsageRecord
from everline.usage.services import catch_up_periods, record_usage, revoke_periods
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)


def _at_once(*calls: Callable[[], object]) -> list[object]:
    """Run all calls at the same instant, each in a thread with a connection of its own."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        gate.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def test_scenario_25_parallel_sessions_drain_the_last_megabyte_and_never_more(shop: Shop) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("month", data_bytes=1_000))
    batches = [[shop.record(line, 30) for _ in range(10)] for _ in range(8)]

    _at_once(*[lambda records=records: record_usage(records, shop.now) for records in batches])

    assert shop.used(period) == 1_000
    assert sum(quantity for _period, quantity, _rule, _late in shop.overruns(line)) == 8 * 300 - 1_000
    assert UsageRecord.objects.count() == 80
    shop.check()


def test_scenario_25_the_same_records_in_parallel_calls_count_once(shop: Shop) -> None:
    lines = [shop.line() for _ in range(5)]
    plan = shop.plan("month")
    for line in lines:
        shop.open(line, plan)
    records = [shop.record(lines[number % 5], 3) for number in range(50)]
    shuffled = [records, records[::-1], records[25:] + records[:25], records]

    results = _at_once(*[lambda batch=batch: record_usage(batch, shop.now) for batch in shuffled])

    assert sum(result.accepted for result in results) == 50
    assert sum(result.duplicates for result in results) == 150
    assert sum(Bucket.objects.values_list("used", flat=True)) == 150
    assert Allocation.objects.count() == 50
    shop.check()


def test_scenario_25_one_id_reported_for_two_lines_at_once_is_one_record(shop: Shop) -> None:
    lines = [shop.line(), shop.line()]
    plan = shop.plan("month")
    for line in lines:
        shop.open(line, plan)
    ids = [f"same-{number}" for number in range(20)]

    results = _at_once(
        *[
            lambda line=line, names=names: record_usage(
                [shop.record(line, 1, id=name) for name in names], shop.now
            )
            for line in lines
            for names in (ids, ids[::-1])
        ]
    )

    assert sum(result.accepted for result in results) == 20
    assert sum(Bucket.objects.values_list("used", flat=True)) == 20
    shop.check()


def test_scenario_25_first_use_by_two_sessions_dates_the_period_once(shop: Shop) -> None:
    line = shop.line()
    [waiting] = shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=9))
    shop.wait(hours=1)

    _at_once(*[lambda: shop.report(line, 10) for _ in range(6)])

    waiting.refresh_from_db()
    assert waiting.starts_at == shop.now
    assert shop.used(waiting) == 60
    assert Bucket.objects.count() == 1
    shop.check()


def test_scenario_24_two_renewals_at_once_follow_one_another(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("month")
    shop.open(line, plan)

    _at_once(*[lambda: shop.open(line, plan) for _ in range(4)])

    rows = list(Period.objects.order_by("position"))
    assert [row.position for row in rows] == [1, 2, 3, 4, 5]
    assert all(before.ends_at == after.starts_at for before, after in pairwise(rows))
    line.refresh_from_db()
    assert line.valid_until == rows[-1].ends_at
    shop.check()


def test_scenario_23_refunds_renewals_usage_and_sweeps_at_once_leave_no_hole(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 3, data_bytes=100)
    rows = [shop.open(line, plan)[0] for _ in range(5)]
    shop.wait(days=3, hours=1)

    _at_once(
        lambda: revoke_periods(rows[2].order, shop.now),
        lambda: revoke_periods(rows[3].order, shop.now),
        lambda: shop.open(line, plan),
        lambda: record_usage([shop.record(line, 40) for _ in range(5)], shop.now),
        lambda: catch_up_periods(shop.now),
    )

    alive = [row for row in Period.objects.order_by("position") if row.state != "revoked"]
    assert len(alive) == 4
    assert all(before.ends_at == after.starts_at for before, after in pairwise(alive))
    assert all(row.ends_at - row.starts_at == timedelta(days=3) for row in alive)
    assert shop.used(rows[1]) == 100
    shop.check()


def test_depletion_by_parallel_calls_starts_the_next_period_once(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("month", data_bytes=100))
    queued = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted", data_bytes=1_000), 2)
    shop.wait(hours=1)

    _at_once(*[lambda: shop.report(line, 60) for _ in range(6)])

    assert shop.used(running) == 100
    assert [shop.used(row) for row in queued] == [260, 0]
    assert shop.overruns(line) == []
    queued[0].refresh_from_db()
    assert queued[0].starts_at == shop.now
    shop.check()
