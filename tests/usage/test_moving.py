"""What moves stored boundaries: refund, first use, depletion, deadlines; and the states that follow dates."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from everline.core.models import Transition
from everline.lines.models import Line
from everline.usage.models import Bucket, Period, Reschedule
from everline.usage.services import catch_up_periods, lapse_periods, revoke_periods
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db


def _dates(period: Period) -> tuple[datetime | None, datetime | None]:
    period.refresh_from_db()
    return period.starts_at, period.ends_at


def _valid_until(line: Line) -> datetime | None:
    line.refresh_from_db()
    return line.valid_until


def test_scenario_23_three_stacked_the_middle_one_refunded(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    plan = shop.plan("month")
    shop.now = at(2027, 1, 31, 8)
    [first], [middle], [last] = shop.open(line, plan), shop.open(line, plan), shop.open(line, plan)
    assert _valid_until(line) == at(2027, 4, 30, 8)
    shop.wait(days=5)

    done = revoke_periods(middle.order, shop.now)

    assert (done.revoked, done.moved) == ([middle.pk], [last.pk])
    assert _dates(first) == (at(2027, 1, 31, 8), at(2027, 2, 28, 8))
    assert _dates(middle) == (None, None)
    assert _dates(last) == (at(2027, 2, 28, 8), at(2027, 3, 31, 8))
    assert _valid_until(line) == at(2027, 3, 31, 8)
    assert [view.state for view in shop.periods(line)] == ["active", "revoked", "queued"]
    assert set(Reschedule.objects.values_list("period_id", "reason")) == {
        (middle.pk, "refund"),
        (last.pk, "refund"),
    }
    assert not Bucket.objects.filter(period=middle).exists()
    assert Bucket.objects.filter(period=last).values_list("starts_at", "ends_at").get() == _dates(last)
    shop.check()


def test_scenario_23_orders_paid_out_of_order_lie_in_the_order_of_fulfilment(shop: Shop) -> None:
    line = shop.line()
    month, week, year = shop.plan("month"), shop.plan("day", 7), shop.plan("year")

    rows = [shop.open(line, plan)[0] for plan in (week, year, month)]

    assert [row.position for row in rows] == [1, 2, 3]
    assert [row.starts_at for row in rows[1:]] == [row.ends_at for row in rows[:-1]]
    assert _valid_until(line) == rows[-1].ends_at
    shop.check()


def test_refunding_twice_changes_nothing_more(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("month")
    shop.open(line, plan)
    [second] = shop.open(line, plan)
    revoke_periods(second.order, shop.now)
    written = Reschedule.objects.count(), Transition.objects.count()

    again = revoke_periods(second.order, shop.now)

    assert (again.revoked, again.moved) == ([], [])
    assert (Reschedule.objects.count(), Transition.objects.count()) == written


def test_refunding_an_unknown_order_is_nothing(shop: Shop) -> None:
    assert revoke_periods("ord_0000000000000", shop.now).line_id is None


def test_refunding_the_running_one_ends_it_now_and_the_next_starts_now(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("month", data_bytes=100, refill="daily")
    [running] = shop.open(line, plan)
    [queued] = shop.open(line, plan)
    shop.report(line, 30)
    shop.wait(days=2, hours=3)

    revoke_periods(running.order, shop.now)

    start = shop.now - timedelta(days=2, hours=3)
    assert _dates(running) == (start, shop.now)
    assert _dates(queued)[0] == shop.now
    assert _valid_until(line) == _dates(queued)[1]
    assert shop.used(running) == 30
    assert Bucket.objects.filter(period=running).order_by("ends_at").last().ends_at == shop.now
    shop.report(line, 10, at=shop.now - timedelta(minutes=1))
    assert shop.used(running) == 40
    shop.check()


def test_refunding_the_only_one_leaves_the_line_in_grace(shop: Shop) -> None:
    line = shop.line()
    [only] = shop.open(line, shop.plan("month"))
    shop.wait(days=1)

    revoke_periods(only.order, shop.now)

    assert _valid_until(line) == shop.now
    assert line.service_state == line.state_at(shop.now) == "grace"
    assert shop.balance(line) is None
    shop.check()


def test_refunding_a_whole_quantity_takes_all_its_periods(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("month")
    [first] = shop.open(line, plan)
    three = shop.open(line, plan, 3)
    [last] = shop.open(line, plan)

    done = revoke_periods(three[0].order, shop.now)

    assert len(done.revoked) == 3
    assert _dates(last)[0] == _dates(first)[1]
    shop.check()


def test_refunding_an_ended_period_leaves_history_alone(shop: Shop) -> None:
    line = shop.line()
    [only] = shop.open(line, shop.plan("day"))
    shop.wait(days=3)

    assert revoke_periods(only.order, shop.now).revoked == []

    assert shop.periods(line)[0].state == "ended"
    shop.check()


def test_refunding_an_add_on_ends_it_and_moves_nobody(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month"))
    [addon] = shop.open(line, shop.plan("day", 5, renewal_policy="start_now"))
    before = _dates(base)
    shop.wait(hours=1)

    revoke_periods(addon.order, shop.now)

    assert _dates(base) == before
    assert _dates(addon)[1] == shop.now
    assert _valid_until(line) == before[1]
    shop.check()


def test_first_use_dates_the_period_and_what_waits_behind_it(shop: Shop) -> None:
    line = shop.line()
    [open_one] = shop.open(
        line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=90)
    )
    [behind] = shop.open(line, shop.plan("month"))
    assert _valid_until(line) is None
    assert [(view.state, view.starts_at) for view in shop.periods(line)] == [("queued", None)] * 2
    assert _dates(behind) == (None, None)
    opened = shop.now
    shop.wait(days=20)

    used_at = shop.now - timedelta(minutes=10)
    shop.report(line, 77, at=used_at, plmn="44010")

    open_one.refresh_from_db()
    assert open_one.opens_by == opened + timedelta(days=90)
    assert _dates(open_one) == (used_at, used_at + timedelta(days=7))
    assert _dates(behind)[0] == used_at + timedelta(days=7)
    assert shop.used(open_one) == 77
    assert _valid_until(line) == _dates(behind)[1]
    assert (line.service_state, line.held_until) == ("active", None)
    assert [view.state for view in shop.periods(line)] == ["active", "queued"]
    assert set(Reschedule.objects.values_list("reason", flat=True)) == {"first_use"}
    shop.check()


def test_use_abroad_or_before_the_purchase_is_no_first_use(shop: Shop) -> None:
    line = shop.line()
    shop.wait(hours=1)
    [waiting] = shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=90))
    shop.wait(hours=1)

    shop.report(line, 5, plmn="45005")
    shop.report(line, 5, at=shop.now - timedelta(hours=2))
    shop.report(line, 5, service="voice")

    assert _dates(waiting) == (None, None)
    assert len(shop.overruns(line)) == 3
    shop.check()


def test_first_use_waits_until_the_running_period_is_over(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("day", 1, data_bytes=10))
    [waiting] = shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=90))
    waiting.refresh_from_db()
    assert waiting.opens_by == running.ends_at + timedelta(days=90)

    shop.report(line, 15)
    assert _dates(waiting) == (None, None)
    shop.wait(days=1, hours=2)
    shop.report(line, 5)

    assert _dates(waiting)[0] == shop.now
    assert shop.overruns(line) == [(running.pk, 5, "block", False)]
    shop.check()


def test_an_add_on_may_wait_for_its_first_use_too(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month", data_bytes=10))
    plan = shop.plan(
        "day",
        1,
        renewal_policy="start_now",
        start_policy="on_first_use",
        activation_deadline_days=30,
        data_bytes=50,
    )
    rows = shop.open(line, plan, 2)
    shop.wait(hours=2)
    shop.report(line, 10)
    assert _dates(rows[0]) == (None, None)

    shop.report(line, 20)

    assert _dates(rows[0]) == (shop.now, shop.now + timedelta(days=1))
    assert _dates(rows[1])[0] == _dates(rows[0])[1]
    assert (shop.used(base), shop.used(rows[0])) == (10, 20)
    shop.check()


def test_what_is_not_used_in_time_lapses_and_frees_what_waited(shop: Shop) -> None:
    line = shop.line()
    twice = shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=10), 2)
    [behind] = shop.open(line, shop.plan("month"))
    deadline = shop.now + timedelta(days=10)
    shop.now = deadline
    assert [view.state for view in shop.periods(line)] == ["lapsed", "lapsed", "queued"]
    shop.wait(hours=5)

    assert lapse_periods(shop.now) == 2
    assert lapse_periods(shop.now) == 0

    assert [_dates(row) for row in twice] == [(None, None)] * 2
    assert _dates(behind)[0] == deadline
    assert _valid_until(line) == _dates(behind)[1]
    assert line.service_state == "active"
    assert list(Reschedule.objects.values_list("period_id", "reason")) == [(behind.pk, "lapse")]
    shop.check()


def test_use_at_the_deadline_comes_too_late(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=10))
    shop.wait(days=10)

    shop.report(line, 5)

    assert shop.overruns(line) == [(None, 5, "block", False)]
    assert shop.periods(line)[0].state == "lapsed"


def test_a_line_with_a_waiting_period_outlives_its_grace(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("day"))
    shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=90))
    shop.now = running.ends_at + timedelta(days=60)

    line.refresh_from_db()
    assert line.state_at(shop.now) == "grace"
    shop.report(line, 5)

    line.refresh_from_db()
    assert line.state_at(shop.now) == line.service_state == "active"
    shop.now = line.valid_until + timedelta(days=30)
    assert line.state_at(shop.now) == "terminated"


def test_refunding_the_waiting_one_dates_those_behind_it(shop: Shop) -> None:
    line = shop.line()
    [waiting] = shop.open(line, shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=90))
    [behind] = shop.open(line, shop.plan("month"))
    shop.wait(hours=1)

    revoke_periods(waiting.order, shop.now)

    assert _dates(behind)[0] == shop.now
    assert _valid_until(line) == _dates(behind)[1]
    shop.check()


def test_a_second_waiting_period_gets_its_deadline_when_its_turn_is_known(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=90)
    [first], [second] = shop.open(line, plan), shop.open(line, plan)
    second.refresh_from_db()
    assert second.opens_by is None
    shop.wait(days=80)

    shop.report(line, 5)

    second.refresh_from_db()
    line.refresh_from_db()
    assert _dates(second) == (None, None)
    assert second.opens_by == _dates(first)[1] + timedelta(days=90)
    assert line.held_until == second.opens_by
    shop.check()


def test_depletion_starts_the_next_one_which_takes_the_rest_of_the_record(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("month", data_bytes=100, voice_seconds=60))
    [following] = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted", data_bytes=100))
    [later] = shop.open(line, shop.plan("month"))
    assert _dates(following)[0] == _dates(running)[1]
    shop.wait(days=2)

    shop.report(line, 130)

    assert _dates(running)[1] == _dates(following)[0] == shop.now
    assert _dates(later)[0] == _dates(following)[1] == shop.now + timedelta(days=7)
    assert (shop.used(running), shop.used(following)) == (100, 30)
    assert shop.overruns(line) == []
    assert _valid_until(line) == _dates(later)[1]
    assert set(Reschedule.objects.values_list("reason", flat=True)) == {"depletion"}
    shop.check()


def test_using_up_exactly_starts_the_next_one_too(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=100))
    [following] = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted"))
    shop.wait(hours=1)
    shop.report(line, 99)
    assert _dates(following)[0] > shop.now
    shop.wait(hours=1)

    shop.report(line, 1)

    assert _dates(following)[0] == shop.now
    shop.check()


def test_a_refill_to_come_is_not_depletion(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", 3, data_bytes=100, refill="monthly"))
    [following] = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted"))

    shop.report(line, 150)

    assert _dates(following)[0] > shop.now
    assert shop.overruns(line)[0][1] == 50
    shop.check()


def test_depletion_does_not_start_a_plan_that_extends(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("month", data_bytes=100))
    [following] = shop.open(line, shop.plan("month"))

    shop.report(line, 150)

    assert _dates(following)[0] == _dates(running)[1]
    assert not Reschedule.objects.exists()


def test_one_record_may_use_up_several_periods(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=100))
    rows = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted", data_bytes=100), 3)
    shop.wait(hours=1)

    shop.report(line, 350)

    assert [shop.used(row) for row in rows] == [100, 100, 50]
    assert Period.objects.filter(starts_at__lte=shop.now, ends_at__gt=shop.now).count() == 1
    shop.check()


def test_stored_states_follow_the_dates(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 1)
    for _ in range(3):
        shop.open(line, plan)
    shop.wait(days=1, hours=1)
    shown = [view.state for view in shop.periods(line)]

    moved = catch_up_periods(shop.now)

    stored = list(Period.objects.order_by("position").values_list("state", flat=True))
    assert (moved, stored) == (2, ["ended", "active", "queued"])
    assert shown == stored
    assert catch_up_periods(shop.now) == 0
    shop.wait(days=9)
    assert catch_up_periods(shop.now) == 2
    assert set(Period.objects.values_list("state", flat=True)) == {"ended"}
    shop.check()


def test_a_clock_put_back_shows_what_was_true_then(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("day", 1), 2)
    shop.wait(days=1, hours=1)
    catch_up_periods(shop.now)

    shop.wait(days=-1)

    assert [view.state for view in shop.periods(line)] == ["active", "queued"]
    assert catch_up_periods(shop.now) == 0


def test_a_suspended_period_neither_starts_nor_gives_way_nor_lapses(shop: Shop) -> None:
    line = shop.line()
    [running] = shop.open(line, shop.plan("month", data_bytes=100))
    [following] = shop.open(line, shop.plan("day", 7, renewal_policy="queue_depleted"))
    before = _dates(following)
    waiting = shop.line()
    [first] = shop.open(waiting, shop.plan("day", 1, start_policy="on_first_use", activation_deadline_days=1))
    Period.objects.filter(pk__in=[running.pk, first.pk]).update(state="suspended")

    shop.report(line, 150)
    shop.report(waiting, 5)
    shop.wait(days=2)

    assert lapse_periods(shop.now) == 0
    assert (_dates(following), _dates(first)) == (before, (None, None))
    assert [view.state for view in shop.periods(waiting)] == ["suspended"]
    assert len(shop.overruns(line)) == len(shop.overruns(waiting)) == 1
    shop.check()
