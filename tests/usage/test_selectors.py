from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.catalog.terms import Chain
from everline.lines.models import Line
from everline.usage import selectors
from everline.usage.errors import InvalidRange
from everline.usage.services import record_usage
from everline.usage.types import UsageSeries
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db

UTC_ZONE = ZoneInfo("UTC")


def _series(
    shop: Shop,
    line: Line,
    start: datetime,
    end: datetime,
    by: str = "day",
    service: str | None = None,
    zone: ZoneInfo = UTC_ZONE,
) -> UsageSeries:
    return selectors.usage_series(
        line_id=line.pk, start=start, end=end, by=by, service=service, zone=zone, now=shop.now
    )


def test_each_question_costs_one_statement_however_many_lines(shop: Shop) -> None:
    plan = shop.plan("month", voice_seconds=60)
    lines = [shop.line() for _ in range(12)]
    orders = [shop.open(line, plan, 2)[0].order for line in lines]
    keys = [line.pk for line in lines]

    for question, asked in (
        (selectors.schedules, keys),
        (selectors.balances, keys),
        (selectors.periods, keys),
        (selectors.periods_of_orders, orders),
    ):
        with CaptureQueriesContext(connection) as queries:
            answer = question(asked, shop.now)
        assert len(queries) == 1
        assert set(answer) == set(asked)


def test_a_line_without_periods(shop: Shop) -> None:
    line = shop.line(timezone="Asia/Tokyo")

    schedule = selectors.schedules([line.pk], shop.now)[line.pk]

    assert (schedule.zone.key, schedule.service_state, schedule.valid_until) == (
        "Asia/Tokyo",
        "pending",
        None,
    )
    assert (schedule.chain, schedule.undated, schedule.position, schedule.depleted) == (None, (), 0, False)
    assert selectors.balances([line.pk], shop.now) == {line.pk: []}
    assert selectors.periods([line.pk], shop.now) == {line.pk: []}
    assert selectors.schedules(["ln_0000000000000"], shop.now) == {}


def test_a_schedule_tells_chain_queue_and_depletion(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=10))
    anchor = shop.now
    shop.wait(hours=1)
    schedule = selectors.schedules([line.pk], shop.now)[line.pk]
    assert (schedule.chain, schedule.depleted, schedule.position) == (Chain(anchor, 1), False, 1)

    shop.report(line, 10)
    assert selectors.schedules([line.pk], shop.now)[line.pk].depleted
    waiting = shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=9)
    shop.open(line, waiting, 2)

    schedule = selectors.schedules([line.pk], shop.now)[line.pk]
    assert [terms.term.count for terms in schedule.undated] == [7, 7]
    assert schedule.undated[0].waits_for_use
    assert schedule.position == 3
    assert schedule.held_until == schedule.valid_until + timedelta(days=9)


def test_voice_left_does_not_hide_that_data_is_used_up(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=10, voice_seconds=100))
    talk = shop.line()
    shop.open(talk, shop.plan("month", data_bytes=0, voice_seconds=100))

    shop.report(line, 10)
    shop.report(talk, 99, service="voice")
    shop.wait(seconds=1)  # what was used up the instant it began gives way at its next use

    found = selectors.schedules([line.pk, talk.pk], shop.now)
    assert (found[line.pk].depleted, found[talk.pk].depleted) == (True, False)


def test_balances_add_up_buckets_valid_now_and_only_those(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=100, voice_seconds=60))
    shop.open(line, shop.plan("month", data_bytes=100))
    shop.open(line, shop.plan("day", 1, renewal_policy="start_now", data_bytes=None))
    shop.report(line, 40)

    unlimited = shop.balance(line)
    shop.wait(days=2)
    limited = shop.balance(line)

    assert (unlimited.unlimited, unlimited.total, unlimited.used) == (True, None, 40)
    assert (limited.unlimited, limited.total, limited.used, limited.remaining) == (False, 100, 0, 100)
    assert [each.service for each in selectors.balances([line.pk], shop.now)[line.pk]] == ["data", "voice"]


def test_a_never_used_balance_is_as_of_its_opening(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    opened = shop.now

    shop.wait(days=3)

    assert shop.balance(line).as_of == opened


def test_a_report_that_no_bucket_carries_is_news_too(shop: Shop) -> None:
    line, other = shop.line(), shop.line()
    shop.open(line, shop.plan("month", data_bytes=10, voice_seconds=60))
    shop.open(other, shop.plan("month"))
    opened = shop.now
    shop.wait(hours=1)
    shop.report(line, 10)
    shop.wait(hours=1)

    shop.report(line, 5, at=opened)

    assert shop.overruns(line) != []
    assert shop.balance(line).as_of == shop.now
    assert shop.balance(line, "voice").as_of == opened
    assert shop.balance(other).as_of == opened


def test_a_series_is_as_of_the_newest_intake(shop: Shop) -> None:
    line = shop.line()
    start, end = shop.now - timedelta(days=40), shop.now + timedelta(days=40)
    assert _series(shop, line, start, end).as_of == shop.now
    shop.wait(hours=1)
    taken = shop.now
    shop.report(line, 3, at=taken - timedelta(days=1))
    shop.wait(hours=1)
    assert _series(shop, line, start, end).as_of == taken

    shop.open(line, shop.plan("month"))
    shop.wait(hours=1)
    assert _series(shop, line, start, end, service="sms").as_of == taken
    shop.report(line, 1, service="sms")

    assert _series(shop, line, start, end, service="data").as_of == shop.now
    fresh = shop.line()
    shop.open(fresh, shop.plan("month"))
    opened = shop.now
    shop.wait(days=2)
    assert _series(shop, fresh, start, end).as_of == opened


def test_periods_name_plan_order_and_state(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("month")
    [period] = shop.open(line, plan)
    shop.report(line, 1)

    [view] = shop.periods(line)

    assert (view.id, view.order, view.plan_id, view.version_id) == (
        period.pk,
        period.order,
        plan.plan_id,
        plan.pk,
    )
    assert (view.kind, view.state, view.used, view.seq) == ("base", "active", True, 1)
    assert selectors.periods_of_orders([period.order, "ord_none"], shop.now) == {
        period.order: [view],
        "ord_none": [],
    }


def test_only_the_sixty_newest_periods_are_shown(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 1)
    for _ in range(3):
        rows = shop.open(line, plan, 24)

    shown = shop.periods(line)

    assert len(shown) == 60
    assert shown[-1].id == rows[-1].pk


def test_usage_by_day_follows_the_lines_calendar(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    shop.now = at(2027, 4, 1)
    record_usage(
        [
            shop.record(line, 1, at=at(2027, 3, 27, 22, 59)),
            shop.record(line, 2, at=at(2027, 3, 27, 23, 0)),
            shop.record(line, 4, at=at(2027, 3, 28, 21, 59)),
            shop.record(line, 8, at=at(2027, 3, 28, 22, 0)),
            shop.record(line, 16, at=at(2027, 3, 28, 22, 0), service="sms"),
        ],
        shop.now,
    )
    zone = ZoneInfo("Europe/Zurich")
    start, end = at(2027, 3, 26, 23), at(2027, 3, 29, 12)

    series = _series(shop, line, start, end, zone=zone)
    data = _series(shop, line, start, end, zone=zone, service="data")

    rows = [(point.starts_at, point.ends_at, point.service, point.quantity) for point in data.points]
    assert rows == [
        (at(2027, 3, 26, 23), at(2027, 3, 27, 23), "data", 1),
        (at(2027, 3, 27, 23), at(2027, 3, 28, 22), "data", 6),
        (at(2027, 3, 28, 22), at(2027, 3, 29, 12), "data", 8),
    ]
    assert [point.service for point in series.points].count("sms") == 1


def test_usage_tells_the_country(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", countries="JP KR"))
    for quantity, plmn in ((5, "44010"), (7, "45005"), (9, None)):
        shop.report(line, quantity, plmn=plmn)

    series = _series(shop, line, at(2027, 1, 1), at(2027, 2, 1), by="month")

    assert {(point.country, point.quantity) for point in series.points} == {("JP", 5), ("KR", 7), (None, 9)}
    assert series.as_of == shop.now


def test_both_hours_of_a_fold_are_hours_of_their_own(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    shop.now = at(2027, 11, 1)
    record_usage([shop.record(line, 1, at=at(2027, 10, 31, hour, 30)) for hour in (0, 1)], shop.now)

    points = _series(
        shop, line, at(2027, 10, 30, 22), at(2027, 10, 31, 23), by="hour", zone=ZoneInfo("Europe/Zurich")
    ).points

    assert [(point.starts_at, point.ends_at) for point in points] == [
        (at(2027, 10, 31, 0), at(2027, 10, 31, 1)),
        (at(2027, 10, 31, 1), at(2027, 10, 31, 2)),
    ]


def test_half_hour_zones_have_hours_of_their_own(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    shop.report(line, 3, at=at(2027, 1, 9, 10, 10))

    [point] = _series(
        shop, line, at(2027, 1, 9), at(2027, 1, 10), by="hour", zone=ZoneInfo("Asia/Kolkata")
    ).points

    assert (point.starts_at, point.ends_at) == (at(2027, 1, 9, 9, 30), at(2027, 1, 9, 10, 30))


def test_a_range_inside_one_step_and_an_empty_one(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    shop.report(line, 3, at=at(2027, 1, 9, 10, 10))

    [point] = _series(shop, line, at(2027, 1, 9, 10), at(2027, 1, 9, 11)).points

    assert (point.starts_at, point.ends_at, point.quantity) == (at(2027, 1, 9, 10), at(2027, 1, 9, 11), 3)
    assert _series(shop, line, at(2027, 1, 9, 11), at(2027, 1, 9, 12)).points == []


@pytest.mark.parametrize(("days", "by"), [(0, "day"), (-1, "day"), (50, "hour"), (1, "week")])
def test_a_bad_range_is_refused(shop: Shop, days: int, by: str) -> None:
    line = shop.line()

    with pytest.raises(InvalidRange):
        _series(shop, line, shop.now, shop.now + timedelta(days=days), by=by)


def test_a_schedule_asked_for_a_customer_hides_the_lines_of_others(shop: Shop) -> None:
    mine, other = shop.line(), shop.line()

    found = selectors.schedules([mine.pk, other.pk], shop.now, customer_id=mine.customer_id)

    assert list(found) == [mine.pk]
