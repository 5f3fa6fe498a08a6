import pytest

from everline.backoffice.charts import HEIGHT, WIDTH, bars, share


def test_the_highest_fills_the_chart_and_nothing_is_a_line() -> None:
    found = bars([0, 5, 10], ["a", "b", "c"])

    assert [bar.height for bar in found] == [1, HEIGHT // 2, HEIGHT]
    assert [bar.y + bar.height for bar in found] == [HEIGHT] * 3
    assert [bar.title for bar in found] == ["a", "b", "c"]
    assert found[-1].x + found[-1].width <= WIDTH


def test_nothing_at_all_and_nothing_but_zero() -> None:
    assert bars([], []) == []
    assert {bar.height for bar in bars([0] * 30, ["x"] * 30)} == {1}


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(0, 0, 0), (1, 1000, 1), (1, 2, 50), (7, 7, 100), (9, 7, 100)]
)
def test_share(part: int, whole: int, percent: int) -> None:
    assert share(part, whole) == percent
