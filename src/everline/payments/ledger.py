"""The ledger's arithmetic, pure: which accounts a business fact moves. Debit is positive, credit negative.

Money at the provider is `provider_clearing`. What a customer paid for and has not had yet is
`deferred_revenue`. Money that belongs to no order (yet) waits in `suspense`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from everline.core.money import Money


class Account(StrEnum):
    """The accounts that captures and refunds touch."""

    PROVIDER_CLEARING = "provider_clearing"
    DEFERRED_REVENUE = "deferred_revenue"
    TAX = "tax"
    REFUNDS = "refunds"
    SUSPENSE = "suspense"


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced set of entries; `key` makes it happen once."""

    key: str
    kind: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not self.entries or not balanced(self.entries):
            raise ValueError(f"posting {self.key} does not sum to zero")


def balanced(entries: Iterable[Entry]) -> bool:
    """Whether the entries sum to zero in each currency."""
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.amount.currency] = sums.get(entry.amount.currency, 0) + entry.amount.amount
    return not any(sums.values())


def capture(*, attempt_id: str, amount: Money, tax: Money) -> Posting:
    """Money taken for a payable that keeps it: owed as service, and the tax in it."""
    return _posting(
        f"capture:{attempt_id}",
        "capture",
        (Account.PROVIDER_CLEARING, amount),
        (Account.DEFERRED_REVENUE, tax - amount),
        (Account.TAX, -tax),
    )


def capture_to_suspense(*, attempt_id: str, amount: Money) -> Posting:
    """Money taken that nobody may keep: surplus, mismatch, unclaimed."""
    return _posting(
        f"capture:{attempt_id}",
        "capture_to_suspense",
        (Account.PROVIDER_CLEARING, amount),
        (Account.SUSPENSE, -amount),
    )


def refund(*, refund_id: str, amount: Money, tax: Money) -> Posting:
    """Kept money given back; `tax` is the part of it that was tax."""
    return _posting(
        f"refund:{refund_id}",
        "refund",
        (Account.REFUNDS, amount - tax),
        (Account.TAX, tax),
        (Account.PROVIDER_CLEARING, -amount),
    )


def refund_from_suspense(*, refund_id: str, amount: Money) -> Posting:
    """Money that was never kept given back."""
    return _posting(
        f"refund:{refund_id}",
        "refund_from_suspense",
        (Account.SUSPENSE, amount),
        (Account.PROVIDER_CLEARING, -amount),
    )


def refund_returned(*, refund_id: str, refunded: Iterable[Entry]) -> Posting:
    """A refund that the bank sent back: the same entries the other way round."""
    return Posting(
        f"refund_returned:{refund_id}",
        "refund_returned",
        tuple(Entry(entry.account, -entry.amount) for entry in refunded),
    )


def tax_share(*, tax: Money, captured: Money, already: Money, amount: Money) -> Money:
    """The tax within a refund of `amount` after `already` was refunded.

    Cumulative and rounded half up, so that partial refunds in odd amounts give back exactly the whole tax
    when they give back the whole amount.
    """

    def until(part: Money) -> int:
        return (2 * tax.amount * part.amount + captured.amount) // (2 * captured.amount)

    return Money(until(already + amount) - until(already), tax.currency)


def _posting(key: str, kind: str, *lines: tuple[Account, Money]) -> Posting:
    return Posting(key, kind, tuple(Entry(account, amount) for account, amount in lines if amount))
