"""The scenarios of time, by number: zones that change, clocks that disagree, refunds, late news."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo

import pytest

from everline.accounts.models import Customer
from everline.core.ids import new_id
from everline.lines.models import Line
from everline.lines.services import catch_up_states
from everline.usage import selectors
from everline.usage.models import Allocation, Period, Reschedule
from everline.usage.schedule import PlanTerms, check_purchase
from everline.usage.services import catch_up_periods, lapse_periods, record_usage, revoke_periods
from tests.usage.shop import GB, Shop

pytestmark = pytest.mark.django_db
At = Callable[..., datetime]
DAY = timedelta(days=1)
SKEW = timedelta(minutes=10)


def _rows(line: Line) -> list[Period]:
    return list(Period.objects.filter(line=line).order_by("position"))


def _dated(line: Line) -> list[tuple[datetime | None, datetime | None]]:
    return [(row.starts_at, row.ends_at) for row in _rows(line) if row.state != "revoked"]


# 21: day passes at the changes of the clocks, and customers who move


@pytest.mark.parametrize(
    ("zone", "bought", "hours"),
    [
        ("Europe/Zurich", (2027, 3, 27, 22, 30), 24),  # 23:30, before the day of 23 hours
        ("Europe/Zurich", (2027, 10, 30, 21, 30), 24),  # 23:30, before the day of 25 hours
        ("America/New_York", (2027, 3, 14, 3, 30), 24),
        ("Australia/Lord_Howe", (2027, 4, 3, 12, 30), 24),
        ("Pacific/Apia", (2027, 1, 10, 9, 30), 24),
    ],
)
def test_scenario_21_a_day_pass_is_24_hours_whatever_the_clocks_do(
    shop: Shop, at: At, zone: str, bought: tuple[int, ...], hours: int
) -> None:
    shop.now = at(*bought)
    line = shop.line(zone)

    [row] = shop.open(line, shop.plan("day"))

    assert row.ends_at - row.starts_at == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("bought", "ends"),
    [
        ((2027, 3, 27, 22, 30), (2027, 3, 29, 22, 0)),  # 27 March 23:30, a day of 23 hours follows
        ((2027, 3, 28, 0, 30), (2027, 3, 29, 22, 0)),  # half an hour before the gap
        ((2027, 10, 30, 21, 30), (2027, 10, 31, 23, 0)),  # 24 hours later it is 22:30: midnight is next
        ((2027, 10, 31, 0, 30), (2027, 11, 1, 23, 0)),  # the first of two 2:30
        ((2027, 10, 31, 1, 30), (2027, 11, 1, 23, 0)),  # the second of two 2:30
    ],
)
def test_scenario_21_a_calendar_day_ends_at_local_midnight_and_is_never_shorter_than_a_day(
    shop: Shop, at: At, bought: tuple[int, ...], ends: tuple[int, ...]
) -> None:
    shop.now = at(*bought)
    line = shop.line("Europe/Zurich")

    [row] = shop.open(line, shop.plan("day", calendar_day=True))

    assert row.ends_at == at(*ends)
    assert row.ends_at - row.starts_at >= DAY
    assert row.ends_at.astimezone(ZoneInfo("Europe/Zurich")).strftime("%H:%M") == "00:00"


@pytest.mark.parametrize("moved_to", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_scenario_21_a_customer_who_moves_keeps_what_runs_and_what_is_queued(
    shop: Shop, at: At, moved_to: str
) -> None:
    shop.now = at(2027, 1, 31, 15, 0)
    line = shop.line("Europe/Zurich")
    plan = shop.plan("month", data_bytes=GB, refill="daily")
    shop.open(line, plan, 2)
    before = _dated(line)
    shop.wait(days=10)

    Customer.objects.filter(pk=line.customer_id).update(timezone=moved_to)
    catch_up_periods(shop.now)
    [later] = shop.open(line, plan)

    assert _dated(line)[:2] == before, "a move of the customer moves no boundary"
    assert later.starts_at == before[1][1]
    assert later.ends_at == at(2027, 4, 30, 14, 0), "the line keeps its zone: 16:00 in Zurich, summer time"
    line.refresh_from_db()
    assert line.timezone == "Europe/Zurich"
    shop.check()


def test_scenario_21_a_move_before_the_first_fulfilment_counts_and_one_after_does_not(shop: Shop) -> None:
    line = shop.line("Europe/Zurich")
    plan = shop.plan("day", calendar_day=True)
    Customer.objects.filter(pk=line.customer_id).update(timezone="Asia/Tokyo")

    [first] = shop.open(line, plan)
    Customer.objects.filter(pk=line.customer_id).update(timezone="America/New_York")
    [second] = shop.open(line, plan)

    tokyo = ZoneInfo("Asia/Tokyo")
    assert first.ends_at.astimezone(tokyo).hour == 0
    assert second.ends_at.astimezone(tokyo).hour == 0
    assert second.ends_at - second.starts_at == DAY


def test_scenario_21_moving_makes_no_refill_twice_and_skips_none(shop: Shop, at: At) -> None:
    shop.now = at(2027, 5, 1, 6, 0)
    line = shop.line("Asia/Shanghai")
    shop.open(line, shop.plan("day", 7, refill="daily", data_bytes=100, calendar_day=True))

    left = []
    for day in range(7):
        if day == 3:
            Customer.objects.filter(pk=line.customer_id).update(timezone="America/Los_Angeles")
        shop.report(line, 100 if day % 2 else 60)
        balance = shop.balance(line)
        assert balance is not None
        left.append(balance.remaining)
        shop.wait(days=1)

    assert left == [40, 0, 40, 0, 40, 0, 40]
    assert shop.overruns(line) == []


# 22: one clock decides, and it may disagree with another node's or step back


@pytest.mark.parametrize("order", list(permutations([-SKEW, timedelta(0), SKEW])))
def test_scenario_22_nodes_ten_minutes_apart_sweep_to_the_same_end(
    shop: Shop, order: tuple[timedelta, ...]
) -> None:
    line = shop.line()
    plan = shop.plan("day", 3, data_bytes=100)
    rows = [shop.open(line, plan)[0] for _ in range(3)]
    end = rows[0].ends_at
    before = _dated(line)

    for skew in order * 2:
        catch_up_periods(end + skew)
        lapse_periods(end + skew)
        catch_up_states(end + skew)

    assert _dated(line) == before
    states = [row.state for row in _rows(line)]
    assert states == ["ended", "active", "queued"]
    assert Reschedule.objects.count() == 0
    shop.now = end
    shop.check()


@pytest.mark.parametrize("skew", [-SKEW, SKEW])
def test_scenario_22_a_renewal_from_a_skewed_node_follows_without_hole_or_overlap(
    shop: Shop, skew: timedelta
) -> None:
    line = shop.line()
    plan = shop.plan("month")
    [first] = shop.open(line, plan)
    shop.now = first.ends_at + timedelta(minutes=5)
    catch_up_periods(shop.now)
    catch_up_states(shop.now)

    shop.now += skew
    [second] = shop.open(line, plan)

    if skew < timedelta(0):
        assert second.starts_at == first.ends_at
    else:
        assert second.starts_at == shop.now
    line.refresh_from_db()
    assert line.valid_until == second.ends_at
    assert line.state_at(shop.now) == "active"
    shop.check()


def test_scenario_22_a_refund_by_a_node_whose_clock_is_behind_leaves_what_has_ended(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 1, data_bytes=100)
    [ended] = shop.open(line, plan, order="ord_ended")
    [following] = shop.open(line, plan)
    shop.now = ended.ends_at
    catch_up_periods(shop.now)

    shop.now -= SKEW
    revocation = revoke_periods("ord_ended", shop.now)

    rows = _rows(line)
    assert [row.state for row in rows] == ["ended", "active"]
    assert revocation.revoked == []
    assert (rows[0].starts_at, rows[0].ends_at) == (ended.starts_at, ended.ends_at)
    assert (rows[1].starts_at, rows[1].ends_at) == (following.starts_at, following.ends_at)
    shop.check()


@pytest.mark.parametrize("back", [SKEW, DAY, 40 * DAY])
def test_scenario_22_a_refund_after_the_clock_went_back_breaks_nothing(shop: Shop, back: timedelta) -> None:
    line = shop.line()
    plan = shop.plan("day", 7, data_bytes=100)
    orders = [new_id("ord") for _ in range(3)]
    for order in orders:
        shop.open(line, plan, order=order)
    shop.wait(days=8)
    catch_up_periods(shop.now)

    shop.now -= back
    for order in orders:
        revoke_periods(order, shop.now)
        shop.check()

    assert all(row.state in {"revoked", "ended"} for row in _rows(line))
    assert sum(row.state == "ended" for row in _rows(line)) <= 1


def test_scenario_22_a_node_behind_refunds_what_another_has_just_opened(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 3, data_bytes=100)
    first, second = new_id("ord"), new_id("ord")
    shop.open(line, plan, order=first)
    shop.open(line, plan, order=second)
    opened = shop.now

    shop.now -= SKEW
    revoke_periods(first, shop.now)

    gone, left = _rows(line)
    assert (gone.state, gone.starts_at) == ("revoked", opened)
    assert left.starts_at == gone.ends_at
    assert left.ends_at - left.starts_at == 3 * DAY
    revoke_periods(second, shop.now)
    shop.check()
    line.refresh_from_db()
    assert line.state_at(opened + DAY) == "grace"
    assert line.valid_until == gone.ends_at


def test_scenario_22_a_record_stamped_by_a_clock_ahead_is_not_charged_to_the_next_period(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 1, data_bytes=100)
    first, second = shop.open(line, plan, 2)
    shop.now = first.ends_at - timedelta(minutes=2)

    shop.report(line, 10, at=shop.now + timedelta(minutes=4))
    refused = shop.report(line, 10, at=shop.now + timedelta(minutes=6))

    assert (shop.used(first), shop.used(second)) == (10, 0)
    assert [each.code for each in refused.rejected] == ["future"]


def test_scenario_22_deadlines_seen_by_a_skewed_node_lapse_once(shop: Shop) -> None:
    line = shop.line()
    [waiting] = shop.open(line, shop.plan("day", 3, start_policy="on_first_use", activation_deadline_days=5))
    deadline = waiting.opens_by
    assert deadline is not None

    done = [lapse_periods(deadline + skew) for skew in (-SKEW, SKEW, -SKEW, timedelta(0), SKEW)]

    assert done == [0, 1, 0, 0, 0]
    shop.now = deadline - SKEW
    shop.report(line, 10)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.starts_at) == ("lapsed", None), "what has lapsed is not woken by a clock"
    assert shop.overruns(line) == [(None, 10, "block", False)]


@pytest.mark.parametrize("later", [timedelta(minutes=1), 70 * DAY, 100 * DAY])
def test_scenario_22_a_deadline_swept_late_moves_nothing_that_was_bought_since(
    shop: Shop, later: timedelta
) -> None:
    line = shop.line()
    shop.open(line, shop.plan("day", 3, start_policy="on_first_use", activation_deadline_days=5))
    shop.wait(days=80)
    bought = shop.open(line, shop.plan("day", 60, refill="daily", data_bytes=100), 2)
    promised = [(row.starts_at, row.ends_at) for row in bought]

    shop.now += later
    assert lapse_periods(shop.now) == 1

    assert _dated(line)[1:] == promised
    assert _rows(line)[0].state == "lapsed"
    shop.check()


def test_a_period_used_up_the_instant_it_began_is_followed_without_overlap(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 2, renewal_policy="queue_depleted", data_bytes=100)
    [first] = shop.open(line, plan)
    shop.report(line, 100)

    [second] = shop.open(line, plan)
    shop.wait(seconds=1)
    shop.report(line, 10)

    second.refresh_from_db()
    assert shop.used(second) == 10
    assert first.starts_at < second.starts_at <= shop.now
    shop.check()


# 23: a stack of three, paid in any order, one refunded at any moment


@pytest.mark.parametrize("paid", list(permutations(["day", "month", "year"])))
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_scenario_23_three_paid_in_any_order_and_one_refunded_tile(
    shop: Shop, paid: tuple[str, ...], gone: int
) -> None:
    line = shop.line("Europe/Zurich")
    plans = {unit: shop.plan(unit, 1) for unit in paid}
    orders = [new_id("ord") for _ in paid]
    [running] = shop.open(line, shop.plan("day", 2))
    shop.wait(hours=5)
    for unit, order in zip(paid, orders, strict=True):
        shop.open(line, plans[unit], order=order)
        shop.wait(minutes=3)

    revoke_periods(orders[gone], shop.now)
    revoke_periods(orders[gone], shop.now)

    twin = shop.line("Europe/Zurich")
    shop.now = running.starts_at
    shop.open(twin, shop.plan("day", 2))
    for unit in (unit for number, unit in enumerate(paid) if number != gone):
        shop.open(twin, plans[unit])
    assert _dated(line) == _dated(twin), "as if the refunded one had never been bought"
    assert all(before[1] == later[0] for before, later in pairwise(_dated(line)))
    shop.check()


def test_scenario_23_the_middle_one_refunded_while_it_is_used(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 10, data_bytes=100)
    orders = [new_id("ord") for _ in range(3)]
    rows = [shop.open(line, plan, order=order)[0] for order in orders]
    shop.now = rows[1].starts_at + timedelta(days=4)
    shop.report(line, 70)

    revoke_periods(orders[1], shop.now)
    shop.report(line, 50)

    first, middle, last = _rows(line)
    assert (middle.state, middle.ends_at) == ("revoked", shop.now)
    assert (last.starts_at, last.ends_at) == (shop.now, shop.now + 10 * DAY)
    assert first.ends_at == middle.starts_at
    assert (shop.used(middle), shop.used(last)) == (70, 50)
    balance = shop.balance(line)
    assert balance is not None
    assert balance.remaining == 50
    shop.check()


# 24 and 25: at the boundary, after the close, during use


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_scenario_24_the_quote_and_the_fulfilment_agree_at_every_boundary(shop: Shop, seconds: int) -> None:
    line = shop.line(grace_days=2)
    version = shop.plan("month")
    [first] = shop.open(line, version)

    for boundary in (first.ends_at, first.ends_at + 2 * DAY):
        shop.now = boundary + timedelta(seconds=seconds)
        schedule = selectors.schedules([line.pk], shop.now)[line.pk]
        over = boundary > first.ends_at and seconds >= 0
        if over:
            assert schedule.service_state == "terminated"
            continue
        [promised] = check_purchase(schedule, PlanTerms.from_version(version), 1, shop.now)
        late = shop.now > first.ends_at
        assert promised.starts_at == (shop.now if late else first.ends_at)


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(hours=72) - timedelta(microseconds=1), False),
        (timedelta(hours=72), True),
        (timedelta(days=300), True),
    ],
)
def test_scenario_25_a_late_record_lands_in_its_own_period(shop: Shop, age: timedelta, late: bool) -> None:
    line = shop.line()
    plan = shop.plan("day", 5, data_bytes=100, overage="wallet")
    first, second = shop.open(line, plan, 2)
    happened = first.starts_at + timedelta(hours=1)
    shop.now = first.ends_at + age

    shop.report(line, 30, at=happened)
    again = shop.report(line, 30, at=happened, id="other")

    assert again.accepted == 1
    assert shop.used(first) == (0 if late else 60)
    assert shop.used(second) == 0
    parts = list(Allocation.objects.values_list("period_id", "overrun", "late"))
    assert parts == [(first.pk, "wallet" if late else "", late)] * 2
    shop.check()


def test_scenario_25_a_top_up_in_the_middle_of_a_session_carries_its_rest(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=100))
    parts = [shop.record(line, 40, id=f"part-{number}") for number in range(5)]

    for number, part in enumerate(parts):
        if number == 2:
            [extra] = shop.open(line, shop.plan("day", 1, data_bytes=90, renewal_policy="start_now"))
        record_usage([part], shop.now)

    assert shop.used(extra) == 90
    assert sum(quantity for _period, quantity, _rule, _late in shop.overruns(line)) == 200 - 190
    balance = shop.balance(line)
    assert balance is not None
    assert balance.remaining == 0
    shop.check()


def test_scenario_25_the_whole_session_reported_late_after_a_top_up_is_charged_by_its_time(
    shop: Shop,
) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month", data_bytes=100))
    shop.wait(hours=2)
    [extra] = shop.open(line, shop.plan("day", 1, data_bytes=90, renewal_policy="start_now"))

    shop.report(line, 130, at=shop.now - timedelta(hours=1))

    assert (shop.used(base), shop.used(extra)) == (100, 0), "the top-up was not there yet"
    assert shop.overruns(line) == [(base.pk, 30, "block", False)]


def test_scenario_25_records_in_any_order_leave_the_same_sums(shop: Shop) -> None:
    sums = []
    for order in permutations(range(4)):
        line = shop.line()
        shop.now = datetime(2027, 6, 1, 12, tzinfo=UTC)
        rows = shop.open(line, shop.plan("day", 1, data_bytes=100), 2)
        start = shop.now
        shop.now += timedelta(hours=40)
        ages = [timedelta(hours=hours) for hours in (1, 10, 25, 30)]
        for number in order:
            shop.report(line, 60, at=start + ages[number])
        sums.append((shop.used(rows[0]), shop.used(rows[1]), sum(each[1] for each in shop.overruns(line))))

    assert set(sums) == {(100, 100, 40)}
    shop.check()
