"""Everything about one order, and everything about one customer, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q

from everline.accounts import selectors as accounts
from everline.accounts.models import Customer
from everline.accounts.types import SecurityView, SessionView
from everline.core import ids
from everline.core.models import AuditEntry, InboxHint, Transition
from everline.core.transactions import one_snapshot
from everline.lines.models import Line
from everline.notifications.models import Message
from everline.orders.models import Case, Order
from everline.orders.selectors import OrderView, order_views
from everline.payments.models import LedgerEntry, LedgerPosting
from everline.suppliers.models import SupplierOrder
from everline.suppliers.selectors import purchases_for
from everline.support.models import CustomerNote
from everline.support.timeline import Page, customer_timeline, order_timeline
from everline.usage import selectors as usage
from everline.usage.types import Balance, PeriodView

_ROWS = 50


@dataclass(frozen=True, slots=True)
class OrderFile:
    """An order with all that anybody ever noted about it."""

    order: Order
    view: OrderView
    moves: Mapping[str, Sequence[Transition]]
    hints: Sequence[InboxHint]
    purchases: Sequence[SupplierOrder]
    postings: Sequence[LedgerPosting]
    messages: Sequence[Message]
    cases: Sequence[Case]
    audit: Sequence[AuditEntry]
    timeline: Page


@dataclass(frozen=True, slots=True)
class LineFile:
    """A line as staff see it: its state at this instant, what is left, what is unusual about its numbers."""

    line: Line
    state: str
    balances: Sequence[Balance]
    periods: Sequence[PeriodView]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """A customer with lines, orders, sign-ins, messages, notes and one timeline."""

    customer: Customer
    security: SecurityView
    sessions: Sequence[SessionView]
    lines: Sequence[LineFile]
    orders: Sequence[Order]
    messages: Sequence[Message]
    notes: Sequence[CustomerNote]
    timeline: Page


def order_file(order: Order, *, now: datetime, before: datetime) -> OrderFile:
    """All of one order as of one instant; under twenty-five statements."""
    with one_snapshot():
        [view] = order_views([order], now)
        attempts = [attempt.id for attempt in view.attempts]
        refunds = [refund.id for refund in view.refunds]
        purchases = purchases_for([order.id])[order.id]
        references = [*attempts, *refunds, *(each.reference for each in purchases)]
        entries = Prefetch("entries", LedgerEntry.objects.order_by("id"))
        return OrderFile(
            order=order,
            view=view,
            moves=_moves(attempts),
            hints=list(InboxHint.objects.filter(reference__in=references).order_by("-id")[:_ROWS]),
            purchases=purchases,
            postings=list(
                LedgerPosting.objects.filter(payable=order.id).order_by("id").prefetch_related(entries)
            ),
            messages=list(
                Message.objects.filter(reference=order.id).select_related("delivery").order_by("-pk")[:_ROWS]
            ),
            cases=list(Case.objects.filter(order=order).order_by("-id")),
            audit=list(
                AuditEntry.objects.filter(object_kind="order", object_id=order.id).order_by("-id")[:_ROWS]
            ),
            timeline=order_timeline(order, before=before),
        )


def customer_file(customer: Customer, *, now: datetime, before: datetime) -> CustomerFile:
    """All of one customer as of one instant; under thirty statements."""
    with one_snapshot():
        lines = list(Line.objects.filter(customer=customer).order_by("-pk")[:_ROWS])
        keys = [line.id for line in lines]
        balances, periods = usage.balances(keys, now), usage.periods(keys, now)
        addresses = [each for each in (customer.email, customer.phone) if each]
        return CustomerFile(
            customer=customer,
            security=accounts.security_of(customer.user_id),
            sessions=accounts.open_sessions(user_id=customer.user_id, now=now),
            lines=[
                LineFile(line, str(line.state_at(now)), balances[line.id], periods[line.id], line.warnings)
                for line in lines
            ],
            orders=list(
                Order.objects.filter(customer=customer)
                .select_related("plan_version", "line")
                .order_by("-pk")[:_ROWS]
            ),
            messages=list(
                Message.objects.filter(Q(to__in=addresses) | Q(reference=customer.id))
                .select_related("delivery")
                .order_by("-pk")[:_ROWS]
            ),
            notes=list(CustomerNote.objects.filter(customer=customer).order_by("-id")[:_ROWS]),
            timeline=customer_timeline(customer, before=before),
        )


def _moves(attempts: Sequence[str]) -> dict[str, list[Transition]]:
    found: dict[str, list[Transition]] = {key: [] for key in attempts}
    numbers = [ids.to_int("att", key) for key in attempts]
    for row in Transition.objects.filter(label="payments.attempt", object_id__in=numbers).order_by("id"):
        found[ids.from_int("att", row.object_id)].append(row)
    return found
