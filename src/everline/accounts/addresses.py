"""One spelling per address: what people type becomes what is stored and compared."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from everline.accounts.errors import EmailInvalid, PhoneInvalid

_EMAIL_LENGTH = 254
#: No quoted local parts, no address literals, nothing like an encoded word (RFC 2047): nobody has them, and
#: headers stay simple.
_UNWANTED = re.compile(r'["\[\]\\\x00-\x20\x7f]|=\?')
#: Letters that Python's codec (IDNA 2003) turns into others and RFC 5891 does not: faß.de and fass.de are two
#: owners. Their holders write the ASCII form.
_DEVIATIONS = re.compile("[\u00df\u03c2\u200c\u200d\u1e9e]")
_PHONE_TEXT = re.compile(r"\+[0-9 ()./\-]{5,40}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Login:
    """An address in its stored spelling."""

    kind: Literal["email", "phone"]
    value: str


def normal_email(text: str) -> str:
    """Lower case, the domain in ASCII (RFC 5891), no blanks around it.

    Raises:
        EmailInvalid: mail cannot be sent to it.
    """
    local, at, domain = text.strip().rpartition("@")
    if _DEVIATIONS.search(domain):
        raise EmailInvalid
    try:
        # Only the domain may hold other scripts; a local part with look-alikes would be a second spelling.
        local.encode("ascii")
        address = f"{local}{at}{domain.encode('idna').decode('ascii')}".lower()
        validate_email(address)
    except (UnicodeError, ValidationError):
        raise EmailInvalid from None
    if len(address) > _EMAIL_LENGTH or _UNWANTED.search(address):
        raise EmailInvalid
    return address


def normal_phone(text: str) -> str:
    """E.164 of a number in international notation, with or without blanks, dashes and brackets.

    Numbers are judged by their length only: numbering plans grow faster than tables, and the code that
    we send to it is the proof.

    Raises:
        PhoneInvalid: no country code, or not a possible number of its country.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not _PHONE_TEXT.fullmatch(plain):
        raise PhoneInvalid
    try:
        number = phonenumbers.parse(plain, None)
    except phonenumbers.NumberParseException:
        raise PhoneInvalid from None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_possible_number(number) or not _E164.fullmatch(formatted):
        raise PhoneInvalid
    return formatted


def parse_login(text: str) -> Login | None:
    """The address somebody signs in with; None when it can be nobody's."""
    try:
        if "@" in text:
            return Login("email", normal_email(text))
        return Login("phone", normal_phone(text))
    except (EmailInvalid, PhoneInvalid):
        return None
