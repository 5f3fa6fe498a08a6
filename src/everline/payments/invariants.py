"""Truths of this room: money is kept once, and the books agree with it, as far as payments can know."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection

from everline.core.invariants import invariant

Rule = Callable[[datetime], list[str]]


def _violations(sentence: str, statement: str) -> Rule:
    def rule(now: datetime) -> list[str]:
        del now
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [sentence.format(*row) for row in cursor.fetchall()]

    return rule


one_kept_capture = invariant("payments.one_kept_capture")(
    _violations(
        "payable {0} keeps {1} captured attempts",
        "SELECT payable, count(*) FROM payments_attempt WHERE status IN ('captured', 'partially_refunded')"
        " GROUP BY payable HAVING count(*) > 1",
    )
)

captured_is_booked = invariant("payments.captured_is_booked")(
    _violations(
        "attempt number {0} ({1}): provider holds {2} by its figures, {3} by the books",
        "SELECT a.id, a.status, a.captured_minor - a.refunded_minor, COALESCE(b.cash, 0)"
        " FROM payments_attempt AS a LEFT JOIN ("
        "   SELECT p.attempt_id, sum(e.amount_minor) AS cash FROM payments_ledgerentry AS e"
        "   JOIN payments_ledgerposting AS p ON p.id = e.posting_id"
        "   WHERE e.account = 'provider_clearing' GROUP BY p.attempt_id"
        " ) AS b ON b.attempt_id = a.id"
        " WHERE a.captured_minor - a.refunded_minor <> COALESCE(b.cash, 0)",
    )
)

captured_has_a_state = invariant("payments.captured_has_a_state")(
    _violations(
        "attempt number {0} holds captured money as {1}",
        "SELECT id, status FROM payments_attempt WHERE (captured_minor > 0) <> (status IN"
        " ('captured', 'surplus', 'partially_refunded', 'refunded'))",
    )
)

refunds_are_counted = invariant("payments.refunds_are_counted")(
    _violations(
        "attempt number {0}: {1} refunded by its figures, {2} by its refunds, {3} captured",
        "SELECT a.id, a.refunded_minor, r.done, a.captured_minor FROM payments_attempt AS a JOIN ("
        "   SELECT attempt_id, COALESCE(sum(amount_minor) FILTER (WHERE status = 'succeeded'), 0) AS done,"
        "   COALESCE(sum(amount_minor) FILTER (WHERE status <> 'failed'), 0) AS promised"
        "   FROM payments_refund GROUP BY attempt_id"
        " ) AS r ON r.attempt_id = a.id"
        " WHERE a.refunded_minor <> r.done OR r.promised > a.captured_minor",
    )
)

ledger_sums_to_zero = invariant("payments.ledger_sums_to_zero")(
    _violations(
        "posting {0} is off by {2} {1}",
        "SELECT p.key, COALESCE(e.currency, ''), COALESCE(sum(e.amount_minor), 0)"
        " FROM payments_ledgerposting AS p"
        " LEFT JOIN payments_ledgerentry AS e ON e.posting_id = p.id GROUP BY p.key, e.currency"
        " HAVING count(e.id) = 0 OR sum(e.amount_minor) <> 0",
    )
)
