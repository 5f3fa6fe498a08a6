import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everline.core.money import CURRENCIES, EXPONENTS, Money, MoneyMismatch, UnknownCurrency, exponent

amounts = st.integers(min_value=-(10**15), max_value=10**15)


def test_exponents_agree_with_the_published_table() -> None:
    published = {each.code: each.exponent for each in iso4217.Currency}

    wrong = {code: digits for code, digits in EXPONENTS.items() if published.get(code, digits) != digits}

    assert wrong == {}
    assert len(CURRENCIES) > 150


@pytest.mark.parametrize(
    ("code", "digits"), [("JPY", 0), ("UGX", 0), ("USD", 2), ("ISK", 0), ("KWD", 3), ("BHD", 3)]
)
def test_scenario_18_minor_units_of_awkward_currencies(code: str, digits: int) -> None:
    assert exponent(code) == digits


@pytest.mark.parametrize("code", ["usd", "XXX", "", "US", "USDD", None, 7])
def test_an_unknown_currency_is_refused(code: object) -> None:
    with pytest.raises(UnknownCurrency):
        exponent(code)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_only_whole_minor_units_make_money(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "USD")  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MoneyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(MoneyMismatch):
        _ = Money(1, "USD") < Money(1, "EUR")


@given(amounts, st.integers(min_value=1, max_value=50))
def test_a_split_loses_nothing_and_is_even(amount: int, parts: int) -> None:
    split = Money(amount, "USD").split(parts)

    assert len(split) == parts
    assert Money.total(split, "USD") == Money(amount, "USD")
    assert max(each.amount for each in split) - min(each.amount for each in split) <= 1


def test_nothing_is_split_into_no_parts() -> None:
    with pytest.raises(ValueError, match="one part"):
        Money(1, "USD").split(0)


@pytest.mark.parametrize(
    ("amount", "basis_points", "share"),
    [(1000, 700, 70), (1, 5000, 1), (-1, 5000, -1), (999, 825, 82), (0, 1900, 0), (3, 1666, 0)],
)
def test_a_share_is_rounded_half_away_from_zero(amount: int, basis_points: int, share: int) -> None:
    assert Money(amount, "USD").percent(basis_points).amount == share


@given(st.integers(min_value=0, max_value=10**12), st.integers(min_value=0, max_value=5000))
def test_tax_within_a_price_and_the_rest_make_the_price(amount: int, basis_points: int) -> None:
    gross = Money(amount, "EUR")

    tax = gross.included_share(basis_points)

    net = gross - tax
    assert 0 <= tax.amount <= amount
    assert abs(net.percent(basis_points).amount - tax.amount) <= 1


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money(199990, "USD"), "en", "$1,999.90"),
        (Money(199990, "CNY"), "zh-hans", "¥1,999.90"),
        (Money(1999, "JPY"), "en", "¥1,999"),
        (Money(1999, "KWD"), "en", "KWD1.999"),
        (Money(-5, "USD"), "en", "-$0.05"),
    ],
)
def test_money_is_printed_with_all_its_digits(money: Money, locale: str, text: str) -> None:
    assert money.format(locale).replace("\xa0", "") == text


def test_arithmetic_and_truth() -> None:
    assert Money(3, "USD") - Money(5, "USD") == -Money(2, "USD")
    assert Money(3, "USD") * 4 == Money(12, "USD")
    assert not Money.zero("USD")
    assert Money(1, "USD") <= Money(1, "USD")
    assert str(Money(5, "KWD").to_decimal()) == "0.005"
