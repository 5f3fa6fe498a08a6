"""Orders that nobody paid end, once their open payment was ended at its provider."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from everline.core.batches import bisect
from everline.core.states import transition_many
from everline.core.transactions import retrying
from everline.orders.models import Order
from everline.orders.selectors import lock_orders, unpaid_orders_due
from everline.orders.services.notices import send_expired
from everline.orders.services.settlement import close_open_attempt
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import OrderStatus
from everline.orders.timeline import Step
from everline.payments import selectors as payments
from everline.payments.states import OPEN

logger = logging.getLogger(__name__)


def expire_unpaid(now: datetime) -> int:
    """End orders past their time; returns how many ended.

    A payment that arrives after all is honoured while the terms still stand, else it goes back.
    """
    return bisect(unpaid_orders_due(now), lambda some: _end(some, now), _left_for_later)


def _end(order_ids: Sequence[str], now: datetime) -> int:
    for order_id, attempts in payments.attempts_for(order_ids).items():
        if any(attempt.status in OPEN for attempt in attempts):
            close_open_attempt(order_id=order_id, now=now)
    return _expire(order_ids, now)


def _left_for_later(order_id: str, error: Exception) -> None:
    """The next sweep tries again; the others are not kept waiting."""
    logger.error("order %s could not be ended: %r", order_id, error)


@retrying
@transaction.atomic
def _expire(order_ids: Sequence[str], now: datetime) -> int:
    orders = lock_orders(order_ids)
    waiting = [order for order in orders.values() if order.status == OrderStatus.AWAITING_PAYMENT]
    moved = transition_many(
        Order, [order.id for order in waiting], to=OrderStatus.EXPIRED, reason="not paid in time", now=now
    )
    write_timeline([Note(order.id, Step.EXPIRED) for order in waiting], now=now)
    send_expired(waiting, now=now)
    return len(moved)
