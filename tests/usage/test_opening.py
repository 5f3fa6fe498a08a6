from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.core.ids import new_id
from everline.core.models import Transition
from everline.lines.models import Line
from everline.usage import selectors, services
from everline.usage.models import Bucket, Period, Reschedule
from everline.usage.schedule import PlanTerms, check_purchase
from everline.usage.services import OpenOrder
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db


def test_first_period_starts_now_and_makes_the_line_active(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()

    [period] = shop.open(line, shop.plan("month"))

    line.refresh_from_db()
    assert (period.starts_at, period.ends_at) == (shop.now, at(2027, 2, 10, 9, 30))
    assert (line.valid_until, line.service_state) == (period.ends_at, "active")
    assert [view.state for view in shop.periods(line)] == ["active"]
    assert Transition.objects.filter(label="lines.line").values_list("from_state", "to_state").get() == (
        "pending",
        "active",
    )
    assert not Reschedule.objects.exists()
    shop.check()


def test_the_customers_time_zone_is_fixed_on_the_line_at_first_fulfilment(shop: Shop) -> None:
    line = shop.line(timezone="Asia/Tokyo")

    shop.open(line, shop.plan("day"))
    line.customer.timezone = "Europe/Zurich"
    line.customer.save(update_fields=["timezone"])
    shop.open(line, shop.plan("day"))

    line.refresh_from_db()
    assert line.timezone == "Asia/Tokyo"


def test_renewing_early_extends_and_loses_nothing(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    plan = shop.plan("month")
    shop.open(line, plan)
    shop.wait(days=3)

    [second] = shop.open(line, plan)

    assert (second.starts_at, second.ends_at) == (at(2027, 2, 10, 9, 30), at(2027, 3, 10, 9, 30))
    assert [view.state for view in shop.periods(line)] == ["active", "queued"]
    assert shop.balance(line).total == 10**9
    shop.check()


def test_scenario_24_one_second_before_and_after_expiry(shop: Shop, at: Callable[..., datetime]) -> None:
    plan = shop.plan("month")
    before, after = shop.line(), shop.line()
    for line in (before, after):
        shop.open(line, plan)

    shop.now = at(2027, 2, 10, 9, 29, 59)
    [early] = shop.open(before, plan)
    shop.now = at(2027, 2, 10, 9, 30, 1)
    [late] = shop.open(after, plan)

    assert (early.starts_at, early.ends_at) == (at(2027, 2, 10, 9, 30), at(2027, 3, 10, 9, 30))
    assert (late.starts_at, late.ends_at) == (at(2027, 2, 10, 9, 30, 1), at(2027, 3, 10, 9, 30, 1))
    assert Period.objects.count() == 4
    shop.check()


def test_scenario_24_at_the_very_instant_of_expiry_the_chain_goes_on(
    shop: Shop, at: Callable[..., datetime]
) -> None:
    line = shop.line()
    plan = shop.plan("month")
    shop.now = at(2027, 1, 31, 8)
    shop.open(line, plan)
    shop.now = at(2027, 2, 28, 8)

    [period] = shop.open(line, plan)

    assert (period.starts_at, period.ends_at) == (at(2027, 2, 28, 8), at(2027, 3, 31, 8))


def test_scenario_24_in_grace_renewing_starts_now_with_a_new_anchor(
    shop: Shop, at: Callable[..., datetime]
) -> None:
    line = shop.line()
    plan = shop.plan("month")
    shop.now = at(2027, 1, 31, 8)
    shop.open(line, plan)
    shop.now = at(2027, 3, 5, 12)
    line.refresh_from_db()
    assert line.state_at(shop.now) == "grace"

    [period] = shop.open(line, plan)

    line.refresh_from_db()
    assert (period.starts_at, period.ends_at) == (at(2027, 3, 5, 12), at(2027, 4, 5, 12))
    assert line.state_at(shop.now) == "active"
    shop.check()


def test_the_quote_shows_what_fulfilment_gives(shop: Shop) -> None:
    line = shop.line(timezone="America/New_York")
    plan = shop.plan("month")
    shop.open(line, plan)
    shop.wait(days=9)

    planned = check_purchase(
        selectors.schedules([line.pk], shop.now)[line.pk], PlanTerms.from_version(plan), 3, shop.now
    )
    opened = shop.open(line, plan, 3)

    assert [(each.starts_at, each.ends_at) for each in planned] == [
        (row.starts_at, row.ends_at) for row in opened
    ]


def test_quantity_gives_consecutive_periods_of_one_order(shop: Shop) -> None:
    line = shop.line()

    rows = shop.open(line, shop.plan("day", 7), 4)

    assert [row.seq for row in rows] == [1, 2, 3, 4]
    assert [row.starts_at for row in rows[1:]] == [row.ends_at for row in rows[:-1]]
    assert {row.order for row in rows} == {rows[0].order}
    assert [view.state for view in shop.periods(line)] == ["active", "queued", "queued", "queued"]
    shop.check()


def test_an_order_opens_its_periods_once(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan()
    order = new_id("ord")
    shop.open(line, plan, order=order)

    with pytest.raises(IntegrityError), transaction.atomic():
        shop.open(line, plan, order=order)

    assert Period.objects.count() == 1
    assert Bucket.objects.count() == 1


def test_a_batch_costs_the_same_for_many_orders_and_lines(shop: Shop) -> None:
    plan = shop.plan("month", data_bytes=5, voice_seconds=60, sms_count=10)
    counts = []
    for size in (1, 25):
        lines = [shop.line() for _ in range(size)]
        schedules = selectors.schedules([line.pk for line in lines], shop.now)
        items = [OpenOrder(new_id("ord"), line.pk, plan, 2, schedules[line.pk]) for line in lines]
        with (
            CaptureQueriesContext(
                connection,
            ) as queries,
            transaction.atomic(),
        ):
            services.open_periods(items, shop.now)
        counts.append([q["sql"][:20] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    assert len(counts[0]) == len(counts[1]) == 4
    assert Line.objects.filter(service_state="active").count() == 26
    assert Bucket.objects.count() == 26 * 2 * 3
    shop.check()


def test_two_orders_of_one_line_in_a_batch_follow_one_another(shop: Shop) -> None:
    line = shop.line()
    month, day = shop.plan("month"), shop.plan("day", 3)
    schedule = selectors.schedules([line.pk], shop.now)[line.pk]
    orders = [new_id("ord"), new_id("ord")]
    items = [
        OpenOrder(orders[0], line.pk, month, 1, schedule),
        OpenOrder(orders[1], line.pk, day, 2, schedule),
    ]

    opened = services.open_periods(items, shop.now)

    rows = [*opened[orders[0]], *opened[orders[1]]]
    assert [row.position for row in rows] == [1, 2, 3]
    assert [row.starts_at for row in rows[1:]] == [row.ends_at for row in rows[:-1]]
    line.refresh_from_db()
    assert line.valid_until == rows[-1].ends_at
    shop.check()


def test_an_add_on_runs_beside_and_moves_no_expiry(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    line.refresh_from_db()
    before = line.valid_until

    rows = shop.open(line, shop.plan("day", 3, renewal_policy="start_now", data_bytes=5), 2)

    line.refresh_from_db()
    assert line.valid_until == before
    assert rows[0].starts_at == shop.now
    assert rows[1].starts_at == rows[0].ends_at
    assert [view.kind for view in shop.periods(line)] == ["base", "addon", "addon"]
    assert shop.balance(line).total == 10**9 + 5
    shop.check()


def test_the_database_refuses_overlapping_base_periods(shop: Shop) -> None:
    line = shop.line()
    [first] = shop.open(line, shop.plan("month"))
    copy = Period.objects.get(pk=first.pk)
    copy.pk, copy.order, copy.position = new_id("per"), new_id("ord"), 2

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="period_base_never_overlaps"), transaction.atomic():
        copy.save(force_insert=True)

    assert Period.objects.count() == 1


def test_a_year_with_monthly_refill_has_a_bucket_a_month(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    shop.now = at(2027, 1, 31, 8)

    shop.open(line, shop.plan("year", refill="monthly", voice_seconds=600))

    starts = list(
        Bucket.objects.filter(service="data").order_by("number").values_list("starts_at", flat=True)
    )
    assert starts[:3] == [at(2027, 1, 31, 8), at(2027, 2, 28, 8), at(2027, 3, 31, 8)]
    assert len(starts) == 12
    assert shop.balance(line).total == 10**9
    shop.check()


def test_depleted_before_the_purchase_starts_now_and_ends_the_running_one(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("month", data_bytes=100, voice_seconds=60))
    shop.wait(days=2)
    shop.report(line, 100)
    shop.wait(hours=1)

    [following] = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted"))

    running.refresh_from_db()
    line.refresh_from_db()
    assert running.ends_at == following.starts_at == shop.now
    assert line.valid_until == following.ends_at
    assert Reschedule.objects.values_list("period_id", "reason").get() == (running.pk, "depletion")
    assert shop.balance(line, "voice") is None
    shop.check()
