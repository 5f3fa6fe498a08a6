"""Consumption in memory: whatever comes, nothing is clamped, overspent or taken out of turn."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from everline.catalog.terms import Term
from everline.catalog.types import PeriodKind
from everline.usage.charging import CLOSES_AFTER, BucketState, Event, LineBook, Offer, Share, depleted
from everline.usage.reflow import Booked, valid_until
from everline.usage.schedule import PlanTerms
from everline.usage.states import PeriodState, StartRule
from everline.usage.types import BIGINT_MAX

NOW = datetime(2027, 5, 10, tzinfo=UTC)
TERMS = PlanTerms(Term("day", 30), data_bytes=100)
UTC_ZONE = ZoneInfo("UTC")


def _period(number: int, start: datetime, end: datetime, *, addon: bool, state: str = "active") -> Booked:
    return Booked(
        id=f"per_{number}",
        order=f"ord_{number}",
        position=number + 1,
        kind=PeriodKind.ADDON if addon else PeriodKind.BASE,
        state=PeriodState(state),
        start_rule=StartRule.NOW,
        starts_at=start,
        ends_at=end,
        opens_by=None,
        chain=None,
        terms=TERMS,
        created_at=start,
    )


def _book(*parts: tuple[int, int, int | None, str], now: datetime = NOW) -> LineBook:
    """Add-ons by (days since start, days to the end, total, countries) around NOW."""
    periods, buckets, offers = [], [], {}
    for number, (since, until, total, countries) in enumerate(parts):
        start, end = NOW - timedelta(days=since), NOW + timedelta(days=until)
        periods.append(_period(number, start, end, addon=True))
        offers[f"per_{number}"] = Offer(frozenset(countries.split()), "throttle")
        buckets.append(BucketState(f"bkt_{number}", f"per_{number}", "data", 1, start, end, total))
    return LineBook("ln_1", UTC_ZONE, periods, offers, buckets, now)


def _event(quantity: int, at: datetime = NOW, countries: frozenset[str] | None = None) -> Event:
    return Event(1, "data", quantity, at, countries)


PARTS = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.integers(1, 20),
        st.one_of(st.integers(1, 50), st.none()),
        st.sampled_from(["JP", "KR", "JP KR"]),
    ),
    max_size=6,
)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 80),
        st.timedeltas(timedelta(days=-25), timedelta(0)),
        st.sampled_from([None, frozenset({"JP"}), frozenset({"KR"}), frozenset[str]()]),
    ),
    max_size=12,
)


@given(PARTS, EVENTS, st.integers(0, 30))
def test_scenario_25_every_record_is_the_sum_of_its_shares_and_no_bucket_is_overspent(
    parts: list[tuple[int, int, int | None, str]],
    events: list[tuple[int, timedelta, frozenset[str] | None]],
    later: int,
) -> None:
    book = _book(*parts, now=NOW + timedelta(days=later))
    taken: dict[str, int] = defaultdict(int)

    for quantity, since, countries in events:
        shares = book.charge(_event(quantity, NOW + since, countries))

        assert sum(share.quantity for share in shares) == quantity
        assert all(share.quantity > 0 for share in shares)
        for share in shares:
            assert (share.bucket_id is None) == bool(share.overrun)
            assert not (share.late and share.bucket_id)
            if share.bucket_id is not None:
                taken[share.bucket_id] += share.quantity

    for bucket in book.buckets:
        assert bucket.used == taken[bucket.id]
        assert bucket.total is None or bucket.used <= bucket.total
    assert book.moved == {}


@given(PARTS, st.integers(1, 200))
def test_buckets_are_emptied_by_earliest_end_then_smallest_rest(
    parts: list[tuple[int, int, int | None, str]], quantity: int
) -> None:
    book = _book(*parts)
    before = {bucket.id: (bucket.ends_at, bucket.room) for bucket in book.buckets}

    shares = [share for share in book.charge(_event(quantity)) if share.bucket_id is not None]

    order = [before[str(share.bucket_id)] for share in shares]
    assert order == sorted(order)
    for share, (_end, room) in list(zip(shares, order, strict=True))[:-1]:
        assert share.quantity == room
    untouched = [key for key in before if key not in {share.bucket_id for share in shares}]
    if sum(share.quantity for share in shares) < quantity:
        assert untouched == []


def test_a_share_says_whose_it_is() -> None:
    book = _book((1, 5, 30, "JP"), (1, 9, 30, "JP"))

    shares = book.charge(_event(70))

    assert shares == [
        Share(1, 30, "per_0", "bkt_0"),
        Share(1, 30, "per_1", "bkt_1"),
        Share(1, 10, "per_0", None, overrun="throttle"),
    ]


def test_an_overrun_belongs_to_the_base_period_first() -> None:
    book = _book((1, 5, 10, "JP"))
    book.booked.append(_period(7, NOW - timedelta(days=1), NOW + timedelta(days=9), addon=False))
    book.offers["per_7"] = Offer(frozenset({"JP"}), "wallet")

    shares = book.charge(_event(15))

    assert [(share.period_id, share.quantity, share.overrun) for share in shares] == [
        ("per_0", 10, ""),
        ("per_7", 5, "wallet"),
    ]


def test_reserved_amounts_are_not_given_away() -> None:
    book = _book((1, 5, 100, "JP"))
    book.buckets[0].reserved = 60

    shares = book.charge(_event(50))

    assert [share.quantity for share in shares] == [40, 10]
    assert book.buckets[0].used == 40


def test_a_period_closes_exactly_72_hours_after_its_end() -> None:
    end = NOW + timedelta(days=1)
    for now, late in ((end + CLOSES_AFTER - timedelta(seconds=1), False), (end + CLOSES_AFTER, True)):
        [share] = _book((1, 1, 100, "JP"), now=now).charge(_event(5))
        assert share.late is late


def test_unlimited_still_fits_its_column() -> None:
    book = _book((1, 5, None, "JP"))

    first = book.charge(_event(BIGINT_MAX))
    second = book.charge(_event(1))

    assert first[0].bucket_id == "bkt_0"
    assert second[0].overrun == "throttle"


def test_depletion_is_about_data_where_there_is_data() -> None:
    end = NOW + timedelta(days=1)
    data = BucketState("b1", "p", "data", 1, NOW, end, 10, used=10)
    voice = BucketState("b2", "p", "voice", 1, NOW, end, 10)

    assert depleted([data, voice], NOW)
    assert not depleted([voice], NOW)
    assert not depleted([], NOW)
    assert not depleted([data, BucketState("b3", "p", "data", 2, end, end + timedelta(days=1), 10)], NOW)
    assert not depleted([BucketState("b4", "p", "data", 1, NOW, end, None)], NOW)


def test_a_line_with_add_ons_only_has_no_validity() -> None:
    assert valid_until(_book((1, 5, 10, "JP")).booked) is None
