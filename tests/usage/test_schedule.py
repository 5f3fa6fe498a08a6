"""Planning by example; no database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from everline.catalog.terms import Chain, Span, Term
from everline.lines.states import ServiceState
from everline.usage.errors import InvalidQuantity, LineTerminated, StackLimit
from everline.usage.schedule import (
    FOREVER,
    PlanTerms,
    Schedule,
    after,
    bucket_spans,
    check_purchase,
    check_stack,
    latest,
    plan_periods,
)

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
DAY = PlanTerms(Term("day", 1), data_bytes=1)
MONTH = PlanTerms(Term("month", 1), data_bytes=1)
YEAR = PlanTerms(Term("year", 1), data_bytes=1)
ON_USE = PlanTerms(Term("day", 7), start_policy="on_first_use", activation_deadline_days=30, data_bytes=1)
ADDON = PlanTerms(Term("day", 3), renewal_policy="start_now", data_bytes=1)
DEPLETED = PlanTerms(Term("day", 3), renewal_policy="queue_depleted", data_bytes=1)


def _schedule(**fields: Any) -> Schedule:
    return Schedule(line_id="ln_1", zone=ZURICH, **{"service_state": ServiceState.ACTIVE, **fields})


def test_a_new_line_starts_now() -> None:
    [planned] = plan_periods(_schedule(), MONTH, 1, NOW)

    assert (planned.starts_at, planned.ends_at) == (NOW, datetime(2027, 4, 10, 11, tzinfo=UTC))
    assert (planned.state, planned.kind, planned.chain) == ("active", "base", Chain(NOW, 1))


def test_a_valid_line_is_extended_from_its_end_on_its_anchor() -> None:
    anchor = datetime(2027, 1, 31, 8, tzinfo=UTC)
    schedule = _schedule(valid_until=datetime(2027, 3, 31, 7, tzinfo=UTC), chain=Chain(anchor, 2))

    planned = plan_periods(schedule, MONTH, 2, NOW)

    assert [each.starts_at.day for each in planned] == [31, 30]
    assert [each.state for each in planned] == ["queued", "queued"]
    assert planned[-1].chain == Chain(anchor, 4)


def test_a_day_pass_ends_the_chain() -> None:
    schedule = _schedule(valid_until=NOW + timedelta(days=1), chain=Chain(NOW, 1))

    day = plan_periods(schedule, DAY, 1, NOW)
    month = plan_periods(after(schedule, day, DAY), MONTH, 1, NOW)

    assert day[0].chain is None
    assert month[0].chain == Chain(day[0].ends_at, 1)


def test_after_expiry_it_starts_now_with_a_new_anchor() -> None:
    schedule = _schedule(valid_until=NOW - timedelta(seconds=1), chain=Chain(NOW - timedelta(days=31), 1))

    [planned] = plan_periods(schedule, MONTH, 1, NOW)

    assert planned.chain == Chain(NOW, 1)


def test_an_add_on_never_waits_for_the_base() -> None:
    schedule = _schedule(valid_until=NOW + timedelta(days=9), undated=(ON_USE,))

    planned = plan_periods(schedule, ADDON, 2, NOW)

    assert [each.starts_at for each in planned] == [NOW, NOW + timedelta(days=3)]
    assert after(schedule, planned, ADDON).valid_until == schedule.valid_until


def test_queue_depleted_waits_unless_the_running_one_is_used_up() -> None:
    end = NOW + timedelta(days=9)

    waiting = plan_periods(_schedule(valid_until=end), DEPLETED, 1, NOW)
    at_once = plan_periods(_schedule(valid_until=end, depleted=True), DEPLETED, 1, NOW)
    extending = plan_periods(_schedule(valid_until=end, depleted=True), MONTH, 1, NOW)

    assert waiting[0].starts_at == extending[0].starts_at == end
    assert at_once[0].starts_at == NOW


def test_first_use_leaves_times_open_until_a_deadline_that_runs_from_the_line_s_end() -> None:
    end = NOW + timedelta(days=100)

    planned = plan_periods(_schedule(valid_until=end), ON_USE, 2, NOW)

    assert [(each.starts_at, each.ends_at, each.state) for each in planned] == [(None, None, "queued")] * 2
    assert [each.start_rule for each in planned] == ["first_use", "previous"]
    assert {each.opens_by for each in planned} == {end + timedelta(days=30)}


def test_behind_an_open_period_everything_is_undated() -> None:
    schedule = after(_schedule(), plan_periods(_schedule(), ON_USE, 1, NOW), ON_USE)

    [month] = plan_periods(schedule, MONTH, 1, NOW)
    [again] = plan_periods(schedule, ON_USE, 1, NOW)

    assert (month.starts_at, month.opens_by, again.starts_at, again.opens_by) == (None, None, None, None)
    assert schedule.held_until == NOW + timedelta(days=30)
    assert after(schedule, [month], MONTH).held_until == FOREVER


@pytest.mark.parametrize("quantity", [0, -1, 25])
def test_quantity_is_one_to_twenty_four(quantity: int) -> None:
    with pytest.raises(InvalidQuantity):
        check_purchase(_schedule(), DAY, quantity, NOW)


def test_scenario_24_after_grace_nothing_can_be_bought() -> None:
    schedule = _schedule(service_state=ServiceState.TERMINATED, valid_until=NOW - timedelta(days=31))

    for terms in (DAY, MONTH, ADDON, ON_USE):
        with pytest.raises(LineTerminated):
            check_purchase(schedule, terms, 1, NOW)


def test_the_stack_limit_is_inclusive() -> None:
    at_limit = _schedule(valid_until=NOW + timedelta(days=730))

    [planned] = check_purchase(at_limit, DAY, 1, NOW)

    assert planned.ends_at == NOW + timedelta(days=731)
    beyond = _schedule(valid_until=NOW + timedelta(days=730, microseconds=1))
    with pytest.raises(StackLimit) as refused:
        check_purchase(beyond, DAY, 1, NOW)
    assert refused.value.extra == {"max_days": 731}
    assert "731" in refused.value.detail


def test_two_years_fit_whatever_leap_day_or_clock_change_lies_between() -> None:
    for start in (NOW, datetime(2027, 12, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)):
        assert len(check_purchase(_schedule(), YEAR, 2, start)) == 2
        with pytest.raises(StackLimit):
            check_purchase(_schedule(), YEAR, 3, start)


def test_what_waits_for_first_use_counts_for_the_limit() -> None:
    waiting = PlanTerms(Term("year", 1), start_policy="on_first_use", activation_deadline_days=30)
    schedule = after(_schedule(), plan_periods(_schedule(), waiting, 2, NOW), waiting)

    with pytest.raises(StackLimit):
        check_stack(schedule, plan_periods(schedule, MONTH, 1, NOW), MONTH, NOW)


def test_buckets_only_for_what_the_plan_includes() -> None:
    span = Span(NOW, NOW + timedelta(days=30), None)
    terms = PlanTerms(Term("day", 30), refill="daily", data_bytes=None, voice_seconds=0, sms_count=5)

    buckets = bucket_spans(terms, span, ZURICH)

    assert [(service, total) for service, _n, _s, _e, total in buckets][:2] == [("data", None), ("sms", 5)]
    assert len(buckets) == 1 + 30
    assert (buckets[0][2], buckets[0][3]) == (span.starts_at, span.ends_at)


def test_latest_of_nothing_and_of_no_deadline() -> None:
    assert latest([]) is None
    assert latest([NOW, None]) == FOREVER
