from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everline.core import ids
from everline.core.errors import NotFound
from everline.core.ids import PrefixedIdField


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_every_number_has_one_text_and_back(number: int) -> None:
    text = ids.from_int("ln", number)

    assert ids.to_int("ln", text) == number
    assert len(text) == len("ln_") + 13


def test_neighbours_look_nothing_alike() -> None:
    one, two = ids.from_int("ln", 1000), ids.from_int("ln", 1001)

    assert sum(a != b for a, b in zip(one, two, strict=True)) > 5


def test_fresh_ids_differ_and_their_numbers_grow() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: ids.new_id("att"), range(50_000)))

    numbers = [ids.to_int("att", each) for each in made]
    assert len(set(made)) == len(made)
    assert max(numbers) >> 22 >= numbers[0] >> 22


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ln_",
        "ln",
        "ord_0000000000000",
        "ln_000000000000",
        "ln_00000000000000",
        "ln_000000000000I",
        "ln_ZZZZZZZZZZZZZ",
        "LN_0000000000000",
        "ln_0000000000000\n",
        " ln_0000000000000",
        None,
        5,
        "ln_000000000000\x00",
    ],
)
def test_what_is_no_id_of_this_kind_is_not_found(text: object) -> None:
    assert not ids.is_id("ln", text)
    with pytest.raises(NotFound):
        ids.require("ln", text)


def test_the_field_keeps_numbers_and_shows_texts() -> None:
    field = PrefixedIdField(prefix="ln", primary_key=True)

    text = field.get_default()

    assert text.startswith("ln_")
    assert field.from_db_value(field.get_prep_value(text)) == text
    assert field.to_python(7) == ids.from_int("ln", 7)
    with pytest.raises(ValueError, match="not an id"):
        field.get_prep_value("cus_0000000000000")


def test_a_migration_can_rebuild_the_field() -> None:
    field = PrefixedIdField(prefix="ln", primary_key=True)

    _name, _path, args, kwargs = field.deconstruct()

    assert PrefixedIdField(*args, **kwargs).prefix == "ln"
    assert "default" not in kwargs
