"""Check digits of ICCID and EID: they warn and never reject, because suppliers' own samples fail them."""

import re

from everline.lines.errors import InvalidIccid

_ICCID = re.compile(r"[0-9]{18,20}")
_EID = re.compile(r"[0-9]{32}")
_ICCID_WITHOUT_CHECK_DIGIT = 18
_EID_MODULUS = 97


def normalise_iccid(text: str) -> str:
    """The digits of an ICCID as written on a card, in a file, or padded with `F` to 20 (ITU-T E.118).

    Raises:
        InvalidIccid: not 18 to 20 digits.
    """
    digits = re.sub(r"[\s-]", "", text).upper().rstrip("F")
    if not _ICCID.fullmatch(digits):
        raise InvalidIccid(field="iccid")
    return digits


def luhn_holds(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - two digits are added up
    return total % 10 == 0


def eid_holds(eid: str) -> bool:
    """Whether an EID of 32 digits leaves 1 when divided by 97 (GSMA SGP.29)."""
    return int(eid) % _EID_MODULUS == 1


def iccid_warnings(iccid: str) -> list[str]:
    """Codes of what is unusual about a normalised ICCID; an empty list when nothing is."""
    warnings = [] if iccid.startswith("89") else ["iccid_not_telecom"]
    if len(iccid) == _ICCID_WITHOUT_CHECK_DIGIT:
        return [*warnings, "iccid_without_check_digit"]
    return warnings if luhn_holds(iccid) else [*warnings, "iccid_check_digit"]


def eid_warnings(eid: str) -> list[str]:
    """Codes of what is unusual about an EID; an empty one is unknown and not unusual."""
    if not eid:
        return []
    if not _EID.fullmatch(eid):
        return ["eid_format"]
    return [] if eid_holds(eid) else ["eid_check_digit"]
