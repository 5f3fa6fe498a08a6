"""What strangers, clocks and operators may send to the kit: nonsense is refused by name, never by a crash."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from everline.core import clock, env, ids, sandbox_link
from everline.core.errors import NotFound
from everline.core.money import CURRENCIES, MAX_AMOUNT, Money, exponent

if TYPE_CHECKING:
    from collections.abc import Callable

STABLE = settings(derandomize=True, database=None, deadline=None)
AMOUNTS = st.integers(-MAX_AMOUNT, MAX_AMOUNT)
CODES = st.sampled_from(sorted(CURRENCIES))


# Money against decimal arithmetic


@STABLE
@given(AMOUNTS, CODES)
def test_scenario_18_major_units_are_exact(amount: int, code: str) -> None:
    shown = Money(amount, code).to_decimal()

    assert shown * 10 ** exponent(code) == amount
    assert -shown.as_tuple().exponent == exponent(code)


@STABLE
@given(st.integers(-(10**15), 10**15), st.integers(0, 30_000), CODES)
def test_scenario_18_a_share_is_what_decimal_says(amount: int, basis_points: int, code: str) -> None:
    exact = Decimal(amount) * basis_points / 10_000

    share = Money(amount, code).percent(basis_points)

    assert share.amount == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert share.currency == code


@STABLE
@given(st.integers(0, 10**15), st.integers(0, 5_000))
def test_scenario_18_tax_within_a_price_is_what_decimal_says(amount: int, basis_points: int) -> None:
    exact = Decimal(amount) * basis_points / (10_000 + basis_points)

    assert Money(amount, "EUR").included_share(basis_points).amount == int(
        exact.quantize(Decimal(1), ROUND_HALF_UP)
    )


@STABLE
@given(st.lists(AMOUNTS, max_size=20), CODES)
def test_a_sum_is_the_sum_in_any_order(amounts: list[int], code: str) -> None:
    parts = [Money(amount, code) for amount in amounts]

    assert Money.total(parts, code) == Money.total(parts[::-1], code) == Money(sum(amounts), code)


@STABLE
@given(AMOUNTS, st.integers(1, 40), st.integers(1, 40))
def test_scenario_15_splitting_a_split_loses_nothing(amount: int, first: int, second: int) -> None:
    pieces = [piece for part in Money(amount, "KWD").split(first) for piece in part.split(second)]

    assert len(pieces) == first * second
    assert Money.total(pieces, "KWD").amount == amount
    assert all(abs(piece.amount) <= abs(amount) for piece in pieces)
    assert all((piece.amount >= 0) == (amount >= 0) or not piece for piece in pieces)


@STABLE
@given(AMOUNTS, CODES, st.sampled_from(["en", "zh-hans"]))
def test_scenario_18_what_is_printed_can_be_read_back(amount: int, code: str, locale: str) -> None:
    text = Money(amount, code).format(locale)

    figure = "".join(char for char in text if char.isdigit())
    assert int(figure) == abs(amount)
    assert ("-" in text) == (amount < 0)
    assert text.count(".") == (1 if exponent(code) else 0)


# Ids


def test_ids_made_by_many_threads_at_once_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _n: [ids.new_id("x") for _ in range(2_000)], range(8)))

    made = [key for batch in batches for key in batch]
    assert len(set(made)) == len(made) == 16_000
    for batch in batches:
        numbers = [ids.to_int("x", key) for key in batch]
        assert numbers == sorted(numbers)


@STABLE
@given(st.text(max_size=30))
def test_any_text_is_an_id_or_not_found(text: str) -> None:
    for value in (text, f"ord_{text}"):
        if ids.is_id("ord", value):
            assert ids.from_int("ord", ids.to_int("ord", value)) == value
        else:
            with pytest.raises(NotFound):
                ids.require("ord", value)


@pytest.mark.parametrize("last", range(13))
def test_one_wrong_character_is_another_id_or_none(last: int) -> None:
    number = ids.to_int("ord", ids.new_id("ord"))
    text = ids.from_int("ord", number)

    for char in "0189AFZ":
        place = 4 + last
        changed = text[:place] + char + text[place + 1 :]
        if changed != text and ids.is_id("ord", changed):
            assert ids.to_int("ord", changed) != number


# The clock's file


def test_readers_see_every_jump_whole_and_the_last_one_for_good() -> None:
    steps = [timedelta(days=number) for number in range(1, 60)]
    known = {timedelta(0), *steps}
    stop = threading.Event()
    strange: list[timedelta] = []

    def read() -> timedelta:
        while not stop.is_set():
            seen = clock.offset()
            if seen not in known:
                strange.append(seen)
        return clock.offset()

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(6)]
        for step in steps:
            clock.set_offset(step)
            assert clock.offset() == step
        stop.set()
        last = {reader.result() for reader in readers}

    assert strange == []
    assert last == {steps[-1]}


def test_a_slow_reader_does_not_bring_an_old_time_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread reads the file, another reads its successor; the first one writes its finding last."""
    clock.set_offset(timedelta(hours=1))
    clock._cache.read = (None, timedelta(0))
    load = json.loads
    late: list[bool] = []

    def slow(text: str) -> Any:
        value = load(text)
        if not late:
            late.append(True)
            clock.set_offset(timedelta(hours=5))
            assert clock.offset() == timedelta(hours=5)
        return value

    monkeypatch.setattr(clock.json, "loads", slow)

    clock.offset()

    assert clock.offset() == timedelta(hours=5)


def test_a_clock_put_right_while_it_is_read_is_the_machines(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    clock.set_offset(timedelta(hours=1))
    clock._cache.read = (None, timedelta(0))
    stat = os.stat

    def gone_afterwards(path: Any, **more: Any) -> os.stat_result:
        found = stat(path, **more)
        if str(path).endswith("clock-offset"):
            Path(path).unlink()
        return found

    monkeypatch.setattr(clock.os, "stat", gone_afterwards)

    assert clock.offset() == timedelta(0)


# Settings from the environment


@pytest.mark.parametrize(
    "raw", ["http://[", "http://[::1", "http://a]b", "ftp://x", "//x", "x", "http:x:y", "javascript:alert(1)"]
)
def test_a_url_that_is_none_names_its_variable(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("X", raw)

    if raw == "http:x:y":  # a scheme is all that is asked for
        assert env.url("X", "", ("http", "https")) == raw
        return
    with pytest.raises(ImproperlyConfigured, match=r"^X:"):
        env.url("X", "", ("http", "https"))


def test_a_home_of_nobody_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "~nobody-has-this-name/data")

    with pytest.raises(ImproperlyConfigured, match=r"^X:"):
        env.path("X", "/tmp")


@STABLE
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20))
def test_every_reader_reads_or_names_the_variable(raw: str) -> None:
    readers: list[Callable[[], object]] = [
        lambda: env.integer("EVERLINE_X", 1, low=0, high=9),
        lambda: env.boolean("EVERLINE_X", default=True),
        lambda: env.choice("EVERLINE_X", "a", ("a", "b")),
        lambda: env.url("EVERLINE_X", "", ("http", "https")),
        lambda: env.words("EVERLINE_X"),
        lambda: env.text("EVERLINE_X"),
    ]
    complaints: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVERLINE_X", raw)
        for read in readers:
            try:
                read()
            except ImproperlyConfigured as error:
                complaints.append(str(error))
    assert all(each.startswith("EVERLINE_X:") for each in complaints)


# Signatures from strangers


@pytest.mark.parametrize("digits", [1, 12, 13, 20, 308, 309, 310, 4_300, 4_301, 7_000])
def test_a_signature_of_any_age_is_just_wrong(digits: int) -> None:
    stamp = "9" * digits

    assert not sandbox_link.verify("s", f"t={stamp},v1=00", b"{}", real_time=1_000.0)


@STABLE
@given(st.text(max_size=60))
def test_any_header_is_just_wrong(header: str) -> None:
    if any(0xD800 <= ord(char) <= 0xDFFF for char in header):
        return
    assert not sandbox_link.verify("s", header, b"{}", real_time=1_000.0)


def test_of_two_stamps_or_digests_none_is_a_way_around() -> None:
    good = sandbox_link.signature("s", 1_000, b"{}")
    _stamp, digest = good.split(",")

    assert sandbox_link.verify("s", good, b"{}", real_time=1_000.0)
    assert not sandbox_link.verify("s", f"{good},t=999", b"{}", real_time=1_000.0)
    assert not sandbox_link.verify("s", f"{good},v1=00", b"{}", real_time=1_000.0)
    assert not sandbox_link.verify("s", f"t=1000 ,{digest}x", b"{}", real_time=1_000.0)
