"""The ledger's arithmetic by table, and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everline.core.money import Money
from everline.payments import ledger
from everline.payments.ledger import Account, Entry, Posting

USD = "USD"


def lines(posting: Posting) -> dict[str, int]:
    return {str(entry.account): entry.amount.amount for entry in posting.entries}


@pytest.mark.parametrize(
    ("posting", "key", "expected"),
    [
        (
            ledger.capture(attempt_id="att_1", amount=Money(2000, USD), tax=Money(319, USD)),
            "capture:att_1",
            {"provider_clearing": 2000, "deferred_revenue": -1681, "tax": -319},
        ),
        (
            ledger.capture(attempt_id="att_1", amount=Money(2000, USD), tax=Money(0, USD)),
            "capture:att_1",
            {"provider_clearing": 2000, "deferred_revenue": -2000},
        ),
        (
            ledger.capture_to_suspense(attempt_id="att_1", amount=Money(500, "JPY")),
            "capture:att_1",
            {"provider_clearing": 500, "suspense": -500},
        ),
        (
            ledger.refund(refund_id="ref_1", amount=Money(1000, USD), tax=Money(160, USD)),
            "refund:ref_1",
            {"refunds": 840, "tax": 160, "provider_clearing": -1000},
        ),
        (
            ledger.refund_from_suspense(refund_id="ref_1", amount=Money(7, "KWD")),
            "refund:ref_1",
            {"suspense": 7, "provider_clearing": -7},
        ),
        (
            ledger.refund_returned(
                refund_id="ref_1",
                refunded=ledger.refund(refund_id="ref_1", amount=Money(9, USD), tax=Money(1, USD)).entries,
            ),
            "refund_returned:ref_1",
            {"refunds": -8, "tax": -1, "provider_clearing": 9},
        ),
    ],
)
def test_postings(posting: Posting, key: str, expected: dict[str, int]) -> None:
    assert posting.key == key
    assert lines(posting) == expected
    assert ledger.balanced(posting.entries)


def test_a_posting_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="zero"):
        Posting("k", "kind", (Entry(Account.TAX, Money(1, USD)), Entry(Account.REFUNDS, Money(-2, USD))))
    with pytest.raises(ValueError, match="zero"):
        Posting("k", "kind", ())
    with pytest.raises(ValueError, match="zero"):
        Posting("k", "kind", (Entry(Account.TAX, Money(1, USD)), Entry(Account.REFUNDS, Money(-1, "EUR"))))


@given(
    captured=st.integers(1, 10_000_000),
    tax_share=st.integers(0, 10_000),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_scenario_15_partial_refunds_give_back_exactly_the_tax(
    captured: int, tax_share: int, cuts: list[int]
) -> None:
    tax = captured * tax_share // 10_000
    points = sorted({captured * cut // 10_000 for cut in cuts} | {captured})
    done, given_back = 0, 0

    for point in points:
        part = ledger.tax_share(
            tax=Money(tax, USD),
            captured=Money(captured, USD),
            already=Money(done, USD),
            amount=Money(point - done, USD),
        )
        assert 0 <= part.amount <= point - done
        done, given_back = point, given_back + part.amount

    assert given_back == tax


def test_tax_share_rounds_half_up_and_never_loses_a_cent() -> None:
    tax, captured = Money(5, USD), Money(10, USD)

    shares = [
        ledger.tax_share(tax=tax, captured=captured, already=Money(done, USD), amount=Money(1, USD)).amount
        for done in range(10)
    ]

    assert shares == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
