from datetime import UTC, datetime

import pytest

from everline.sandbox.provider import cards
from everline.sandbox.provider.cards import CardError, Challenge, RefundRule
from everline.sandbox.provider.failures import describe

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize("number", sorted(cards.GOOD | set(cards.SPECIAL)))
def test_every_test_card_is_a_valid_number(number: str) -> None:
    assert cards.read_number(number) == number
    assert cards.brand_of(number) != "unknown"


def test_no_card_is_both_plain_and_special() -> None:
    assert not cards.GOOD & set(cards.SPECIAL)


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("4242 4242 4242 4242", "4242424242424242"),
        (" 4242-4242-4242-4242 ", "4242424242424242"),
        ("3782 822463 10005", "378282246310005"),
    ],
)
def test_a_number_may_be_typed_with_blanks_and_dashes(typed: str, digits: str) -> None:
    assert cards.read_number(typed) == digits


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "4242424242424241",
        "4242",
        "4" * 20,
        "４２４２４２４２４２４２４２４２",
        "4242.4242.4242.4242",
        "abc",
        "0x42",
    ],
)
def test_a_number_that_cannot_be_right_is_refused(typed: str) -> None:
    with pytest.raises(CardError) as caught:
        cards.read_number(typed)

    assert (caught.value.field, caught.value.code) == ("number", "incorrect_number")


@pytest.mark.parametrize("typed", ["11/26", "12/26", "1/27", " 04 / 30 ", "12/2026", "12/99"])
def test_an_expiry_month_counts_until_its_end(typed: str) -> None:
    cards.check_expiry(typed, NOW)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("10/26", "expired_card"),
        ("12/25", "expired_card"),
        ("12/2025", "expired_card"),
        ("13/30", "invalid_expiry"),
        ("00/30", "invalid_expiry"),
        ("1230", "invalid_expiry"),
        ("", "invalid_expiry"),
        ("１２/30", "invalid_expiry"),
        ("12/30/01", "invalid_expiry"),
    ],
)
def test_a_past_or_misshapen_expiry_is_refused(typed: str, code: str) -> None:
    with pytest.raises(CardError) as caught:
        cards.check_expiry(typed, NOW)

    assert (caught.value.field, caught.value.code) == ("expiry", code)


@pytest.mark.parametrize("typed", ["123", "1234", " 000 "])
def test_a_security_code_has_three_or_four_digits(typed: str) -> None:
    cards.check_cvc(typed)


@pytest.mark.parametrize("typed", ["", "12", "12345", "12a", "１２３"])
def test_another_security_code_is_refused(typed: str) -> None:
    with pytest.raises(CardError) as caught:
        cards.check_cvc(typed)

    assert caught.value.field == "cvc"


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3056930009020004", "diners"),
        ("36227206271667", "diners"),
        ("3566002020360505", "jcb"),
        ("6200000000000005", "unionpay"),
        ("9999999999999995", "unknown"),
    ],
)
def test_the_brand_follows_the_leading_digits(number: str, brand: str) -> None:
    assert cards.brand_of(number) == brand


@pytest.mark.parametrize(
    ("number", "decline", "hard"),
    [
        ("4000000000000002", "generic_decline", False),
        ("4000000000009995", "insufficient_funds", False),
        ("4000000000009987", "lost_card", True),
        ("4000000000009979", "stolen_card", True),
        ("4000000000000069", "expired_card", True),
        ("4000000000000127", "incorrect_cvc", False),
        ("4000000000000119", "processing_error", False),
        ("4000000000000341", "generic_decline", False),
        ("4100000000000019", "fraudulent", True),
    ],
)
def test_declining_cards_have_the_code_that_stripe_gives(number: str, decline: str, hard: bool) -> None:
    meaning = cards.identify(number, "s").meaning

    assert (meaning.decline, meaning.challenge) == (decline, Challenge.NONE)
    assert describe(decline)["hard"] is hard


@pytest.mark.parametrize(
    ("number", "decline"),
    [
        ("4000002500003155", ""),
        ("4000002760003184", ""),
        ("4000008400001629", "generic_decline"),
        ("4000008260003178", "insufficient_funds"),
    ],
)
def test_challenge_cards_ask_first(number: str, decline: str) -> None:
    meaning = cards.identify(number, "s").meaning

    assert (meaning.decline, meaning.challenge) == (decline, Challenge.REQUIRED)


def test_refund_and_dispute_cards_pay() -> None:
    assert cards.SPECIAL["4000000000007726"].refunds is RefundRule.PENDING
    assert cards.SPECIAL["4000000000005126"].refunds is RefundRule.FAILS_LATER
    disputes = {number[-4:]: meaning.dispute for number, meaning in cards.SPECIAL.items() if meaning.dispute}
    assert disputes == {
        "0259": "fraudulent",
        "2685": "product_not_received",
        "1976": "inquiry",
        "5423": "early_fraud_warning",
    }
    assert not any(
        meaning.decline for meaning in cards.SPECIAL.values() if meaning.dispute or meaning.refunds
    )


def test_a_valid_number_that_is_no_test_card_is_declined() -> None:
    card = cards.identify("4539578763621486", "s")

    assert card.meaning.decline == "test_mode_live_card"
    assert describe(card.meaning.decline)["hard"] is True


def test_what_is_kept_of_a_card_does_not_contain_its_number() -> None:
    card = cards.identify("4242424242424242", "s")

    assert (card.brand, card.last4) == ("visa", "4242")
    assert "42424242" not in repr(card)
    assert card.fingerprint == cards.identify("4242424242424242", "s").fingerprint
    assert card.fingerprint != cards.identify("4242424242424242", "other").fingerprint


def test_every_decline_has_a_sentence() -> None:
    codes = {meaning.decline for meaning in cards.SPECIAL.values()} - {""}

    assert all(
        describe(code)["message"] for code in codes | {"cancelled", "expired", "authentication_failed"}
    )
