"""The account page: every line with what is left of it, and the newest orders."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from everline.catalog.terms import days_left
from everline.core import clock, ids
from everline.lines import selectors as lines
from everline.lines.states import ServiceState
from everline.orders import selectors as orders
from everline.portal.answers import show
from everline.portal.gate import signed_in
from everline.usage import selectors as usage
from everline.usage.states import PeriodState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from everline.accounts.models import Customer
    from everline.lines.models import Line
    from everline.usage.types import Balance, PeriodView

_LINES = 50
_ORDERS = 5
_RENEWABLE = frozenset({ServiceState.PENDING, ServiceState.ACTIVE, ServiceState.GRACE})


@dataclass(frozen=True, slots=True)
class LineCard:
    """A line as its customer sees it, as of one instant."""

    line: "Line"
    zone: str
    state: ServiceState
    days_left: int
    running: "Sequence[PeriodView]"
    queued: "Sequence[PeriodView]"
    balances: "Sequence[Balance]"

    @property
    def renewable(self) -> bool:
        """Whether the line takes a plan in this state."""
        return self.state in _RENEWABLE


@require_safe
@signed_in
def overview(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Seven statements whatever the number of lines."""
    now = clock.now()
    after = request.GET.get("after", "")
    found = lines.lines_for_customer(
        customer.id, after=after if ids.is_id("ln", after) else None, limit=_LINES + 1
    )
    context = {
        "cards": cards_of(found[:_LINES], customer, now),
        "more": found[_LINES - 1].id if len(found) > _LINES else "",
        "orders": orders.recent_orders(customer_id=customer.id, limit=_ORDERS),
        "section": "account",
    }
    return show(request, customer, "account", context)


def cards_of(found: "Sequence[Line]", customer: "Customer", now: "datetime") -> list[LineCard]:
    """What is told about these lines; two statements."""
    keys = [line.id for line in found]
    periods, balances = usage.periods(keys, now), usage.balances(keys, now)
    return [line_card(line, customer, periods[line.id], balances[line.id], now) for line in found]


def line_card(
    line: "Line",
    customer: "Customer",
    periods: "Sequence[PeriodView]",
    balances: "Sequence[Balance]",
    now: "datetime",
) -> LineCard:
    """One line from what the rooms know of it; no statement."""
    return LineCard(
        line=line,
        zone=line.timezone or customer.timezone,
        state=line.state_at(now),
        days_left=0 if line.valid_until is None else days_left(now, line.valid_until),
        running=[each for each in periods if each.state in (PeriodState.ACTIVE, PeriodState.SUSPENDED)],
        queued=[each for each in periods if each.state == PeriodState.QUEUED],
        balances=balances,
    )
