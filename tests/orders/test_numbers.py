import re
from datetime import UTC, datetime

from everline.orders.models import NUMBER_LENGTH
from everline.orders.numbers import new_number

NOW = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


def test_a_number_names_brand_and_year_and_is_fixed_in_width() -> None:
    numbers = [new_number("LEB", NOW) for _ in range(500)]

    assert all(re.fullmatch(r"LEB-26-[0-9A-HJKMNP-TV-Z]{6}", number) for number in numbers)
    assert {len(number) for number in numbers} == {13}


def test_numbers_are_not_to_be_guessed_from_one_another() -> None:
    tails = [new_number("LEB", NOW)[-6:] for _ in range(500)]

    assert len(set(tails)) == 500
    assert tails != sorted(tails)


def test_the_longest_prefix_fits() -> None:
    assert len(new_number("LEBXX", NOW)) <= NUMBER_LENGTH
