"""Keeping what suppliers answered, a batch at a time, in the transaction of whoever owns the orders."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import connection

from everline.core.ids import to_int
from everline.core.states import transition_many
from everline.suppliers import states
from everline.suppliers.models import SupplierOrder
from everline.suppliers.states import SupplierOrderStatus
from everline.suppliers.types import Failure, ResultState, SupplierOutcome

logger = logging.getLogger(__name__)

#: Waits after a temporary failure; the last one repeats.
_PAUSES = (10, 30, 120, 300)
#: A supplier that works on an order is asked again after these seconds; the last one repeats.
_PENDING_PAUSES = (5, 15, 30, 60, 300)
_TARGETS = {
    ResultState.PENDING: SupplierOrderStatus.PENDING,
    ResultState.DONE: SupplierOrderStatus.DONE,
    ResultState.FAILED: SupplierOrderStatus.FAILED,
    ResultState.UNKNOWN: SupplierOrderStatus.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class _Row:
    order: SupplierOrder
    outcome: SupplierOutcome
    target: SupplierOrderStatus | None


def record_outcomes(*, outcomes: Sequence[SupplierOutcome], now: datetime) -> list[SupplierOrder]:
    """Apply outcomes in the caller's transaction; returns the purchases as they are now, locked.

    Costs a constant number of statements. A purchase that is settled already (done, failed, withdrawn) is
    not touched. What comes next to a profile that was made (its top-up) becomes due at once.
    """
    by_id = {outcome.order_id: outcome for outcome in outcomes}
    orders = SupplierOrder.objects.select_for_update().filter(pk__in=by_id).order_by("pk")
    rows = [_Row(order, by_id[order.id], _target(order, by_id[order.id])) for order in orders]
    live = [row for row in rows if row.order.status in states.OPEN]
    if live:
        _write(live, now)
        for target in SupplierOrderStatus:
            _move([row.order for row in live if row.target == target], target, now)
    return [row.order for row in rows]


def _target(order: SupplierOrder, outcome: SupplierOutcome) -> SupplierOrderStatus | None:
    result = outcome.result
    if result is None:
        maybe = outcome.sent and order.status == SupplierOrderStatus.REQUESTED
        return SupplierOrderStatus.UNKNOWN if maybe else None
    if result.state == ResultState.FAILED and not _is_final(result.failure):
        return None
    if result.state == ResultState.UNKNOWN and order.status == SupplierOrderStatus.PENDING:
        return None
    return _TARGETS[result.state]


def _is_final(failure: Failure | None) -> bool:
    return failure is not None and failure.permanent


def _move(orders: Sequence[SupplierOrder], target: SupplierOrderStatus, now: datetime) -> None:
    settled = None if target in states.OPEN else now
    moved = transition_many(
        SupplierOrder,
        [order.id for order in orders],
        to=target,
        reason="supplier",
        set={"settled_at": settled},
        now=now,
    )
    for order in orders:
        if order.id in moved:
            setattr(order, SupplierOrder.MACHINE.field, str(target))
            order.settled_at = settled


_WRITE = """
UPDATE suppliers_supplierorder AS s SET
    next_try_at = v.next_try_at, last_error = v.last_error, failure_code = v.failure_code,
    failure_message = v.failure_message, supplier_ref = v.supplier_ref, result = v.result::jsonb,
    line_iccid = v.line_iccid
FROM unnest(
    %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]
) AS v (id, next_try_at, last_error, failure_code, failure_message, supplier_ref, result, line_iccid)
WHERE s.id = v.id
"""


def _write(rows: Sequence[_Row], now: datetime) -> None:
    for row in rows:
        _note(row.order, row.outcome, now)
    orders = [row.order for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                [to_int("sup", order.id) for order in orders],
                [order.next_try_at for order in orders],
                [order.last_error for order in orders],
                [order.failure_code for order in orders],
                [order.failure_message for order in orders],
                [order.supplier_ref for order in orders],
                [json.dumps(order.result) for order in orders],
                [order.line_iccid for order in orders],
            ],
        )


def _note(order: SupplierOrder, outcome: SupplierOutcome, now: datetime) -> None:
    """What an outcome tells besides the state, onto the object."""
    result = outcome.result
    failure = result.failure if result else None
    order.next_try_at = now + pause(order.tries, outcome)
    order.last_error = (outcome.error or (f"{failure.code}: {failure.message}" if failure else ""))[:300]
    if outcome.error:
        logger.warning("%s of order %s: %s", order.reference, order.order, outcome.error)
    if result is None:
        return
    order.supplier_ref = (result.supplier_ref or order.supplier_ref)[:200]
    order.line_iccid = (result.iccid or order.line_iccid)[:22]
    if result.profile is not None:
        order.result = asdict(result.profile)
    if failure is not None:
        order.failure_code, order.failure_message = failure.code[:60], failure.message[:300]


def pause(tries: int, outcome: SupplierOutcome) -> timedelta:
    """How long to wait before this purchase is looked at again; settled ones never are."""
    pending = outcome.result is not None and outcome.result.state in {
        ResultState.PENDING,
        ResultState.UNKNOWN,
    }
    steps = _PENDING_PAUSES if pending else _PAUSES
    seconds = steps[min(max(tries, 1), len(steps)) - 1]
    return timedelta(seconds=max(seconds, outcome.retry_after or 0))
