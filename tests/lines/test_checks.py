import pytest

from everline.lines.checks import eid_holds, eid_warnings, iccid_warnings, luhn_holds, normalise_iccid
from everline.lines.errors import InvalidIccid


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("8988211000000000018", "8988211000000000018"),
        ("8988211 0000 0000 0018", "8988211000000000018"),
        ("8988211000000000018F", "8988211000000000018"),
        ("8988211000000000018f", "8988211000000000018"),
        ("898821100000000001", "898821100000000001"),
        ("89882110000000000018", "89882110000000000018"),
    ],
)
def test_eighteen_to_twenty_digits_are_accepted(written: str, digits: str) -> None:
    assert normalise_iccid(written) == digits


@pytest.mark.parametrize(
    "written", ["", "89", "8" * 17, "8" * 21, "89882110000000000AB", "８９８８２１１００００００００００１８"]
)
def test_anything_else_is_no_iccid(written: str) -> None:
    with pytest.raises(InvalidIccid):
        normalise_iccid(written)


def test_luhn() -> None:
    assert luhn_holds("79927398713")
    assert not luhn_holds("79927398710")


def test_iccid_warnings_never_reject() -> None:
    good = next(
        f"898821100000000001{digit}" for digit in range(10) if luhn_holds(f"898821100000000001{digit}")
    )
    wrong = good[:-1] + str((int(good[-1]) + 1) % 10)

    assert iccid_warnings(good) == []
    assert iccid_warnings(wrong) == ["iccid_check_digit"]
    assert iccid_warnings(good[:-1]) == ["iccid_without_check_digit"]
    assert iccid_warnings("1" + good[1:])[0] == "iccid_not_telecom"


@pytest.mark.parametrize("eid", ["89882119900000000000000000001654", "89049032007108882600137544319616"])
def test_eids_in_the_field_hold(eid: str) -> None:
    assert eid_holds(eid)
    assert eid_warnings(eid) == []


def test_eid_warnings() -> None:
    assert eid_warnings("89049032001001234500012345678901") == ["eid_check_digit"]
    assert eid_warnings("8904") == ["eid_format"]
    assert eid_warnings("") == []
