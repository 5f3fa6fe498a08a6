"""The usage chart: every step is there, nothing is hidden, nonsense asks for nothing."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from django.http import QueryDict
from django.utils import translation

from everline.portal.charts import Asked, Chart, draw
from everline.portal.periods import WIDTH
from everline.portal.periods import draw as draw_periods
from everline.usage.types import Overrun, PeriodView, UsagePoint, UsageSeries

NOW = datetime(2027, 3, 10, 4, 30, tzinfo=UTC)
GB = 10**9


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


def point(starts: datetime, quantity: int, country: str | None = "JP", service: str = "data") -> UsagePoint:
    return UsagePoint(starts, starts, service, quantity, country)


def chart(asked: Asked, *points: UsagePoint, zone: str = "UTC", overruns: tuple[Overrun, ...] = ()) -> Chart:
    with translation.override("en"):
        return draw(asked, UsageSeries(list(points), NOW), overruns, now=NOW, zone=zone, locale="en")


def test_every_day_has_a_bar_and_empty_ones_are_zero() -> None:
    found = chart(Asked(), point(at(3, 10), 2 * GB), point(at(3, 1), GB), point(at(3, 1), GB, "KR"))

    assert len(found.bars) == 30
    assert [bar.value_text for bar in found.bars if bar.percent] == ["2 GB", "2 GB"]
    assert found.bars[0].value_text == "0 B"
    assert found.bars[-1].label == "3/10"
    assert found.total_text == "4 GB"
    assert found.span_text == "Feb 9, 2027 to Mar 10, 2027"


def test_countries_are_ranked_and_an_unknown_one_comes_last() -> None:
    found = chart(
        Asked(), point(at(3, 9), 5 * GB, None), point(at(3, 9), 2 * GB, "KR"), point(at(3, 10), 3 * GB, "JP")
    )

    assert [(each.name, each.value_text, each.percent) for each in found.places] == [
        ("Japan", "3 GB", 30),
        ("South Korea", "2 GB", 20),
        ("Place unknown", "5 GB", 50),
    ]


def test_the_smallest_use_is_seen() -> None:
    found = chart(Asked(), point(at(3, 9), 1), point(at(3, 10), 50 * GB))

    assert [bar.percent for bar in found.bars if bar.percent] == [1, 100]


def test_what_went_beyond_is_told_as_it_was() -> None:
    overruns = (
        Overrun("data", "throttle", GB, late=False),
        Overrun("data", "block", 5, late=True),
        Overrun("voice", "block", 60, late=False),
    )

    found = chart(Asked(), point(at(3, 10), GB), overruns=overruns)

    assert found.beyond == [
        "1 GB went beyond the allowance, at reduced speed. It costs you nothing.",
        "5 B was reported after its plan had closed. It costs you nothing.",
    ]


@pytest.mark.parametrize(("by", "bars"), [("hour", 24), ("day", 30), ("month", 12)])
def test_steps_of_the_lines_own_calendar(by: str, bars: int) -> None:
    found = chart(Asked(by=by), zone="Asia/Tokyo")  # type: ignore[arg-type]

    assert len(found.bars) == bars
    assert found.empty


def test_hours_of_today() -> None:
    found = chart(Asked(by="hour"), point(at(3, 10, 4), 7), zone="UTC")

    assert (found.bars[-1].label, found.bars[-1].value_text) == ("04:00", "7 B")
    assert found.span_text == "Mar 9, 2027, 05:00 to Mar 10, 2027, 05:00"


def test_calls_and_messages_have_their_own_units() -> None:
    voice = chart(Asked(service="voice"), point(at(3, 10), 125, service="voice"), point(at(3, 10), GB))
    sms = chart(Asked(service="sms"), point(at(3, 10), 3, service="sms"))

    assert (voice.total_text, sms.total_text) == ("2 minutes", "3 messages")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Asked()),
        ("by=hour&service=voice&back=3", Asked("hour", "voice", 3)),
        ("by=week&service=fax&back=-1", Asked()),
        ("back=99999", Asked()),
        ("back=999", Asked(back=400)),
        ("back=１&by=", Asked()),
        ("by=%00&service=%3Cscript%3E", Asked()),
    ],
)
def test_nonsense_is_as_if_it_had_not_been_asked(query: str, expected: Asked) -> None:
    assert Asked.of(QueryDict(query)) == expected


def test_the_farthest_window_can_be_drawn() -> None:
    for by in ("hour", "day", "month"):
        assert chart(Asked.of(QueryDict(f"by={by}&back=400"))).empty


def test_an_address_says_only_what_differs_from_nothing() -> None:
    assert Asked(by="hour", back=2).query(back=1) == "by=hour&service=data&back=1"
    assert Asked(back=2).query(service="sms", back="") == "by=day&service=sms"


# --- Periods ----------------------------------------------------------------------------------------------


def period(state: str, starts: datetime | None, ends: datetime | None, kind: str = "base") -> PeriodView:
    return PeriodView(
        id="per_1",
        line_id="ln_1",
        order="ord_1",
        seq=1,
        plan_id="pln_1",
        version_id=1,
        name_en="x",
        name_zh="x",
        kind=kind,
        state=state,
        starts_at=starts,
        ends_at=ends,
        opens_by=None,
        used=False,
    )


def test_a_queue_is_drawn_to_scale() -> None:
    found = draw_periods(
        [
            period("ended", at(1, 1), at(2, 1)),
            period("active", at(3, 1), at(3, 11)),
            period("queued", at(3, 11), at(3, 31)),
            period("active", at(3, 1), at(3, 6), "addon"),
            period("revoked", at(3, 31), at(4, 10)),
        ],
        NOW,
    )

    assert found is not None
    assert [(block.x, block.row) for block in found.blocks] == [(0, 0), (333, 0), (0, 1)]
    assert all(before.x + before.width <= after.x + 1 for before, after in pairwise(found.blocks[:2]))
    assert 0 < found.now < found.blocks[1].x
    assert found.rows == 2


def test_what_has_no_dates_yet_stands_at_the_end() -> None:
    found = draw_periods([period("active", at(3, 1), at(3, 20)), period("queued", None, None)], NOW)

    assert found is not None
    assert [block.dated for block in found.blocks] == [True, False]
    assert found.blocks[1].x == found.blocks[0].x + found.blocks[0].width
    assert found.blocks[1].x + found.blocks[1].width == WIDTH


def test_many_without_dates_still_fit() -> None:
    waiting = [period("queued", None, None) for _ in range(24)]

    found = draw_periods([period("active", at(3, 1), at(3, 20)), *waiting], NOW)

    assert found is not None
    assert found.blocks[-1].x + found.blocks[-1].width <= WIDTH


@pytest.mark.parametrize(
    "periods", [[], [period("queued", None, None)], [period("ended", at(1, 1), at(2, 1))]]
)
def test_without_dates_nothing_is_drawn(periods: list[PeriodView]) -> None:
    assert draw_periods(periods, NOW) is None
