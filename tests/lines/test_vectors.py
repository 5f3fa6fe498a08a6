"""Card numbers, activation codes and states by the table: warnings never reject, codes read back whole."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from everline.core.models import Transition
from everline.core.states import IllegalTransition, transition
from everline.lines.checks import eid_holds, eid_warnings, iccid_warnings, luhn_holds, normalise_iccid
from everline.lines.errors import InvalidIccid, InvalidInstallData, InvalidLabel
from everline.lines.install import activation_code, install_data, qr_svg
from everline.lines.models import Line, LineProfile
from everline.lines.services import catch_up_states, rename_line, set_profile_states
from everline.lines.states import (
    PROFILE_MACHINE,
    SERVICE_MACHINE,
    ProfileState,
    ServiceState,
    effective_service_state,
)
from everline.lines.types import ProfileChange
from tests.core.racing import at_once, failures

if TYPE_CHECKING:
    from collections.abc import Callable

STABLE = settings(derandomize=True, database=None, deadline=None)
DIGITS = st.text("0123456789", min_size=18, max_size=19)
FIELD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="$"), max_size=40)


def _luhn_digit(digits: str) -> str:
    """The check digit by the textbook: double every second digit from the right."""
    doubled = [int(char) * (2 if place % 2 == 0 else 1) for place, char in enumerate(reversed(digits))]
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


# ICCID and EID


@pytest.mark.parametrize(
    "iccid",
    ["8944538526000000005", "89014103211118510720", "8986011670901093125", "89441000304113340219"],
)
def test_a_textbook_check_digit_is_the_only_one_that_holds(iccid: str) -> None:
    body = iccid[:-1]

    holding = [digit for digit in "0123456789" if luhn_holds(body + digit)]

    assert holding == [_luhn_digit(body)]


@STABLE
@given(DIGITS)
def test_luhn_agrees_with_the_textbook_and_finds_every_slip(body: str) -> None:
    good = body + _luhn_digit(body)

    assert luhn_holds(good)
    for place in range(0, len(good), 3):
        slip = good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :]
        assert not luhn_holds(slip)


@STABLE
@given(st.text("0123456789", min_size=30, max_size=30))
def test_two_check_digits_make_an_eid_hold(body: str) -> None:
    check = 98 - int(body + "00") % 97

    eid = f"{body}{check:02d}"

    assert eid_holds(eid)
    assert eid_warnings(eid) == []
    assert not eid_holds(eid[:-1] + str((int(eid[-1]) + 1) % 10))


@pytest.mark.parametrize(
    ("iccid", "warnings"),
    [
        ("894453852600000000", ["iccid_without_check_digit"]),
        ("994453852600000000", ["iccid_not_telecom", "iccid_without_check_digit"]),
        ("0000000000000000000", ["iccid_not_telecom"]),
        ("0000000000000000001", ["iccid_not_telecom", "iccid_check_digit"]),
    ],
)
def test_odd_numbers_are_told_and_kept(iccid: str, warnings: list[str]) -> None:
    assert normalise_iccid(iccid) == iccid
    assert iccid_warnings(iccid) == warnings


@pytest.mark.parametrize("eid", ["8904", "8" * 31, "8" * 33, "89049032xx", "８" * 32, "-" + "8" * 31])
def test_an_eid_of_another_form_is_told(eid: str) -> None:
    assert eid_warnings(eid) == ["eid_format"]


@pytest.mark.parametrize(
    "written",
    [
        "89 8822 9900 0000 0000 1",
        "8988-2299-0000-0000-001",
        "8988229900000000001F",
        "8988229900000000001f",
        "\t8988229900000000001\n",
    ],
)
def test_one_card_has_one_number_however_it_is_written(written: str) -> None:
    assert normalise_iccid(written) == "8988229900000000001"


@STABLE
@given(st.text(max_size=25))
def test_any_text_is_a_card_number_or_refused(text: str) -> None:
    try:
        digits = normalise_iccid(text)
    except InvalidIccid:
        return
    assert re.fullmatch(r"[0-9]{18,20}", digits)
    assert digits.isascii()


# Activation codes, links, QR codes


@STABLE
@given(FIELD.filter(bool), FIELD, FIELD, st.booleans())
def test_a_code_is_read_back_whole_by_a_device(address: str, matching: str, oid: str, asks: bool) -> None:
    code = activation_code(address, matching, oid=oid, confirmation_required=asks)

    assert code.startswith("LPA:")
    fields = code.removeprefix("LPA:").split("$")
    fields += [""] * (5 - len(fields))
    assert fields == ["1", address, matching, oid, "1" if asks else ""]
    assert not code.endswith("$") or not matching


@STABLE
@given(FIELD.filter(bool), FIELD)
def test_links_carry_the_code_whole_and_nothing_else(address: str, matching: str) -> None:
    data = install_data(smdp_address=address, matching_id=matching, confirmation_code="", apn="")

    assert data is not None
    for url, host in ((data.ios_url, "esimsetup.apple.com"), (data.android_url, "esimsetup.android.com")):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.fragment) == ("https", host, "")
        assert parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) == {"carddata": [data.lpa]}
        assert url.isascii()
        assert not set(url) & set("\"'<> \\\n")


@pytest.mark.parametrize("bad", ["a$b", "a b", "a\n", "é", "\x00", "a\x7f", "＄", "😀", "\u202e"])
def test_a_field_that_would_break_the_code_is_refused_anywhere(bad: str) -> None:
    for fields in ((bad, "A", ""), ("s.example", bad, ""), ("s.example", "A", bad)):
        address, matching, oid = fields
        with pytest.raises(InvalidInstallData):
            activation_code(address, matching, oid=oid)


def _modules(svg: str) -> list[tuple[int, int]]:
    """The dark modules of a drawing: row by row strokes of one module's height (SVG paths, M m h)."""
    [dark] = [path for path in ET.fromstring(svg).iter() if path.get("stroke") == "#000"]
    row, column, found = 0, 0, []
    for command, figures in re.findall(r"([Mmhv])([-0-9. ]+)", str(dark.get("d"))):
        values = [float(value) for value in figures.split()]
        if command == "M":
            column, row = int(values[0]), int(values[1])
        elif command == "m":
            column, row = column + int(values[0]), row + int(values[1])
        elif command == "h":
            found += [(row, column + step) for step in range(int(values[0]))]
            column += int(values[0])
    return found


@pytest.mark.parametrize(
    "code",
    [
        "LPA:1$smdp.example.com$ABC-123",
        "LPA:1$smdp.example.com$ABC-123$$1",
        "LPA:1$" + "s" * 120 + ".example$" + "M" * 100,
    ],
)
def test_the_drawing_shows_the_modules_of_the_code(code: str) -> None:
    expected = segno.make(code, error="m", micro=False)

    drawn = _modules(qr_svg(code))

    dark = {
        (row + 4, column + 4)
        for row, line in enumerate(expected.matrix)
        for column, module in enumerate(line)
        if module
    }
    assert set(drawn) == dark
    assert len(drawn) == len(dark)
    assert not expected.is_micro


@STABLE
@given(FIELD.filter(bool), FIELD)
def test_a_drawing_is_one_harmless_svg(address: str, matching: str) -> None:
    svg = qr_svg(activation_code(address, matching))

    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {child.tag.rpartition("}")[2] for child in root.iter()} <= {"svg", "path", "g"}
    assert "<script" not in svg
    assert "LPA:" not in svg, "the code stands in the modules only"


# States: every move there is


@pytest.mark.django_db
@pytest.mark.parametrize("source", list(ProfileState))
@pytest.mark.parametrize("target", list(ProfileState))
def test_every_move_of_a_profile(
    line: "Callable[..., Line]", source: ProfileState, target: ProfileState
) -> None:
    profile = LineProfile.objects.get(pk=line(profile_state=source).pk)
    Transition.objects.all().delete()
    legal = target in PROFILE_MACHINE.table[source]

    if legal or source == target:
        assert transition(profile, to=target) is legal
    else:
        with pytest.raises(IllegalTransition):
            transition(profile, to=target)

    profile.refresh_from_db()
    assert profile.profile_state == (target if legal else source)
    assert Transition.objects.count() == legal


@pytest.mark.django_db
@pytest.mark.parametrize("source", list(ServiceState))
@pytest.mark.parametrize("target", list(ServiceState))
def test_every_move_of_a_line(
    line: "Callable[..., Line]", now: datetime, source: ServiceState, target: ServiceState
) -> None:
    row = line(service_state=source, valid_until=now)
    Transition.objects.all().delete()
    legal = target in SERVICE_MACHINE.table[source]

    if legal or source == target:
        assert transition(row, to=target) is legal
    else:
        with pytest.raises(IllegalTransition):
            transition(row, to=target)

    row.refresh_from_db()
    assert row.service_state == (target if legal else source)
    assert row.profile_state == "released", "what the chip holds is another matter"


@STABLE
@given(
    st.sampled_from(list(ServiceState)),
    st.none() | st.integers(-100, 100),
    st.integers(0, 60),
    st.none() | st.integers(-100, 100),
)
def test_a_line_only_ages_with_time(
    stored: ServiceState, valid: int | None, grace: int, held: int | None
) -> None:
    age = {ServiceState.ACTIVE: 0, ServiceState.GRACE: 1, ServiceState.TERMINATED: 2}
    start = datetime.fromisoformat("2027-01-10T09:30:00+00:00")
    valid_until = None if valid is None else start + timedelta(days=valid)
    held_until = None if held is None else start + timedelta(days=held)

    seen = [
        effective_service_state(stored, valid_until, grace, start + timedelta(days=day), held_until)
        for day in range(-110, 170, 4)
    ]

    if stored in (ServiceState.SUSPENDED, ServiceState.TERMINATED):
        assert set(seen) == {stored}
    elif valid is None:
        assert set(seen) == {ServiceState.PENDING}
    else:
        ages = [age[state] for state in seen]
        assert ages == sorted(ages)
        assert seen[0] is ServiceState.ACTIVE


# Reports and names from outside


@pytest.mark.django_db
def test_reports_about_many_profiles_at_odds_keep_the_last_word_of_each(
    line: "Callable[..., Line]", now: datetime
) -> None:
    lines = [line() for _ in range(4)]
    words: list[Any] = ["downloaded", "installed", "enabled"]
    changes = [ProfileChange(each.iccid, word, "1" * 32) for word in words for each in lines]

    moved = set_profile_states([*changes, ProfileChange("8988000000000000000", "enabled")], now=now)

    assert sorted(moved) == sorted(each.pk for each in lines)
    assert set(Line.objects.values_list("profile_state", "eid")) == {("enabled", "1" * 32)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "label", ["x" * 61, "a\nb", "a\x00b", "half \ud800", "rtl \u202e", "zero\u200bwidth"]
)
def test_a_label_that_hides_something_is_refused(line: "Callable[..., Line]", label: str) -> None:
    row = line(label="mine")

    with pytest.raises(InvalidLabel):
        rename_line(line=row, label=label)

    row.refresh_from_db()
    assert row.label == "mine"


@pytest.mark.django_db
@pytest.mark.parametrize("label", ["", "妈妈的卡", "😀" * 60, "  trip  ", "<b>", "{{ x }}", "' OR 1=1"])
def test_a_label_in_any_script_is_kept(line: "Callable[..., Line]", label: str) -> None:
    row = rename_line(line=line(), label=label)

    row.refresh_from_db()
    assert row.label == label.strip()


@pytest.mark.django_db(transaction=True)
def test_sweeps_on_many_nodes_end_lines_once(line: "Callable[..., Line]", now: datetime) -> None:
    rows = [line(service_state="active", valid_until=now - timedelta(days=31)) for _ in range(5)]
    rows += [line(service_state="active", valid_until=now) for _ in range(5)]
    Transition.objects.all().delete()

    results = at_once(*[lambda: catch_up_states(now)] * 5)

    assert failures(results) == []
    states = dict(Line.objects.values_list("pk", "service_state"))
    assert [states[row.pk] for row in rows] == ["terminated"] * 5 + ["grace"] * 5
    moves = list(Transition.objects.values_list("object_id", "to_state"))
    assert len(moves) == len(set(moves)) == 15
