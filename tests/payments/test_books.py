"""What the database itself refuses, by direct SQL; and what the room's truths find."""

from collections.abc import Iterator

import pytest
from django.db import Error, connection, transaction

from everline.core.money import Money
from everline.payments import services
from everline.payments.ledger import capture
from everline.payments.models import LedgerEntry, LedgerPosting
from everline.payments.services.posting import Booking, book
from everline.payments.types import RefundItem
from tests.payments.fakes import NOW, FakeProvider, captured, make_attempt, truths

pytestmark = pytest.mark.django_db(transaction=True)


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_ledgerposting SET kind = 'x'",
        "UPDATE payments_ledgerentry SET amount_minor = amount_minor + 1",
        "UPDATE payments_ledgerentry SET account = 'tax'",
        "DELETE FROM payments_ledgerentry",
        "DELETE FROM payments_ledgerposting",
        "TRUNCATE payments_ledgerentry",
        "TRUNCATE payments_ledgerposting CASCADE",
        "TRUNCATE payments_attempt CASCADE",
    ],
)
def test_the_ledger_is_append_only(provider: FakeProvider, statement: str) -> None:
    captured(provider)
    before = list(LedgerEntry.objects.order_by("id").values())

    with pytest.raises(Error, match="append-only"):
        execute(statement)

    assert list(LedgerEntry.objects.order_by("id").values()) == before
    assert LedgerPosting.objects.count() == 1


@pytest.mark.parametrize(
    "entries",
    [
        "(%(id)s, 'tax', 1, 'USD')",
        "(%(id)s, 'tax', 1, 'USD'), (%(id)s, 'refunds', -1, 'EUR')",
        "(%(id)s, 'tax', 5, 'USD'), (%(id)s, 'refunds', -4, 'USD')",
    ],
)
def test_a_posting_that_is_out_of_balance_cannot_be_committed(provider: FakeProvider, entries: str) -> None:
    attempt = captured(provider)
    columns = "posting_id, account, amount_minor, currency"

    def unbalanced() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            posting = LedgerPosting.objects.create(
                key="x", kind="x", attempt=attempt, payable="ord_1", booked_at=NOW
            )
            cursor.execute(
                f"INSERT INTO payments_ledgerentry ({columns}) VALUES {entries}", {"id": posting.id}
            )

    with pytest.raises(Error, match="does not sum to zero"):
        unbalanced()
    assert LedgerPosting.objects.count() == 1


def test_an_entry_cannot_be_added_to_a_balanced_posting(provider: FakeProvider) -> None:
    captured(provider)
    posting = LedgerPosting.objects.get()

    with pytest.raises(Error, match="does not sum to zero"):
        LedgerEntry.objects.create(posting=posting, account="tax", amount_minor=1, currency="USD")


def test_a_posting_without_entries_cannot_be_committed(provider: FakeProvider) -> None:
    attempt = make_attempt()

    with pytest.raises(Error, match="has no entries"):
        LedgerPosting.objects.create(key="x", kind="x", attempt=attempt, payable="ord_1", booked_at=NOW)


def test_an_entry_of_nothing_is_refused(provider: FakeProvider) -> None:
    captured(provider)
    posting = LedgerPosting.objects.get()

    with pytest.raises(Error, match="payments_entry_not_zero"):
        LedgerEntry.objects.create(posting=posting, account="tax", amount_minor=0, currency="USD")


def test_a_key_is_booked_once(provider: FakeProvider) -> None:
    attempt = make_attempt()
    posting = capture(attempt_id=attempt.id, amount=Money(5, "USD"), tax=Money(1, "USD"))
    booking = Booking(posting, attempt.id, "ord_1")

    for _ in range(3):
        with transaction.atomic():
            book(bookings=[booking], now=NOW)

    assert (LedgerPosting.objects.count(), LedgerEntry.objects.count()) == (1, 3)
    book(bookings=[], now=NOW)


@pytest.fixture
def _no_triggers() -> Iterator[None]:
    execute("SET session_replication_role = replica")
    yield
    execute("SET session_replication_role = origin")


@pytest.mark.usefixtures("_no_triggers")
@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (
            "UPDATE payments_ledgerentry SET amount_minor = 1 WHERE amount_minor > 0",
            "payments.captured_is_booked",
        ),
        (
            "UPDATE payments_ledgerentry SET amount_minor = 1 WHERE amount_minor > 0",
            "payments.ledger_sums_to_zero",
        ),
        ("DELETE FROM payments_ledgerentry", "payments.ledger_sums_to_zero"),
        ("DELETE FROM payments_ledgerentry", "payments.captured_is_booked"),
        ("UPDATE payments_refund SET status = 'succeeded'", "payments.refunds_are_counted"),
        ("UPDATE payments_refund SET amount_minor = 5000", "payments.refunds_are_counted"),
        ("UPDATE payments_attempt SET refunded_minor = 7", "payments.captured_is_booked"),
        ("UPDATE payments_attempt SET status = 'failed'", "payments.captured_has_a_state"),
    ],
)
def test_the_truths_find_damage(provider: FakeProvider, damage: str, rule: str) -> None:
    attempt = captured(provider)
    with transaction.atomic():
        services.request_refunds(items=[RefundItem(attempt.id, Money(100, "USD"))], reason="", now=NOW)
    assert not any(truths().values())

    execute(damage)

    assert truths()[rule]


def test_the_truths_find_two_kept_captures(provider: FakeProvider) -> None:
    captured(provider)
    captured(provider, "ord_2")
    execute("DROP INDEX payments_one_kept_capture")
    try:
        execute("UPDATE payments_attempt SET payable = 'ord_1'")
        assert truths()["payments.one_kept_capture"] == ["payable ord_1 keeps 2 captured attempts"]
    finally:
        execute("UPDATE payments_attempt SET payable = id::text")
        execute(
            "CREATE UNIQUE INDEX payments_one_kept_capture ON payments_attempt (payable)"
            " WHERE status IN ('captured', 'partially_refunded')"
        )
