"""The calendar of periods, by example. What holds for every calendar stands in test_terms_properties."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from everline.catalog.terms import (
    Chain,
    Span,
    Term,
    add_months,
    days_left,
    months_of,
    next_span,
    refill_spans,
)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BEIRUT = ZoneInfo("Asia/Beirut")
HAVANA = ZoneInfo("America/Havana")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")
ST_JOHNS = ZoneInfo("America/St_Johns")

DAY = Term("day", 1)
MONTH = Term("month", 1)
YEAR = Term("year", 1)


def local(text: str, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def renew(start: datetime, zone: ZoneInfo, *terms: Term, chain: Chain | None = None) -> list[Span]:
    """Unbroken periods, each bought while the one before it still runs."""
    spans: list[Span] = []
    for term in terms:
        begin = spans[-1].ends_at if spans else start
        spans.append(next_span(start=begin, term=term, zone=zone, chain=spans[-1].chain if spans else chain))
    return spans


def ends(spans: list[Span], zone: ZoneInfo) -> list[str]:
    return [span.ends_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for span in spans]


# --- scenario 19: the last day of a month ---------------------------------------------------------------


@pytest.mark.parametrize(("year", "february"), [(2027, "2027-02-28"), (2028, "2028-02-29")])
def test_scenario_19_jan_31_monthly_returns_to_the_31st(year: int, february: str) -> None:
    start = local(f"{year}-01-31 10:15", SHANGHAI)

    spans = renew(start, SHANGHAI, MONTH, MONTH, MONTH, MONTH)

    assert ends(spans, SHANGHAI) == [
        f"{february} 10:15",
        f"{year}-03-31 10:15",
        f"{year}-04-30 10:15",
        f"{year}-05-31 10:15",
    ]
    assert all(before.ends_at == after.starts_at for before, after in pairwise(spans))


def test_scenario_19_renewed_early_keeps_the_anchor() -> None:
    start = local("2027-01-31 10:15", BERLIN)
    first = next_span(start=start, term=MONTH, zone=BERLIN)

    # bought on 3 February, long before the end
    second = next_span(start=first.ends_at, term=MONTH, zone=BERLIN, chain=first.chain)

    assert second.starts_at == first.ends_at
    assert ends([second], BERLIN) == ["2027-03-31 10:15"]
    assert second.chain == Chain(start, 2)


def test_scenario_19_renewed_after_expiry_takes_a_new_anchor() -> None:
    first = next_span(start=local("2027-01-31 10:15", BERLIN), term=MONTH, zone=BERLIN)
    late = local("2027-03-02 18:40", BERLIN)

    again = next_span(start=late, term=MONTH, zone=BERLIN, chain=None)

    assert first.ends_at < late
    assert again == Span(late, local("2027-04-02 18:40", BERLIN), Chain(late, 1))


@pytest.mark.parametrize("day", ["2027-01-31", "2027-02-28", "2028-02-29", "2027-08-30", "2027-12-31"])
def test_scenario_19_twelve_monthly_renewals_end_where_one_year_ends(day: str) -> None:
    start = local(f"{day} 23:30", NEW_YORK)

    monthly = renew(start, NEW_YORK, *[MONTH] * 12)
    yearly = renew(start, NEW_YORK, YEAR)

    assert monthly[-1].ends_at == yearly[-1].ends_at
    assert monthly[-1].chain == yearly[-1].chain


def test_months_and_years_share_one_chain() -> None:
    start = local("2027-08-31 09:00", BERLIN)

    spans = renew(start, BERLIN, MONTH, YEAR, Term("month", 5), MONTH)

    assert ends(spans, BERLIN) == [
        "2027-09-30 09:00",
        "2028-09-30 09:00",
        "2029-02-28 09:00",
        "2029-03-31 09:00",
    ]
    assert [span.chain.months for span in spans if span.chain] == [1, 13, 18, 19]


def test_a_day_term_ends_the_chain_and_its_end_is_the_next_anchor() -> None:
    start = local("2027-01-31 10:15", BERLIN)

    month, day, after = renew(start, BERLIN, MONTH, DAY, MONTH)

    assert month.chain == Chain(start, 1)
    assert day.chain is None
    assert after.chain == Chain(day.ends_at, 1)
    assert ends([day, after], BERLIN) == ["2027-03-01 10:15", "2027-04-01 10:15"]


# --- scenario 20: the leap day --------------------------------------------------------------------------


def test_scenario_20_feb_29_yearly_comes_back_to_the_leap_day() -> None:
    start = local("2028-02-29 12:00", SHANGHAI)

    spans = renew(start, SHANGHAI, YEAR, YEAR, YEAR, YEAR)

    assert ends(spans, SHANGHAI) == [
        "2029-02-28 12:00",
        "2030-02-28 12:00",
        "2031-02-28 12:00",
        "2032-02-29 12:00",
    ]


def test_scenario_20_periods_tile_half_open_without_gap_or_overlap() -> None:
    spans = renew(local("2028-02-29 12:00", NEW_YORK), NEW_YORK, YEAR, MONTH, YEAR, Term("month", 3), YEAR)

    assert all(before.ends_at == after.starts_at for before, after in pairwise(spans))
    assert all(span.starts_at < span.ends_at for span in spans)


def test_2100_is_no_leap_year() -> None:
    spans = renew(local("2096-02-29 12:00", SHANGHAI), SHANGHAI, Term("year", 4), Term("year", 4))

    assert ends(spans, SHANGHAI) == ["2100-02-28 12:00", "2104-02-29 12:00"]


# --- scenario 21: when the clocks change ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("bought", "wall_end"),
    [
        ("2027-03-27 23:30", "2027-03-29 00:30"),  # the 28th has 23 hours
        ("2027-10-30 23:30", "2027-10-31 22:30"),  # the 31st has 25
        ("2027-06-10 23:30", "2027-06-11 23:30"),
    ],
)
def test_scenario_21_day_pass_bought_before_a_short_or_long_day_lasts_24_hours(
    bought: str, wall_end: str
) -> None:
    start = local(bought, BERLIN)

    span = next_span(start=start, term=DAY, zone=BERLIN)

    assert span.ends_at - span.starts_at == timedelta(hours=24)
    assert ends([span], BERLIN) == [wall_end]


@pytest.mark.parametrize(
    ("bought", "days", "wall_end"),
    [
        ("2027-06-10 23:30", 1, "2027-06-12 00:00"),
        ("2027-06-10 00:00", 1, "2027-06-11 00:00"),  # exactly 24 hours away counts
        ("2027-06-10 00:01", 1, "2027-06-12 00:00"),
        ("2027-06-10 15:00", 7, "2027-06-18 00:00"),
        ("2027-03-27 23:30", 1, "2027-03-30 00:00"),  # 24 hours later it is 00:30 on the 29th
        ("2027-03-28 00:00", 1, "2027-03-30 00:00"),  # midnight after 23 hours would be short
        ("2027-10-31 00:00", 1, "2027-11-01 00:00"),  # 25 hours
        ("2027-10-31 00:30", 1, "2027-11-01 00:00"),  # 24.5 hours are not less than sold
    ],
)
def test_scenario_21_calendar_day_pass_ends_at_a_local_midnight_never_short(
    bought: str, days: int, wall_end: str
) -> None:
    start = local(bought, BERLIN)

    span = next_span(start=start, term=Term("day", days), zone=BERLIN, calendar_day=True)

    assert ends([span], BERLIN) == [wall_end]
    assert span.ends_at - span.starts_at >= timedelta(days=days)


def test_scenario_21_a_midnight_in_a_gap_moves_forward_by_the_gap() -> None:
    # Lebanon goes from 00:00 to 01:00 on 28 March 2027
    start = local("2027-03-26 12:00", BEIRUT)

    span = next_span(start=start, term=DAY, zone=BEIRUT, calendar_day=True)

    assert ends([span], BEIRUT) == ["2027-03-28 01:00"]
    assert span.ends_at == datetime(2027, 3, 27, 22, tzinfo=UTC)


def test_scenario_21_of_two_midnights_the_first_counts() -> None:
    # Cuba goes from 01:00 back to 00:00 on 7 November 2027
    start = local("2027-11-05 18:00", HAVANA)

    span = next_span(start=start, term=DAY, zone=HAVANA, calendar_day=True)

    assert span.ends_at == local("2027-11-07 00:00", HAVANA, fold=0)
    assert span.ends_at != local("2027-11-07 00:00", HAVANA, fold=1)


def test_scenario_21_a_midnight_shown_again_after_the_end_does_not_shorten_the_pass() -> None:
    # Newfoundland went from 00:01 back to 23:01 of the day before on 7 November 2010
    start = local("2010-11-05 23:30", ST_JOHNS)
    sold = start + timedelta(days=1)

    span = next_span(start=start + timedelta(minutes=45), term=DAY, zone=ST_JOHNS, calendar_day=True)

    assert sold < span.ends_at
    assert span.ends_at >= span.starts_at + timedelta(days=1)
    assert span.ends_at.astimezone(ST_JOHNS).strftime("%H:%M") == "00:00"


@pytest.mark.parametrize(
    ("start", "zone", "end"),
    [
        # the end falls into a gap: forward by the gap, whatever its size
        (local("2027-02-14 02:30", NEW_YORK), NEW_YORK, datetime(2027, 3, 14, 7, 30, tzinfo=UTC)),
        (local("2026-09-04 02:15", LORD_HOWE), LORD_HOWE, datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),
        # the end falls into a fold: the first one
        (local("2027-10-07 01:30", NEW_YORK), NEW_YORK, datetime(2027, 11, 7, 5, 30, tzinfo=UTC)),
    ],
)
def test_scenario_21_a_month_that_ends_in_a_gap_or_fold(
    start: datetime, zone: ZoneInfo, end: datetime
) -> None:
    span = next_span(start=start, term=MONTH, zone=zone)

    assert span.ends_at == end


def test_scenario_21_a_gap_on_the_way_leaves_no_trace_on_the_wall_clock() -> None:
    spans = renew(local("2027-02-14 02:30", NEW_YORK), NEW_YORK, MONTH, MONTH, MONTH)

    assert ends(spans, NEW_YORK) == ["2027-03-14 03:30", "2027-04-14 02:30", "2027-05-14 02:30"]


def test_scenario_21_bought_in_the_second_hour_of_a_fold_keeps_the_wall_clock() -> None:
    start = local("2027-11-07 01:30", NEW_YORK, fold=1)

    span = next_span(start=start, term=MONTH, zone=NEW_YORK)

    assert span.starts_at == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)
    assert ends([span], NEW_YORK) == ["2027-12-07 01:30"]


def test_scenario_21_the_clock_change_neither_loses_nor_gains_a_day() -> None:
    winter = next_span(start=local("2027-03-10 08:00", BERLIN), term=MONTH, zone=BERLIN)
    summer = next_span(start=local("2027-10-10 08:00", BERLIN), term=MONTH, zone=BERLIN)

    assert winter.ends_at - winter.starts_at == timedelta(days=31, hours=-1)
    assert summer.ends_at - summer.starts_at == timedelta(days=31, hours=1)
    assert ends([winter, summer], BERLIN) == ["2027-04-10 08:00", "2027-11-10 08:00"]


def test_scenario_21_the_zone_of_the_line_decides_not_the_offset_of_the_start() -> None:
    # the customer now lives in another zone: the same instant, another notation
    instant = local("2027-01-31 23:30", SHANGHAI)
    elsewhere = instant.astimezone(timezone(timedelta(hours=-8)))

    assert next_span(start=elsewhere, term=MONTH, zone=SHANGHAI) == next_span(
        start=instant, term=MONTH, zone=SHANGHAI
    )
    assert ends([next_span(start=elsewhere, term=MONTH, zone=SHANGHAI)], SHANGHAI) == ["2027-02-28 23:30"]


# --- refills --------------------------------------------------------------------------------------------


def walls(spans: list[tuple[datetime, datetime]], zone: ZoneInfo) -> list[str]:
    return [start.astimezone(zone).strftime("%m-%d %H:%M") for start, _ in spans]


def assert_tile(spans: list[tuple[datetime, datetime]], period: Span) -> None:
    assert spans[0][0] == period.starts_at
    assert spans[-1][1] == period.ends_at
    assert all(start < end for start, end in spans)
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_no_refill_is_the_period_itself() -> None:
    period = next_span(start=local("2027-01-31 10:15", BERLIN), term=YEAR, zone=BERLIN)

    assert refill_spans(period, "none", BERLIN) == [(period.starts_at, period.ends_at)]


def test_a_year_refills_monthly_on_its_anchor() -> None:
    period = next_span(start=local("2027-01-31 10:15", BERLIN), term=YEAR, zone=BERLIN)

    refills = refill_spans(period, "monthly", BERLIN)

    assert_tile(refills, period)
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert walls(refills, BERLIN) == [f"{month:02}-{day} 10:15" for month, day in enumerate(days, start=1)]


def test_a_year_that_continues_a_chain_refills_on_the_anchor_of_the_chain() -> None:
    _, period = renew(local("2027-08-31 10:15", BERLIN), BERLIN, MONTH, YEAR)

    refills = refill_spans(period, "monthly", BERLIN)

    assert_tile(refills, period)
    assert len(refills) == 12
    assert walls(refills, BERLIN)[:3] == ["09-30 10:15", "10-31 10:15", "11-30 10:15"]


@pytest.mark.parametrize("start", ["2027-02-01 03:00", "2027-03-01 05:00", "2027-12-31 23:00"])
def test_monthly_refills_count_in_the_zone_not_in_utc(start: str) -> None:
    period = next_span(start=local(start, SHANGHAI), term=Term("month", 6), zone=SHANGHAI)

    refills = refill_spans(period, "monthly", SHANGHAI)

    assert_tile(refills, period)
    assert len(refills) == 6


def test_a_day_term_refills_monthly_from_its_start() -> None:
    period = next_span(start=local("2027-01-31 10:15", BERLIN), term=Term("day", 90), zone=BERLIN)

    refills = refill_spans(period, "monthly", BERLIN)

    assert_tile(refills, period)
    assert walls(refills, BERLIN) == ["01-31 10:15", "02-28 10:15", "03-31 10:15", "04-30 10:15"]


def test_a_day_term_refills_daily_in_steps_of_24_hours() -> None:
    period = next_span(start=local("2027-03-26 20:00", BERLIN), term=Term("day", 4), zone=BERLIN)

    refills = refill_spans(period, "daily", BERLIN)

    assert_tile(refills, period)
    assert [end - start for start, end in refills] == [timedelta(hours=24)] * 4
    assert walls(refills, BERLIN) == ["03-26 20:00", "03-27 20:00", "03-28 21:00", "03-29 21:00"]


def test_a_calendar_day_term_refills_at_local_midnights() -> None:
    period = next_span(
        start=local("2027-03-26 20:00", BERLIN), term=Term("day", 3), zone=BERLIN, calendar_day=True
    )

    refills = refill_spans(period, "daily", BERLIN, calendar_day=True)

    assert_tile(refills, period)
    assert walls(refills, BERLIN) == ["03-26 20:00", "03-27 00:00", "03-28 00:00", "03-29 00:00"]


@pytest.mark.parametrize("start", ["2027-10-15 09:30", "2027-03-15 09:30", "2027-06-15 09:30"])
def test_a_month_refills_daily_at_the_wall_clock_of_its_anchor(start: str) -> None:
    period = next_span(start=local(start, BERLIN), term=MONTH, zone=BERLIN)

    refills = refill_spans(period, "daily", BERLIN)

    assert_tile(refills, period)
    days = period.ends_at.astimezone(BERLIN).date() - period.starts_at.astimezone(BERLIN).date()
    assert len(refills) == days.days
    assert {wall[-5:] for wall in walls(refills, BERLIN)} == {"09:30"}


def test_a_date_that_a_zone_skips_makes_no_empty_refill() -> None:
    # Samoa had no 30 December 2011
    period = next_span(start=local("2011-12-20 08:00", APIA), term=MONTH, zone=APIA)

    refills = refill_spans(period, "daily", APIA)

    assert_tile(refills, period)
    assert len(refills) == 30


# --- the small ones -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=-3), 0),
        (timedelta(0), 0),
        (timedelta(microseconds=1), 1),
        (timedelta(hours=24), 1),
        (timedelta(hours=24, microseconds=1), 2),
        (timedelta(days=365), 365),
    ],
)
def test_days_left_counts_a_begun_day_whole(left: timedelta, days: int) -> None:
    now = datetime(2027, 5, 1, 12, tzinfo=UTC)

    assert days_left(now, now + left) == days


@pytest.mark.parametrize(
    ("term", "months"),
    [(Term("day", 30), 0), (MONTH, 1), (Term("month", 6), 6), (YEAR, 12), (Term("year", 2), 24)],
)
def test_months_of(term: Term, months: int) -> None:
    assert months_of(term) == months


@pytest.mark.parametrize(("unit", "count"), [("week", 1), ("", 1), ("day", 0), ("month", -1)])
def test_a_term_that_is_none_is_refused(unit: str, count: int) -> None:
    with pytest.raises(ValueError, match=r"week|''|at least one|not a valid"):
        Term(unit, count)


def test_an_unknown_refill_is_refused() -> None:
    period = next_span(start=local("2027-01-01 00:00", BERLIN), term=DAY, zone=BERLIN)

    with pytest.raises(ValueError, match="hourly"):
        refill_spans(period, "hourly", BERLIN)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        next_span(start=datetime(2027, 1, 1), term=DAY, zone=BERLIN)  # noqa: DTZ001 - the point


def test_a_chain_that_ended_before_the_start_is_refused() -> None:
    start = local("2027-06-01 00:00", BERLIN)

    with pytest.raises(ValueError, match="the chain ends"):
        next_span(start=start, term=MONTH, zone=BERLIN, chain=Chain(local("2027-01-01 00:00", BERLIN), 1))


def test_no_months_later_is_the_anchor_itself_even_in_a_fold() -> None:
    second = local("2027-11-07 01:30", NEW_YORK, fold=1)

    assert add_months(second, 0, NEW_YORK) == second
