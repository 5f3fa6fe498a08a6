"""Keeping what suppliers answered, a batch at a time, in the transaction of whoever owns the orders."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

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
#: A supplier's own wish to wait counts up to here, in seconds: our customers' deadline is nearer than a day.
_LONGEST_WISH = 3_600
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
    """Apply outcomes in the caller's transaction; returns the purchases they are about, as they are now.

    With them come all other purchases for the same orders of the shop, so that the caller sees what is still
    missing; all are locked. Costs a constant number of statements. A purchase that is settled already (done,
    failed, withdrawn) is not touched. What comes next to a profile (its top-up) becomes due at once.
    """
    by_id = {outcome.order_id: outcome for outcome in outcomes}
    concerned = SupplierOrder.objects.filter(pk__in=by_id).values("order")
    purchases = list(SupplierOrder.objects.select_for_update().filter(order__in=concerned).order_by("pk"))
    live = [each for each in purchases if each.id in by_id and each.status in states.OPEN]
    rows = [_Row(each, by_id[each.id], _target(each, by_id[each.id])) for each in live]
    for row in rows:
        _note(row.order, row.outcome, now)
    # What stays in its state is written plainly: a transition to the same state writes nothing.
    _write([row.order for row in rows if row.target is None or row.target == row.order.status])
    for target in SupplierOrderStatus:
        _move([row.order for row in rows if row.target == target], target, now)
    return purchases


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
        each={order.id: {name: getattr(order, name) for name in _NOTED} for order in orders},
        now=now,
    )
    for order in orders:
        if order.id in moved:
            setattr(order, SupplierOrder.MACHINE.field, str(target))
            order.settled_at = settled


#: What an outcome tells of a purchase besides its state.
_NOTED = (
    "next_try_at",
    "last_error",
    "failure_code",
    "failure_message",
    "supplier_ref",
    "result",
    "line_iccid",
)


def _write(orders: Sequence[SupplierOrder]) -> None:
    if orders:
        SupplierOrder.objects.bulk_update(orders, _NOTED)


def _note(order: SupplierOrder, outcome: SupplierOutcome, now: datetime) -> None:
    """What an outcome tells besides the state, onto the object."""
    result = outcome.result
    failure = result.failure if result else None
    order.next_try_at = now + pause(order.tries, outcome)
    error = outcome.error or (f"{failure.code}: {failure.message}" if failure else "")
    order.last_error = _storable(error, 300)
    if outcome.error:
        logger.warning("%s of order %s: %s", order.reference, order.order, outcome.error)
    if result is None:
        return
    order.supplier_ref = (result.supplier_ref or order.supplier_ref)[:200]
    order.line_iccid = (result.iccid or order.line_iccid)[:22]
    if result.profile is not None:
        order.result = asdict(result.profile)
    if failure is not None:
        order.failure_code = _storable(failure.code, 60)
        order.failure_message = _storable(failure.message, 300)


def _storable(text: str, longest: int) -> str:
    """A stranger's words as a column takes them: without NUL and halves of surrogate pairs."""
    return text.replace("\x00", "?").encode(errors="replace").decode()[:longest]


def pause(tries: int, outcome: SupplierOutcome) -> timedelta:
    """How long to wait before this purchase is looked at again; settled ones never are."""
    pending = outcome.result is not None and outcome.result.state in {
        ResultState.PENDING,
        ResultState.UNKNOWN,
    }
    steps = _PENDING_PAUSES if pending else _PAUSES
    seconds = steps[min(max(tries, 1), len(steps)) - 1]
    return timedelta(seconds=max(seconds, min(outcome.retry_after or 0, _LONGEST_WISH)))
