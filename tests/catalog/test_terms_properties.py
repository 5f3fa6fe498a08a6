"""What holds for every calendar: any zone, any instant, any mix of terms, renewed early or late."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from everline.catalog.terms import (
    Chain,
    Refill,
    Span,
    Term,
    days_left,
    months_of,
    next_span,
    refill_spans,
)

# Half-hour and hour changes, changes at midnight, changes across a date line, none at all, both hemispheres.
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Africa/Cairo",
        "Africa/Casablanca",
        "America/Asuncion",
        "America/Havana",
        "America/New_York",
        "America/Santiago",
        "America/Sao_Paulo",
        "America/St_Johns",
        "Antarctica/Troll",
        "Asia/Beirut",
        "Asia/Gaza",
        "Asia/Kathmandu",
        "Asia/Shanghai",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "Australia/Sydney",
        "Europe/Berlin",
        "Europe/London",
        "Pacific/Apia",
        "Pacific/Chatham",
        "Pacific/Kiritimati",
    )
]
WIDEST_CHANGE = timedelta(hours=26)

zones = st.sampled_from(ZONES)
calendar_terms = st.one_of(
    st.builds(Term, st.just("month"), st.integers(1, 24)),
    st.builds(Term, st.just("year"), st.integers(1, 2)),
)
terms = st.one_of(st.builds(Term, st.just("day"), st.integers(1, 90)), calendar_terms)
delays = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=60))


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Any instant of the years we sell in, half of them where calendars are hard."""
    plain = st.datetimes(datetime(2008, 1, 1), datetime(2045, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
    if draw(st.booleans()):
        return draw(plain)
    zone = draw(zones)
    year, (month, day) = (
        draw(st.integers(2008, 2045)),
        draw(st.sampled_from([(1, 31), (1, 30), (2, 28), (3, 31)])),
    )
    hour, minute = draw(st.integers(0, 23)), draw(st.sampled_from([0, 15, 30, 59]))
    return datetime(year, month, day, hour, minute, tzinfo=zone).astimezone(UTC)


def run(start: datetime, zone: ZoneInfo, sold: list[Term]) -> list[Span]:
    spans: list[Span] = []
    for term in sold:
        begin, chain = (spans[-1].ends_at, spans[-1].chain) if spans else (start, None)
        spans.append(next_span(start=begin, term=term, zone=zone, chain=chain))
    return spans


@given(instants(), zones, st.lists(terms, min_size=1, max_size=12))
def test_unbroken_periods_tile(start: datetime, zone: ZoneInfo, sold: list[Term]) -> None:
    spans = run(start, zone, sold)

    assert spans[0].starts_at == start
    assert all(before.ends_at == after.starts_at for before, after in pairwise(spans))
    assert all(span.starts_at < span.ends_at for span in spans)
    assert all(span.ends_at.tzinfo is UTC for span in spans)


@given(instants(), zones, st.lists(calendar_terms, min_size=1, max_size=12))
def test_the_anchor_is_kept(start: datetime, zone: ZoneInfo, sold: list[Term]) -> None:
    anchor = start.astimezone(zone)

    spans = run(start, zone, sold)

    elapsed = 0
    for term, span in zip(sold, spans, strict=True):
        elapsed += months_of(term)
        year, month0 = divmod(anchor.year * 12 + anchor.month - 1 + elapsed, 12)
        day = min(anchor.day, monthrange(year, month0 + 1)[1])
        wall = datetime.combine(date(year, month0 + 1, day), anchor.time())
        before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        assert before is not None
        assert after is not None
        gap = max(timedelta(0), after - before)
        assert span.chain == Chain(start, elapsed)
        assert span.ends_at.astimezone(zone).replace(tzinfo=None) == wall + gap
        assert span.ends_at == wall.replace(tzinfo=UTC) - before


@given(instants(), zones, st.data())
def test_however_it_is_cut_the_same_months_end_at_the_same_instant(
    start: datetime, zone: ZoneInfo, data: st.DataObject
) -> None:
    years = data.draw(st.integers(1, 4))
    cuts = data.draw(st.sets(st.integers(1, years * 12 - 1), max_size=12))
    edges = [0, *sorted(cuts), years * 12]

    pieces = run(start, zone, [Term("month", after - before) for before, after in pairwise(edges)])
    whole = run(start, zone, [Term("year", years)])
    by_year = run(start, zone, [Term("year", 1)] * years)

    assert pieces[-1].ends_at == whole[-1].ends_at == by_year[-1].ends_at
    assert pieces[-1].chain == whole[-1].chain == by_year[-1].chain


@given(instants(), zones)
@example(datetime(2027, 1, 31, 15, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
def test_twelve_months_end_where_one_year_ends(start: datetime, zone: ZoneInfo) -> None:
    assert (
        run(start, zone, [Term("month", 1)] * 12)[-1].ends_at
        == run(start, zone, [Term("year", 1)])[-1].ends_at
    )


@given(instants(), zones, calendar_terms, delays, st.lists(calendar_terms, min_size=1, max_size=4))
def test_a_late_renewal_counts_from_its_own_start(
    start: datetime, zone: ZoneInfo, first: Term, delay: timedelta, later: list[Term]
) -> None:
    expired = next_span(start=start, term=first, zone=zone).ends_at

    late = run(expired + delay, zone, later)

    assert late[0].starts_at == expired + delay
    assert late[0].chain == Chain(expired + delay, months_of(later[0]))
    assert late == run(expired + delay, zone, later)


@given(instants(), zones, st.integers(1, 60), st.booleans())
def test_days_are_never_shorter_than_sold(
    start: datetime, zone: ZoneInfo, days: int, calendar_day: bool
) -> None:
    span = next_span(start=start, term=Term("day", days), zone=zone, calendar_day=calendar_day)

    extra = span.ends_at - span.starts_at - timedelta(days=days)
    if calendar_day:
        assert timedelta(0) <= extra < timedelta(days=1) + WIDEST_CHANGE
    else:
        assert extra == timedelta(0)
    assert span.chain is None


@given(instants(), zones, st.integers(1, 60))
def test_a_calendar_day_pass_ends_when_a_date_begins(start: datetime, zone: ZoneInfo, days: int) -> None:
    span = next_span(start=start, term=Term("day", days), zone=zone, calendar_day=True)

    end = span.ends_at.astimezone(zone)
    just_before = (span.ends_at - timedelta(microseconds=1)).astimezone(zone)
    assert just_before.date() < end.date()


@given(instants(), zones, st.lists(calendar_terms, min_size=1, max_size=4))
def test_months_are_never_shorter_than_sold(start: datetime, zone: ZoneInfo, sold: list[Term]) -> None:
    """By the calendar: no period is shorter than its months of 28 days and the clock's change allow."""
    for term, span in zip(sold, run(start, zone, sold), strict=True):
        shortest = timedelta(days=28) + timedelta(days=30) * (months_of(term) - 1) - WIDEST_CHANGE
        longest = timedelta(days=31) * months_of(term) + WIDEST_CHANGE

        assert shortest <= span.ends_at - span.starts_at <= longest


@given(instants(), zones, st.lists(terms, min_size=1, max_size=3), st.sampled_from(Refill), st.booleans())
def test_refills_tile_their_period(
    start: datetime, zone: ZoneInfo, sold: list[Term], refill: Refill, calendar_day: bool
) -> None:
    span = run(start, zone, sold)[-1]

    refills = refill_spans(span, refill, zone, calendar_day=calendar_day)

    assert refills[0][0] == span.starts_at
    assert refills[-1][1] == span.ends_at
    assert all(begin < end for begin, end in refills)
    assert all(before[1] == after[0] for before, after in pairwise(refills))


@given(instants(), zones, st.lists(calendar_terms, max_size=3), calendar_terms)
def test_monthly_refills_are_as_many_as_the_months_sold(
    start: datetime, zone: ZoneInfo, before: list[Term], term: Term
) -> None:
    span = run(start, zone, [*before, term])[-1]

    refills = refill_spans(span, Refill.MONTHLY, zone)

    months = run(start, zone, [*before, *[Term("month", 1)] * months_of(term)])[-months_of(term) :]
    assert refills == [(month.starts_at, month.ends_at) for month in months]


@given(instants(), zones, st.integers(1, 30))
def test_daily_refills_are_never_fewer_than_the_days_sold(start: datetime, zone: ZoneInfo, days: int) -> None:
    by_hours = next_span(start=start, term=Term("day", days), zone=zone)
    by_dates = next_span(start=start, term=Term("day", days), zone=zone, calendar_day=True)
    skipped_date = zone.key in {"Pacific/Apia", "Pacific/Kiritimati"}

    assert len(refill_spans(by_hours, Refill.DAILY, zone)) == days
    assert len(refill_spans(by_dates, Refill.DAILY, zone, calendar_day=True)) >= days - skipped_date


@given(instants(), st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=800)))
def test_days_left_falls_by_one_a_day(now: datetime, left: timedelta) -> None:
    days = days_left(now, now + left)

    assert timedelta(days=days - 1) < left <= timedelta(days=days)
    assert days_left(now + timedelta(days=1), now + left) == max(0, days - 1)
