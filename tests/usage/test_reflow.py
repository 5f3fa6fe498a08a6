"""Moves of the queue by example; no database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from everline.catalog.terms import Chain, Term
from everline.usage import reflow
from everline.usage.reflow import Booked
from everline.usage.schedule import PlanTerms, Schedule, after, plan_periods

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2027, 1, 31, 8, tzinfo=UTC)
MONTH = PlanTerms(Term("month", 1), data_bytes=1)
WEEK = PlanTerms(Term("day", 7), data_bytes=1)
NEXT = PlanTerms(Term("day", 7), renewal_policy="queue_depleted", data_bytes=1)
ON_USE = PlanTerms(Term("day", 7), start_policy="on_first_use", activation_deadline_days=30, data_bytes=1)


def _queue(*terms: PlanTerms) -> list[Booked]:
    schedule, booked = Schedule("ln_1", ZONE), []
    for number, each in enumerate(terms):
        [planned] = plan_periods(schedule, each, 1, START)
        booked.append(
            Booked(
                id=f"per_{number}",
                order=f"ord_{number}",
                position=number + 1,
                kind=planned.kind,
                state=planned.state,
                start_rule=planned.start_rule,
                starts_at=planned.starts_at,
                ends_at=planned.ends_at,
                opens_by=planned.opens_by,
                chain=planned.chain,
                terms=each,
                created_at=START,
            )
        )
        schedule = after(schedule, [planned], each)
    return booked


def test_a_refund_in_the_middle_keeps_the_anchor_of_the_chain() -> None:
    queue = _queue(MONTH, MONTH, MONTH, MONTH)

    moved = reflow.revoke(queue, {"per_1"}, ZONE, START + timedelta(days=3))

    assert [each.ends_at.day if each.ends_at else None for each in moved] == [28, None, 31, 30]
    assert moved[3].chain == Chain(START, 3)
    assert moved[0] == queue[0]


def test_a_refund_of_the_last_moves_nobody() -> None:
    queue = _queue(MONTH, WEEK, MONTH)

    moved = reflow.revoke(queue, {"per_2"}, ZONE, START)

    assert moved[:2] == queue[:2]
    assert reflow.valid_until(moved) == queue[1].ends_at


def test_a_refund_of_the_running_one_gives_the_next_a_new_anchor() -> None:
    queue = _queue(MONTH, MONTH)
    now = START + timedelta(days=10)

    cut, moved = reflow.revoke(queue, {"per_0"}, ZONE, now)

    assert (cut.ends_at, cut.chain, cut.state) == (now, None, "revoked")
    assert (moved.starts_at, moved.chain) == (now, Chain(now, 1))


def test_a_refund_in_the_instant_of_opening_leaves_no_empty_period() -> None:
    [cut] = reflow.revoke(_queue(MONTH), {"per_0"}, ZONE, START)

    assert cut.starts_at is not None
    assert cut.ends_at is not None
    assert cut.starts_at < cut.ends_at <= START + timedelta(microseconds=1)


def test_a_day_term_between_two_months_ends_the_chain_and_its_refund_joins_them() -> None:
    queue = _queue(MONTH, WEEK, MONTH)
    assert queue[2].chain == Chain(queue[1].ends_at or START, 1)

    moved = reflow.revoke(queue, {"per_1"}, ZONE, START)

    assert moved[2].chain == Chain(START, 2)


def test_depletion_ends_the_running_one_and_all_move_up() -> None:
    queue = _queue(MONTH, NEXT, WEEK)
    at = START + timedelta(days=2)

    moved = reflow.start_next(queue, queue[0], at, ZONE)

    assert [each.starts_at for each in moved] == [START, at, at + timedelta(days=7)]
    assert moved[0].ends_at == at
    assert reflow.valid_until(moved) == at + timedelta(days=14)


def test_first_use_stops_at_the_next_one_that_waits_and_sets_its_deadline() -> None:
    queue = _queue(ON_USE, WEEK, ON_USE, MONTH)
    at = START + timedelta(days=4)

    moved = reflow.start_by_use(queue, "per_0", at, ZONE)

    assert [each.starts_at for each in moved] == [at, at + timedelta(days=7), None, None]
    assert moved[2].opens_by == at + timedelta(days=14 + 30)
    assert moved[3].opens_by is None


def test_lapses_follow_one_another_as_their_deadlines_came() -> None:
    queue = _queue(ON_USE, ON_USE, MONTH)
    first = START + timedelta(days=30)

    once = reflow.lapse(queue, ZONE, first)
    late = reflow.lapse(queue, ZONE, first + timedelta(days=365))

    assert [each.state for each in once] == ["lapsed", "queued", "queued"]
    assert once[1].opens_by == first + timedelta(days=30)
    assert [each.state for each in late][:2] == ["lapsed", "lapsed"]
    assert late[2].starts_at == first + timedelta(days=30)


def test_a_lapse_behind_a_running_period_starts_the_next_at_its_end() -> None:
    queue = _queue(MONTH, ON_USE, WEEK)
    long_running = replace(queue[1], opens_by=START + timedelta(days=5))

    moved = reflow.lapse([queue[0], long_running, queue[2]], ZONE, START + timedelta(days=6))

    assert moved[2].starts_at == queue[0].ends_at


def test_what_is_held_and_until_when() -> None:
    assert reflow.held_until(_queue(MONTH)) is None
    assert reflow.held_until(_queue(ON_USE)) == START + timedelta(days=30)
    held = reflow.held_until(_queue(ON_USE, WEEK))
    assert held is not None
    assert held.year == 9999
