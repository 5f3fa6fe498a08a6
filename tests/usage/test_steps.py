"""The calendar of usage reports: steps tile, windows follow one another, whatever clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everline.usage.errors import InvalidRange
from everline.usage.steps import MAX_STEPS, UNITS, By, edges_between, steps_between, window

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Cairo",
    )
]
moments = st.integers(0, 15 * 366 * 24 * 60).map(
    lambda minutes: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def local(value: datetime, zone: str) -> str:
    return value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@given(moments, st.sampled_from(ZONES), st.sampled_from(UNITS), st.integers(1, 30), st.integers(0, 20))
def test_a_window_holds_whole_steps_and_follows_the_one_before(
    now: datetime, zone: ZoneInfo, by: By, count: int, back: int
) -> None:
    start, end = window(now, by, count, zone, back=back)
    earlier = window(now, by, count, zone, back=back + 1)

    steps = steps_between(start, end, by, zone)

    assert earlier[1] == start
    assert (steps[0][0], steps[-1][1]) == (start, end)
    assert all(before[1] == after[0] for before, after in pairwise(steps))
    assert all(begins < ends for begins, ends in steps)
    if by != "hour":  # an hour may be cut in two where the clock moves by half of one
        assert len(steps) == count
    if back == 0:
        assert start <= now < end


@given(moments, st.sampled_from(ZONES), st.sampled_from(UNITS))
def test_the_last_step_of_the_newest_window_holds_now(now: datetime, zone: ZoneInfo, by: By) -> None:
    [*_, last] = steps_between(*window(now, by, 3, zone), by, zone)

    assert last[0] <= now < last[1]


def test_days_begin_at_local_midnight() -> None:
    start, end = window(at("2027-03-10T20:00:00+00:00"), "day", 2, ZoneInfo("Asia/Tokyo"))

    assert local(start, "Asia/Tokyo") == "2027-03-10 00:00"
    assert local(end, "Asia/Tokyo") == "2027-03-12 00:00"


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2027-03-28", 23), ("2027-10-31", 25), ("2027-06-01", 24)],
    ids=["gap", "fold", "usual"],
)
def test_a_day_has_the_hours_it_has(day: str, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=zone)

    start, end = window(noon, "day", 1, zone)

    assert end - start == timedelta(hours=hours)
    assert len(steps_between(start, end, "hour", zone)) == hours


def test_a_day_without_midnight_begins_when_it_begins() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    noon = datetime(2018, 11, 4, 12, tzinfo=zone)

    start, _end = window(noon, "day", 1, zone)

    assert local(start, "America/Sao_Paulo") == "2018-11-04 01:00"


def test_months_cross_the_year() -> None:
    start, end = window(at("2027-02-15T00:00:00+00:00"), "month", 12, ZoneInfo("UTC"), back=1)

    assert (start, end) == (at("2025-03-01T00:00:00+00:00"), at("2026-03-01T00:00:00+00:00"))


def test_a_cut_step_at_both_ends() -> None:
    start, end = at("2027-01-01T10:30:00+00:00"), at("2027-01-01T12:15:00+00:00")

    steps = steps_between(start, end, "hour", ZoneInfo("UTC"))

    assert [(a.hour, a.minute, b.hour, b.minute) for a, b in steps] == [
        (10, 30, 11, 0),
        (11, 0, 12, 0),
        (12, 0, 12, 15),
    ]


@pytest.mark.parametrize(
    ("hours", "by"), [(0, "day"), (-1, "hour"), (MAX_STEPS + 2, "hour"), (1, "week"), (1, "")]
)
def test_nonsense_is_refused(hours: int, by: str) -> None:
    start = at("2027-01-01T00:00:00+00:00")

    with pytest.raises(InvalidRange):
        edges_between(start, start + timedelta(hours=hours), by, ZoneInfo("UTC"))
