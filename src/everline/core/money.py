"""Money as integers of the currency's minor unit, with the ISO 4217 exponents frozen here.

Babel only prints: its digits are cash-rounding digits and must never take part in arithmetic.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from babel.core import Locale
from babel.numbers import format_currency
from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind

#: ISO 4217 currencies in everyday use whose exponent is not 2. Source: ISO 4217 list one, 2026-01.
_ZERO = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
_ZERO_MORE = ("XAF", "XOF", "XPF")
_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_TWO = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
    CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - a table of codes, not a list of strings
)

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_ZERO + _ZERO_MORE, 0),
    **dict.fromkeys(_TWO, 2),
    **dict.fromkeys(_THREE, 3),
}
CURRENCIES: frozenset[str] = frozenset(EXPONENTS)

#: The largest amount a bigint column holds.
MAX_AMOUNT = 2**63 - 1
BASIS_POINTS = 10_000


class UnknownCurrency(DomainError):
    """Not a three-letter ISO 4217 code that we know."""

    code = "unknown_currency"
    kind = Kind.INVALID
    message = _("We do not know this currency. Choose one from the list.")
    field = "currency"


class MoneyMismatch(TypeError):
    """Two amounts of different currencies met in one sum: a programming error."""


def exponent(currency: str) -> int:
    """Digits of the minor unit by ISO 4217 (JPY 0, USD 2, KWD 3).

    Raises:
        UnknownCurrency: the code is not in the table.
    """
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise UnknownCurrency from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in integer minor units of one currency."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"an amount is an int of minor units, not {type(self.amount).__name__}")
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def total(cls, parts: Iterable["Money"], currency: str) -> "Money":
        """The sum of the parts, zero where there are none."""
        result = Money(0, currency)
        for part in parts:
            result += part
        return result

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MoneyMismatch(f"{self.currency} and {other.currency}")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def split(self, parts: int) -> list["Money"]:
        """Into `parts` amounts whose sum is exact; the first ones carry the remainder."""
        if parts < 1:
            raise ValueError("an amount is split into one part or more")
        each, rest = divmod(abs(self.amount), parts)
        sign = -1 if self.amount < 0 else 1
        return [Money(sign * (each + (index < rest)), self.currency) for index in range(parts)]

    def percent(self, basis_points: int) -> "Money":
        """A share in basis points (1 % = 100), rounded half away from zero."""
        twice = 2 * abs(self.amount) * basis_points + BASIS_POINTS
        sign = -1 if self.amount < 0 else 1
        return Money(sign * (twice // (2 * BASIS_POINTS)), self.currency)

    def included_share(self, basis_points: int) -> "Money":
        """The part of a gross amount that a rate added on top makes up (tax within a price), half up."""
        whole = BASIS_POINTS + basis_points
        return Money((2 * self.amount * basis_points + whole) // (2 * whole), self.currency)

    def to_decimal(self) -> Decimal:
        """In major units, exact; to print and for providers that take strings."""
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    def format(self, locale: str) -> str:
        """As people of `locale` ("zh-hans", "en") read it, with all ISO digits."""
        digits = exponent(self.currency)
        babel = Locale.parse(locale, sep="-")
        pattern = babel.currency_formats["standard"].pattern.split(";")[0]
        number = "#,##0" + ("." + "0" * digits if digits else "")
        pattern = pattern.replace("#,##0.00", number)
        return format_currency(
            self.to_decimal(), self.currency, format=pattern, locale=babel, currency_digits=False
        )
