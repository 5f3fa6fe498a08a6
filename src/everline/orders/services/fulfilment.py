"""Fulfil: the supplier is asked outside any transaction, then its outcome becomes service in one transaction.

{supplier outcomes, orders, periods, buckets, timeline, messages} are written together for a whole batch. What
is not delivered for good, or not by its deadline, goes back to the customer: never paid and silent.
"""

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from django.db import transaction

from everline.core import inbox
from everline.core.batches import bisect
from everline.core.states import transition_many
from everline.core.transactions import retrying
from everline.lines.access import lock_lines
from everline.lines.services import create_line
from everline.lines.states import ServiceState
from everline.orders.models import Order
from everline.orders.selectors import lines_of_orders, lock_orders, noted_orders, undelivered_orders_due
from everline.orders.services import cases
from everline.orders.services.notices import Confirmation, send_confirmations
from everline.orders.services.refunds import give_back
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import CaseReason, OrderStatus
from everline.orders.timeline import Step
from everline.suppliers.models import SupplierOrder
from everline.suppliers.selectors import progress_of
from everline.suppliers.services import (
    call_suppliers,
    claim_due,
    record_outcomes,
    wake_orders,
    withdraw_orders,
)
from everline.suppliers.states import OPEN
from everline.suppliers.types import ORDER_CHANGED, OrderKind, Progress, SupplierOutcome
from everline.usage import selectors as usage
from everline.usage.models import Period
from everline.usage.schedule import Schedule
from everline.usage.services import OpenOrder, open_periods

logger = logging.getLogger(__name__)

BATCH = 100
#: A purchase and what its supplier said about it.
Call = tuple[SupplierOrder, SupplierOutcome]


def fulfil_due(now: datetime) -> int:
    """Ask suppliers about every purchase that is due, deliver what they gave; returns how many were asked."""
    total = 0
    more = True
    while more:
        claimed = claim_due(now=now, limit=BATCH)
        calls = list(zip(claimed, call_suppliers(orders=claimed), strict=True))
        bisect(calls, lambda some: deliver(some, now=now), _left_for_later)
        total += len(claimed)
        # A new profile makes its top-up due.
        more = len(claimed) == BATCH or any(each.kind == OrderKind.PROFILE for each in claimed)
    return total


@transaction.atomic
def wake_announced(now: datetime) -> int:
    """Suppliers' hints that a purchase changed: those purchases are due at once; returns how many hints."""
    hints = {hint.id: hint for hint in inbox.pending(source="suppliers:", kinds=[ORDER_CHANGED], now=now)}
    taken = inbox.take(hints, now) if hints else set()
    if taken:
        wake_orders(references=[hints[key].reference for key in taken], now=now)
    return len(taken)


def _left_for_later(call: Call, error: Exception) -> None:
    """What could not be written is claimed again when its lease ends, and asked about first."""
    logger.error("order %s could not be delivered: %r", call[0].order, error)


@retrying
@transaction.atomic
def deliver(calls: Sequence[Call], *, now: datetime) -> int:
    """Keep what suppliers said and open the periods of every order that is complete now."""
    order_ids = {purchase.order for purchase, _outcome in calls}
    lock_lines(lines_of_orders(order_ids))
    orders = lock_orders(order_ids)
    purchases = record_outcomes(outcomes=[outcome for _purchase, outcome in calls], now=now)
    progress = {
        order_id: progress_of([each for each in purchases if each.order == order_id])
        for order_id in order_ids
    }
    delayed = _newly_delayed(purchases)
    ready, notes = _sort(orders, progress, delayed, now)
    notes += _open(ready, progress, now)
    write_timeline(notes, now=now)
    return len(calls)


def refund_undelivered(now: datetime) -> int:
    """Give back what was paid for orders past their deadline; returns how many orders."""
    return bisect(
        undelivered_orders_due(now, BATCH),
        lambda some: sum(_refund_one(order_id, now) for order_id in some),
        lambda order_id, error: logger.error("order %s could not be given up: %r", order_id, error),
    )


@retrying
@transaction.atomic
def _refund_one(order_id: str, now: datetime) -> int:
    order = lock_orders([order_id])[order_id]
    if order.status != OrderStatus.FULFILLING:
        return 0
    write_timeline(_undeliverable(order, "not delivered in time", now), now=now)
    return 1


def _newly_delayed(purchases: Sequence[SupplierOrder]) -> set[str]:
    """Orders whose delivery met its first obstacle; their customers were not told yet."""
    waiting = {each.order for each in purchases if each.status in OPEN and each.last_error}
    return waiting - noted_orders(waiting, Step.FULFILMENT_DELAYED) if waiting else waiting


def _sort(
    orders: Mapping[str, Order],
    progress: Mapping[str, Progress],
    delayed: AbstractSet[str],
    now: datetime,
) -> tuple[list[Order], list[Note]]:
    """Which orders can be delivered now, and what is to be told about the others."""
    ready: list[Order] = []
    notes: list[Note] = []
    for order in orders.values():
        state = progress[order.id]
        gone = order.line is not None and order.line.state_at(now) == ServiceState.TERMINATED
        if order.status != OrderStatus.FULFILLING:
            continue
        if state.failure is not None:
            notes += _undeliverable(order, f"{state.failure.code}: {state.failure.message}", now)
        elif gone:
            notes += _undeliverable(order, "the line was terminated", now)
        elif state.done:
            ready.append(order)
        elif order.id in delayed:
            notes.append(Note(order.id, Step.FULFILMENT_DELAYED))
    return ready, notes


def _open(orders: Sequence[Order], progress: Mapping[str, Progress], now: datetime) -> list[Note]:
    if not orders:
        return []
    with_new_line = {order.id for order in orders if order.line is None}
    for order in orders:
        if order.id in with_new_line:
            _give_line(order, progress[order.id], now)
    line_ids = {str(order.line_id) for order in orders}
    schedules = usage.schedules(line_ids, now)
    ordered = sorted(orders, key=lambda each: (each.paid_at or now, each.id))
    opened = open_periods(
        [
            OpenOrder(
                each.id, str(each.line_id), each.plan_version, each.quantity, schedules[str(each.line_id)]
            )
            for each in ordered
        ],
        now,
    )
    transition_many(
        Order,
        [order.id for order in orders],
        to=OrderStatus.FULFILLED,
        reason="delivered",
        set={"fulfilled_at": now},
        now=now,
    )
    confirmations = _confirmations(ordered, opened, schedules, with_new_line)
    send_confirmations(confirmations, now=now)
    return [note for each in confirmations for note in _steps(each)]


def _confirmations(
    orders: Sequence[Order],
    opened: Mapping[str, Sequence[Period]],
    schedules: Mapping[str, Schedule],
    with_new_line: AbstractSet[str],
) -> list[Confirmation]:
    """Old and new ends per order; the second order of a line in a batch starts from the first one's end."""
    ends = {line_id: schedule.valid_until for line_id, schedule in schedules.items()}
    found = []
    for order in orders:
        line_id, periods = str(order.line_id), opened[order.id]
        base = [period.ends_at for period in periods if period.kind == "base" and period.ends_at is not None]
        old = ends[line_id]
        ends[line_id] = max([*base, *([old] if old else [])], default=None)
        found.append(
            Confirmation(
                order=order,
                zone=schedules[line_id].zone.key,
                new_line=order.id in with_new_line,
                old_ends_at=old,
                new_ends_at=ends[line_id],
                opens_by=periods[0].opens_by,
            )
        )
    return found


def _steps(confirmation: Confirmation) -> list[Note]:
    ends = {
        "old_ends_at": confirmation.old_ends_at.isoformat() if confirmation.old_ends_at else None,
        "new_ends_at": confirmation.new_ends_at.isoformat() if confirmation.new_ends_at else None,
    }
    return [
        Note(confirmation.order.id, Step.PERIOD_OPENED, ends),
        Note(confirmation.order.id, Step.FULFILLED),
    ]


def _give_line(order: Order, progress: Progress, now: datetime) -> None:
    """The profile that was bought becomes the customer's new line."""
    profile = progress.profile
    if profile is None:
        raise RuntimeError(f"{order.id} is done, but its supplier gave no profile")
    order.line = create_line(
        customer_id=order.customer_id,
        profile={name: getattr(profile, name) for name in profile.__slots__},
        now=now,
    )
    order.save(update_fields=["line"])


def _undeliverable(order: Order, why: str, now: datetime) -> list[Note]:
    """The supplier is told to stop and to take back what it may have given; the money goes back in full."""
    withdraw_orders(orders=[order.id], now=now, reason=why[:200])
    return [
        Note(order.id, Step.FULFILMENT_FAILED),
        *cases.open_case(order=order, reason=CaseReason.UNDELIVERED, detail=why, now=now),
        *give_back(order=order, reason="undelivered", now=now),
    ]
