"""Writing the ledger: any number of postings in one statement, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from everline.core.ids import to_int
from everline.payments.ledger import Posting


@dataclass(frozen=True, slots=True)
class Booking:
    """A posting and what it is about."""

    posting: Posting
    attempt_id: str
    payable: str


_SQL = """
WITH posted AS (
    INSERT INTO payments_ledgerposting (key, kind, attempt_id, payable, booked_at)
    SELECT p.key, p.kind, p.attempt_id, p.payable, %(now)s
    FROM unnest(%(keys)s::text[], %(kinds)s::text[], %(attempts)s::bigint[], %(payables)s::text[])
        AS p (key, kind, attempt_id, payable)
    ON CONFLICT (key) DO NOTHING
    RETURNING id, key
)
INSERT INTO payments_ledgerentry (posting_id, account, amount_minor, currency)
SELECT posted.id, e.account, e.amount, e.currency
FROM unnest(%(entry_keys)s::text[], %(accounts)s::text[], %(amounts)s::bigint[], %(currencies)s::text[])
    AS e (key, account, amount, currency)
JOIN posted ON posted.key = e.key
"""


def book(*, bookings: Sequence[Booking], now: datetime) -> None:
    """Write postings in the open transaction; one whose key is booked already changes nothing."""
    if not bookings:
        return
    entries = [(each.posting.key, entry) for each in bookings for entry in each.posting.entries]
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL,
            {
                "now": now,
                "keys": [each.posting.key for each in bookings],
                "kinds": [each.posting.kind for each in bookings],
                "attempts": [to_int("att", each.attempt_id) for each in bookings],
                "payables": [each.payable for each in bookings],
                "entry_keys": [key for key, _entry in entries],
                "accounts": [str(entry.account) for _key, entry in entries],
                "amounts": [entry.amount.amount for _key, entry in entries],
                "currencies": [entry.amount.currency for _key, entry in entries],
            },
        )
