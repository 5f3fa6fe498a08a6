"""Everything at once on the same lines: nothing is lost, nobody deadlocks, the sums are exact."""

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from everline.core.ids import new_id
from everline.core.transactions import retrying
from everline.lines.models import Line
from everline.lines.services import catch_up_states
from everline.usage import services
from everline.usage.models import Allocation, Bucket, Period, UsageRecord
from everline.usage.services import catch_up_periods, lapse_periods, record_usage
from everline.usage.types import UsageInput
from tests.core.racing import at_once, failures
from tests.usage.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db(transaction=True)


@retrying
def revoke(order: str, shop: Shop) -> object:
    """As the orders' settling does it: the outermost transaction is repeated."""
    return services.revoke_periods(order, shop.now)


@retrying
def open_one(shop: Shop, line: Line, plan: object, order: str) -> list[Period]:
    return shop.open(line, plan, order=order)  # type: ignore[arg-type]


def _records(shop: Shop, lines: list[Line], count: int, dice: random.Random) -> list[UsageInput]:
    return [
        shop.record(
            dice.choice(lines),
            dice.randint(1, 50),
            service=dice.choice(["data", "data", "data", "sms"]),
            at=shop.now - timedelta(hours=dice.randint(0, 60)),
        )
        for _ in range(count)
    ]


def _carried() -> int:
    return sum(Allocation.objects.values_list("quantity", flat=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scenario_25_usage_renewals_refunds_and_sweeps_in_a_storm(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    lines = [shop.line() for _ in range(3)]
    plan = shop.plan("day", 2, data_bytes=400, sms_count=20)
    queued = shop.plan("day", 3, data_bytes=300, renewal_policy="queue_depleted")
    orders = [new_id("ord") for _ in range(9)]
    for number, order in enumerate(orders):
        shop.open(lines[number % 3], plan if number < 6 else queued, order=order)
    shop.wait(days=2, hours=6)
    batches = [_records(shop, lines, 25, dice) for _ in range(4)]
    fresh = [new_id("ord") for _ in range(3)]
    calls: list[Callable[[], object]] = [
        *[lambda batch=batch: record_usage(batch, shop.now) for batch in batches],
        lambda: record_usage(batches[0][::-1], shop.now),
        *[lambda order=order: revoke(order, shop) for order in dice.sample(orders, 3)],
        *[
            lambda line=line, order=order: open_one(shop, line, queued, order)
            for line, order in zip(lines, fresh, strict=True)
        ],
        lambda: catch_up_periods(shop.now),
        lambda: lapse_periods(shop.now),
        lambda: catch_up_states(shop.now),
    ]
    dice.shuffle(calls)

    results = at_once(*calls)

    assert failures(results) == []
    assert UsageRecord.objects.count() == 100
    assert _carried() == sum(each.quantity for batch in batches for each in batch)
    assert Period.objects.count() == 12
    catch_up_periods(shop.now)
    shop.check()


def test_sweeps_and_refunds_of_many_lines_meet_without_a_deadlock(shop: Shop) -> None:
    lines = [shop.line() for _ in range(12)]
    plan = shop.plan("day", 1, data_bytes=100)
    orders = {line.pk: [new_id("ord") for _ in range(3)] for line in lines}
    for line in lines:
        for order in orders[line.pk]:
            shop.open(line, plan, order=order)
    shop.wait(days=1, hours=1)

    results = at_once(
        *[lambda: catch_up_periods(shop.now)] * 3,
        *[lambda: catch_up_states(shop.now)] * 2,
        *[
            lambda start=start: [revoke(orders[line.pk][1], shop) for line in lines[start::3]]
            for start in range(3)
        ],
        lambda: record_usage([shop.record(line, 70) for line in lines[::-1]], shop.now),
    )

    assert failures(results) == []
    catch_up_periods(shop.now)
    states = [
        tuple(Period.objects.filter(line=line).order_by("position").values_list("state", flat=True))
        for line in lines
    ]
    assert set(states) == {("ended", "revoked", "active")}
    assert sum(Bucket.objects.values_list("used", flat=True)) == 12 * 70
    shop.check()


def test_a_first_use_and_its_deadline_at_once_end_one_way(shop: Shop) -> None:
    lines = [shop.line() for _ in range(6)]
    plan = shop.plan("day", 3, data_bytes=100, start_policy="on_first_use", activation_deadline_days=5)
    for line in lines:
        shop.open(line, plan)
    shop.wait(days=5)

    results = at_once(
        *[lambda: lapse_periods(shop.now)] * 3,
        *[lambda line=line: shop.report(line, 10, at=shop.now - timedelta(minutes=1)) for line in lines],
    )

    assert failures(results) == []
    rows = list(Period.objects.all())
    assert {row.state for row in rows} <= {"lapsed", "queued", "active"}
    for row in rows:
        assert (row.state == "lapsed") == (row.starts_at is None)
        assert shop.used(row) == (0 if row.state == "lapsed" else 10)
    assert _carried() == 60
    shop.check()


def test_a_top_up_opened_while_usage_drains_the_line_loses_neither(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=100))
    extra = shop.plan("day", 1, data_bytes=100, renewal_policy="start_now")

    results = at_once(
        *[lambda: [shop.report(line, 9) for _ in range(5)]] * 6,
        *[lambda: open_one(shop, line, extra, new_id("ord"))] * 2,
    )

    assert failures(results) == []
    used = sum(Bucket.objects.values_list("used", flat=True))
    over = sum(quantity for _period, quantity, _rule, _late in shop.overruns(line))
    assert used + over == 6 * 5 * 9
    assert used <= 300
    assert Period.objects.count() == 3
    shop.check()


def test_one_order_fulfilled_by_two_workers_opens_once(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("month")
    order = new_id("ord")

    results = at_once(*[lambda: shop.open(line, plan, order=order)] * 4)

    assert len(failures(results)) == 3
    assert Period.objects.count() == Bucket.objects.count() == 1
    line.refresh_from_db()
    assert line.valid_until == Period.objects.get().ends_at
    shop.check()


def test_one_refund_by_many_workers_is_one_refund(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 5, data_bytes=100)
    orders = [new_id("ord") for _ in range(4)]
    for order in orders:
        shop.open(line, plan, order=order)
    shop.wait(days=1)

    results = at_once(*[lambda: revoke(orders[1], shop)] * 3, *[lambda: revoke(orders[2], shop)] * 3)

    assert failures(results) == []
    rows = list(Period.objects.order_by("position"))
    assert [row.state for row in rows] == ["active", "revoked", "revoked", "queued"]
    assert (rows[3].starts_at, rows[3].ends_at - rows[3].starts_at) == (rows[0].ends_at, timedelta(days=5))
    shop.check()
