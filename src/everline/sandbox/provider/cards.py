"""Test cards and their meaning, the same as in Stripe's test mode (docs.stripe.com/testing). Pure.

A number that is valid but in no table is treated as Stripe's test mode treats real cards: declined.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Challenge(StrEnum):
    """Whether the bank asks the cardholder before it decides."""

    NONE = "none"
    REQUIRED = "required"


class RefundRule(StrEnum):
    """What becomes of a refund to this card."""

    AT_ONCE = ""
    PENDING = "pending"
    FAILS_LATER = "fails_later"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a number does. `decline` is a failure code or ""; `dispute` a dispute's reason or ""."""

    decline: str = ""
    challenge: Challenge = Challenge.NONE
    refunds: RefundRule = RefundRule.AT_ONCE
    dispute: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What may be kept of a card: no number."""

    brand: str
    last4: str
    fingerprint: str
    meaning: Meaning


class CardError(Exception):
    """A form field that cannot be right: `field` is number, expiry or cvc; `code` as Stripe names it."""

    def __init__(self, field: str, code: str) -> None:
        self.field = field
        self.code = code
        super().__init__(f"{field}: {code}")


_ASK: Final = Challenge.REQUIRED

#: Numbers that do something, from Stripe's tables of declines, fraud, disputes, refunds and 3-D Secure.
SPECIAL: Final[dict[str, Meaning]] = {
    "4000000000000002": Meaning("generic_decline"),
    "4000000000009995": Meaning("insufficient_funds"),
    "4000000000009987": Meaning("lost_card"),
    "4000000000009979": Meaning("stolen_card"),
    "4000000000000069": Meaning("expired_card"),
    "4000000000000127": Meaning("incorrect_cvc"),
    "4000000000000119": Meaning("processing_error"),
    "4000000000006975": Meaning("card_velocity_exceeded"),
    "4000000000000341": Meaning("generic_decline"),  # can be saved, cannot be charged
    "4100000000000019": Meaning("fraudulent"),
    "4000000000000259": Meaning(dispute="fraudulent"),
    "4000000000002685": Meaning(dispute="product_not_received"),
    "4000000000001976": Meaning(dispute="inquiry"),
    "4000000000005423": Meaning(dispute="early_fraud_warning"),
    "4000000000007726": Meaning(refunds=RefundRule.PENDING),
    "4000000000005126": Meaning(refunds=RefundRule.FAILS_LATER),
    "4000002500003155": Meaning(challenge=_ASK),
    "4000002760003184": Meaning(challenge=_ASK),
    "4000003800000446": Meaning(challenge=_ASK),
    "4000000000003220": Meaning(challenge=_ASK),
    "4000000000003063": Meaning(challenge=_ASK),
    "4000008400001629": Meaning("generic_decline", _ASK),
    "4000008260003178": Meaning("insufficient_funds", _ASK),
    "4000008400001280": Meaning("processing_error", _ASK),
}

#: Numbers that simply work: brands, countries, and cases that concern neither payment nor 3-D Secure.
_GOOD_NUMBERS: Final = """
    4242424242424242 4000056655665556 5555555555554444 2223003122003222 5200828282828210 5105105105105100
    378282246310005 371449635398431 6011111111111117 6011000990139424 6011981111111113 3056930009020004
    36227206271667 6555900000604105 3566002020360505 6200000000000005 6200000000000047 6205500000000000004
    4000000320000021 4000000760000002 4000001240000000 4000001520000001 4000001700000003 4000001880000005
    4000002180000000 4000004840008001 4000005910000000 4000006000000066 4000006040000068 4000008580000003
    4000007840000001 4000000400000008 4000000560000004 4000001000000000 4000001910000009 4000001960000008
    4000002030000002 4000002080000001 4000002330000009 4000002460000001 4000002500000003 4000002760000016
    4000002920000005 4000003000000030 4000003480000005 4000003720000005 4000003800000008 4000004280000005
    4000004380000004 4000004400000000 4000004420000006 4000004700000007 4000005280000002 4000005780000007
    4000006160000005 4000006200000007 4000006420000001 4000006820000007 4000007050000006 4000007030000001
    4000007240000007 4000007520000008 4000007560000009 4000008260000000 4000058260000005 4000000360000006
    4000001560000002 4000003440000004 4000003560000008 4000003920000003 3530111333300000 4000004580000002
    4000005540000008 4000007020000003 4000001580000008 4000007640000003 4000002500001001
    4000000000003055 4000000000003097 4000000000000077 4000003720000278 4000000000009235 4000000000004954
    4000000000000101 4000000000000036 4000000000000028 4000000000000010 4000000000000044
"""
GOOD: Final = frozenset(_GOOD_NUMBERS.split())
NOT_A_TEST_CARD: Final = Meaning("test_mode_live_card")

#: Declines after which the same card will never work.
HARD_DECLINES: Final = frozenset(
    {"lost_card", "stolen_card", "expired_card", "fraudulent", "test_mode_live_card"}
)

_BRANDS: Final = (
    ("visa", r"4"),
    ("mastercard", r"5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)"),
    ("amex", r"3[47]"),
    ("discover", r"6011|64[4-9]|65"),
    ("diners", r"3(0[0-5]|[689])"),
    ("jcb", r"35"),
    ("unionpay", r"62"),
)
_EXPIRY: Final = re.compile(r"\s*(\d{1,2})\s*/\s*(\d{2}|20\d{2})\s*", re.ASCII)
_NUMBER: Final = re.compile(r"\d{12,19}", re.ASCII)
_CVC: Final = re.compile(r"\d{3,4}", re.ASCII)


def luhn_valid(digits: str) -> bool:
    """ISO/IEC 7812-1: the last digit checks the others."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (1 + index % 2)
        total += value - 9 * (value > 9)  # noqa: PLR2004 - the digits of a two-digit product are added
    return total % 10 == 0


def read_number(text: str) -> str:
    """The digits of a card number as typed, with blanks and dashes.

    Raises:
        CardError: not 12 to 19 digits, or the check digit is wrong.
    """
    digits = re.sub(r"[\s-]", "", text)
    if not _NUMBER.fullmatch(digits) or not luhn_valid(digits):
        raise CardError("number", "incorrect_number")
    return digits


def check_expiry(text: str, now: datetime) -> None:
    """A month that has not ended, written MM/YY.

    Raises:
        CardError: another form, or past.
    """
    match = _EXPIRY.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= 12:  # noqa: PLR2004 - months
        raise CardError("expiry", "invalid_expiry")
    year = int(match[2]) if len(match[2]) == 4 else now.year - now.year % 100 + int(match[2])  # noqa: PLR2004
    if (year, int(match[1])) < (now.year, now.month):
        raise CardError("expiry", "expired_card")


def check_cvc(text: str) -> None:
    """Three or four digits.

    Raises:
        CardError: something else.
    """
    if not _CVC.fullmatch(text.strip()):
        raise CardError("cvc", "invalid_cvc")


def brand_of(digits: str) -> str:
    """The scheme by the leading digits; `unknown` where no table has it."""
    return next((brand for brand, start in _BRANDS if re.match(start, digits)), "unknown")


def identify(digits: str, secret: str) -> Card:
    """What a valid number means, and the little of it that may be kept."""
    meaning = SPECIAL.get(digits) or (Meaning() if digits in GOOD else NOT_A_TEST_CARD)
    fingerprint = hmac.new(secret.encode(), digits.encode(), hashlib.sha256).hexdigest()[:32]
    return Card(brand_of(digits), digits[-4:], fingerprint, meaning)
