"""Numbers of the telephone world with their check digits. Pure but for chance."""

import re
import secrets
from typing import Final

ICCID: Final = re.compile(r"\d{18,20}", re.ASCII)
EID: Final = re.compile(r"\d{32}", re.ASCII)
#: ITU-T E.118: 89 telecommunications, 882 international networks, then this simulator's issuer 99.
_ICCID_START: Final = "8988299"
#: ITU-T E.164: country code 882 is shared by international networks.
_MSISDN_START: Final = "+88299"
_EID_START: Final = "89049032"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _digits(count: int) -> str:
    return str(secrets.randbelow(10**count)).zfill(count)


def luhn_digit(digits: str) -> str:
    """The check digit to append (ISO/IEC 7812-1)."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (2 - index % 2)
        total += value - 9 * (value > 9)  # noqa: PLR2004 - the digits of a two-digit product are added
    return str(-total % 10)


def new_iccid() -> str:
    """19 digits: 18 and their Luhn digit (E.118)."""
    body = _ICCID_START + _digits(18 - len(_ICCID_START))
    return body + luhn_digit(body)


def new_eid() -> str:
    """32 digits whose number leaves 1 modulo 97 (SGP.29): 98 minus the remainder with two zeros last."""
    body = _EID_START + _digits(30 - len(_EID_START))
    return body + str(98 - int(body + "00") % 97).zfill(2)


def new_msisdn() -> str:
    """An E.164 number of the simulated network."""
    return _MSISDN_START + _digits(8)


def new_matching_id() -> str:
    """Four groups of five, within `^[-0-9A-Z]*$` (SGP.22 §4.1)."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
