"""Whatever is bought, refunded or used, and whenever: base periods tile, anchors hold, nothing gets lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from everline.catalog.terms import Term
from everline.lines.states import ServiceState
from everline.usage import reflow
from everline.usage.reflow import Booked, base_queue, valid_until
from everline.usage.schedule import PlanTerms, Schedule, after, bucket_spans, plan_periods

ZONES = st.sampled_from(
    ["UTC", "Asia/Shanghai", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
).map(ZoneInfo)
INSTANTS = st.integers(1_672_531_200, 1_988_150_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TERMS = st.builds(
    PlanTerms,
    term=st.one_of(
        st.builds(Term, st.just("day"), st.integers(1, 40)),
        st.builds(Term, st.just("month"), st.integers(1, 6)),
        st.builds(Term, st.just("year"), st.integers(1, 2)),
    ),
    calendar_day=st.booleans(),
    refill=st.sampled_from(["none", "monthly"]),
    renewal_policy=st.sampled_from(["extend", "queue_depleted"]),
    data_bytes=st.just(100),
)
WAITS = st.one_of(st.timedeltas(timedelta(0), timedelta(days=70)), st.just(timedelta(0)))
PURCHASES = st.lists(st.tuples(TERMS, st.integers(1, 4), WAITS), min_size=1, max_size=6)

Purchase = tuple[PlanTerms, int, timedelta]


def _buy(zone: ZoneInfo, start: datetime, purchases: Sequence[Purchase]) -> tuple[list[Booked], datetime]:
    """A line's history: early, late and stacked purchases, each after a wait."""
    schedule, now = Schedule("ln_1", zone, ServiceState.ACTIVE), start
    booked: list[Booked] = []
    for number, (terms, quantity, wait) in enumerate(purchases):
        now += wait
        planned = plan_periods(schedule, terms, quantity, now)
        for each in planned:
            booked.append(
                Booked(
                    id=f"per_{len(booked)}",
                    order=f"ord_{number}",
                    position=len(booked) + 1,
                    kind=each.kind,
                    state=each.state,
                    start_rule=each.start_rule,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                    opens_by=each.opens_by,
                    chain=each.chain,
                    terms=terms,
                    created_at=now,
                )
            )
        schedule = after(schedule, planned, terms)
    return booked, now


def _apart(booked: Sequence[Booked]) -> bool:
    alive = [each for each in base_queue(booked) if each.alive and each.starts_at is not None]
    return all(before.ends_at <= later.starts_at for before, later in pairwise(alive))


@given(ZONES, INSTANTS, PURCHASES)
def test_periods_tile_early_late_and_stacked(
    zone: ZoneInfo, start: datetime, purchases: list[Purchase]
) -> None:
    booked, _now = _buy(zone, start, purchases)

    for before, later in pairwise(booked):
        late = later.created_at > before.ends_at
        assert later.starts_at == (later.created_at if late else before.ends_at)
        if later.chain is not None:
            kept = not late and before.chain is not None
            assert later.chain.anchor == (before.chain.anchor if kept else later.starts_at)


@given(ZONES, INSTANTS, PURCHASES)
def test_a_quantity_equals_as_many_single_purchases(
    zone: ZoneInfo, start: datetime, purchases: list[Purchase]
) -> None:
    together, _now = _buy(zone, start, [(terms, quantity, timedelta(0)) for terms, quantity, _ in purchases])
    singly, _now = _buy(
        zone, start, [(terms, 1, timedelta(0)) for terms, quantity, _ in purchases for _n in range(quantity)]
    )

    assert [each.span() for each in together] == [each.span() for each in singly]


@given(ZONES, INSTANTS)
def test_scenario_19_twelve_months_end_where_one_year_ends(zone: ZoneInfo, start: datetime) -> None:
    months, _ = _buy(zone, start, [(PlanTerms(Term("month", 1)), 12, timedelta(0))])
    year, _ = _buy(zone, start, [(PlanTerms(Term("year", 1)), 1, timedelta(0))])

    assert months[-1].ends_at == year[-1].ends_at


@given(ZONES, INSTANTS, PURCHASES, st.data())
def test_scenario_23_refunding_queued_orders_is_as_if_they_had_never_been_bought(
    zone: ZoneInfo, start: datetime, purchases: list[Purchase], data: st.DataObject
) -> None:
    instant = [(terms, quantity, timedelta(0)) for terms, quantity, _wait in purchases]
    booked, now = _buy(zone, start, instant)
    gone = data.draw(st.sets(st.integers(1, len(purchases))), label="orders refunded")

    current = booked
    for number in gone:
        ids = {each.id for each in booked if each.order == f"ord_{number}"}
        current = reflow.revoke(current, ids, zone, now)

    expected, _ = _buy(zone, start, [each for number, each in enumerate(instant) if number not in gone])
    left = [each for each in current if each.alive]
    assert [each.span() for each in left] == [each.span() for each in expected]
    assert valid_until(current) == expected[-1].ends_at


@given(ZONES, INSTANTS, PURCHASES, st.timedeltas(timedelta(0), timedelta(days=400)), st.data())
def test_refunding_anything_at_any_time_leaves_no_hole_and_no_overlap(
    zone: ZoneInfo, start: datetime, purchases: list[Purchase], later: timedelta, data: st.DataObject
) -> None:
    booked, bought = _buy(zone, start, purchases)
    now = bought + later
    order = data.draw(st.sampled_from(sorted({each.order for each in booked})))

    moved = reflow.revoke(booked, {each.id for each in booked if each.order == order}, zone, now)

    assert _apart(moved)
    future = [each for each in base_queue(moved) if each.alive and each.ends_at > now]
    assert all(before.ends_at == after_.starts_at for before, after_ in pairwise(future))
    if future:
        assert future[0].starts_at <= now
    kept = [each for each in moved if each.alive]
    assert {each.id for each in kept} >= {each.id for each in booked if each.order != order}
    for before, after_ in zip(booked, moved, strict=True):
        if before.ends_at <= now:
            assert before == after_
    assert reflow.revoke(moved, {each.id for each in booked if each.order == order}, zone, now) == moved


@given(ZONES, INSTANTS, PURCHASES, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_a_first_use_at_any_time_dates_all_that_waited(
    zone: ZoneInfo, start: datetime, purchases: list[Purchase], wait: timedelta
) -> None:
    head = replace(purchases[0][0], start_policy="on_first_use", activation_deadline_days=90)
    booked, _now = _buy(
        zone, start, [(head, 2, timedelta(0)), *[(t, q, timedelta(0)) for t, q, _ in purchases[1:]]]
    )
    assert all(each.starts_at is None for each in booked)

    used = reflow.start_by_use(booked, booked[0].id, start + wait, zone)

    assert used[0].starts_at == start + wait
    assert all(before.ends_at == after_.starts_at for before, after_ in pairwise(used))


@given(ZONES, INSTANTS, st.integers(1, 60), TERMS)
def test_a_deadline_that_passed_frees_what_waited_at_that_deadline(
    zone: ZoneInfo, start: datetime, late: int, terms: PlanTerms
) -> None:
    head = PlanTerms(Term("day", 3), start_policy="on_first_use", activation_deadline_days=10)
    booked, _now = _buy(zone, start, [(head, 1, timedelta(0)), (terms, 2, timedelta(0))])
    deadline = start + timedelta(days=10)

    assert reflow.lapse(booked, zone, deadline - timedelta(seconds=1)) == booked
    lapsed = reflow.lapse(booked, zone, deadline + timedelta(days=late))

    assert lapsed[0].state == "lapsed"
    assert lapsed[1].starts_at == deadline
    assert lapsed[2].starts_at == lapsed[1].ends_at


@given(ZONES, INSTANTS, TERMS)
def test_buckets_tile_their_period(zone: ZoneInfo, start: datetime, terms: PlanTerms) -> None:
    [period], _ = _buy(zone, start, [(terms, 1, timedelta(0))])

    buckets = bucket_spans(terms, period.span(), zone)

    assert buckets[0][2] == period.starts_at
    assert buckets[-1][3] == period.ends_at
    assert all(before[3] == later[2] for before, later in pairwise(buckets))
    assert [number for _service, number, *_rest in buckets] == list(range(1, len(buckets) + 1))
