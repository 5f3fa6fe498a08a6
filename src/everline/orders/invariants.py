"""Truths about orders, checked from what is stored (domain: invariants 1 to 3)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count

from everline.core.invariants import invariant
from everline.orders.models import Case, Order
from everline.orders.states import KEEPS_MONEY, OrderStatus
from everline.payments.models import Attempt
from everline.payments.selectors import surplus_without_refund
from everline.payments.states import KEPT
from everline.usage.models import Period

_MAY_KEEP = [*KEEPS_MONEY, OrderStatus.NEEDS_ATTENTION]
_DELIVERED = [OrderStatus.FULFILLED, OrderStatus.PARTIALLY_REFUNDED]
_MAY_HAVE_PERIODS = [*_DELIVERED, OrderStatus.REFUNDED, OrderStatus.NEEDS_ATTENTION]

#: Money may be on its way to a decision for this long.
_PATIENCE = timedelta(minutes=5)

_BATCH = 5_000


@invariant("orders.captured_money_has_an_order")
def captured_money_has_an_order(now: datetime) -> list[str]:
    """1. Every kept capture belongs to exactly one order that keeps money or is being looked at."""
    del now
    kept = dict(Attempt.objects.filter(status__in=KEPT).values_list("payable", "id"))
    found = []
    for part in _parts(list(kept)):
        good = Order.objects.filter(pk__in=part, status__in=_MAY_KEEP).values_list("id", flat=True)
        found += [f"{kept[order]} is kept, but {order} is not" for order in set(part) - set(good)]
    return found


@invariant("orders.surplus_goes_back")
def surplus_goes_back(now: datetime) -> list[str]:
    """1. Money that no order keeps is given back, on its way back, or has an open case."""
    stranded = surplus_without_refund(now - _PATIENCE, limit=_BATCH)
    open_cases = Case.objects.filter(closed_at=None, order__in=[each.payable for each in stranded])
    known = set(open_cases.values_list("order_id", flat=True))
    return [f"{each.id} holds {each.captured} of nobody" for each in stranded if each.payable not in known]


@invariant("orders.paid_orders_have_money")
def paid_orders_have_money(now: datetime) -> list[str]:
    """2. Every order that gives or owes service holds one kept capture of its total."""
    del now
    totals = {
        order: (total, currency)
        for order, total, currency in Order.objects.filter(status__in=KEEPS_MONEY).values_list(
            "id", "total_minor", "currency"
        )
    }
    found = []
    for part in _parts(list(totals)):
        kept = {
            payable: (amount, currency)
            for payable, amount, currency in Attempt.objects.filter(
                payable__in=part, status__in=KEPT
            ).values_list("payable", "captured_minor", "currency")
        }
        found += [
            f"{order} keeps {kept.get(order)}, not {totals[order]}"
            for order in part
            if kept.get(order) != totals[order]
        ]
    return found


@invariant("orders.fulfilled_orders_have_periods")
def fulfilled_orders_have_periods(now: datetime) -> list[str]:
    """3. Every fulfilled order has as many periods as its quantity, and every period one such order."""
    del now
    quantities = dict(Order.objects.filter(status__in=_DELIVERED).values_list("id", "quantity"))
    periods = dict(Period.objects.values_list("order").annotate(n=Count("pk")).order_by())
    wrong = [
        f"{order} has {periods.get(order, 0)} of {quantity} periods"
        for order, quantity in quantities.items()
        if periods.get(order, 0) != quantity
    ]
    ended = set(Order.objects.filter(status__in=_MAY_HAVE_PERIODS).values_list("id", flat=True))
    orphans = sorted(set(periods) - ended)
    return wrong + [f"periods of {order}, which was never fulfilled" for order in orphans]


@invariant("orders.never_paid_and_silent")
def never_paid_and_silent(now: datetime) -> list[str]:
    """I3: a paid order past its deadline by more than five minutes is refunded or has a case."""
    late = Order.objects.filter(
        status__in=[OrderStatus.PAID, OrderStatus.FULFILLING], deliver_by__lt=now - _PATIENCE
    )
    open_cases = Case.objects.filter(closed_at=None).values("order_id")
    silent = Order.objects.filter(status=OrderStatus.NEEDS_ATTENTION).exclude(pk__in=open_cases)
    return [f"{key} is paid and late" for key in late.values_list("id", flat=True)] + [
        f"{key} needs attention without a case" for key in silent.values_list("id", flat=True)
    ]


def _parts(keys: list[str]) -> Iterator[list[str]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))
