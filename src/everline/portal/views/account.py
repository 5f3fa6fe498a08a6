"""The account page: what needs the customer, every line with what is left of it, and the newest orders."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from everline.catalog import selectors as catalog
from everline.core import clock, ids
from everline.lines import selectors as lines
from everline.orders import selectors as orders
from everline.orders.states import OrderStatus
from everline.payments.states import AttemptStatus
from everline.portal.answers import show
from everline.portal.cards import LineCard, line_card, versions_to_know
from everline.portal.gate import signed_in
from everline.usage import selectors as usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from everline.accounts.models import Customer
    from everline.lines.models import Line
    from everline.orders.selectors import UnfinishedOrder

_LINES = 50
_ORDERS = 5


@require_safe
@signed_in
def overview(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """At most twelve statements whatever the number of lines."""
    now = clock.now()
    after = request.GET.get("after", "")
    found = lines.lines_for_customer(
        customer.id, after=after if ids.is_id("ln", after) else None, limit=_LINES + 1
    )
    unfinished = sorted(orders.unfinished_orders(customer_id=customer.id, now=now), key=_waits_for_us)
    shown = {each.order.id for each in unfinished}
    recent = orders.recent_orders(customer_id=customer.id, limit=_ORDERS + len(shown))
    context = {
        "cards": cards_of(found[:_LINES], customer, now),
        "more": found[_LINES - 1].id if len(found) > _LINES else "",
        "unfinished": unfinished,
        "orders": [order for order in recent if order.id not in shown][:_ORDERS],
        "unproven": customer.email is not None and customer.email_verified_at is None,
        "section": "account",
    }
    return show(request, customer, "account/overview", context)


def _waits_for_us(unfinished: "UnfinishedOrder") -> bool:
    """What the customer can do something about comes first."""
    attempt = unfinished.attempt
    waits = unfinished.order.status == OrderStatus.AWAITING_PAYMENT
    return not (waits and (attempt is None or attempt.status == AttemptStatus.REQUIRES_ACTION))


def cards_of(found: "Sequence[Line]", customer: "Customer", now: "datetime") -> list[LineCard]:
    """What is told about these lines; three statements."""
    keys = [line.id for line in found]
    if not keys:
        return []
    periods, balances = usage.periods(keys, now), usage.balances(keys, now)
    versions = catalog.versions_by_ids(versions_to_know(periods.values()))
    return [line_card(line, customer, periods[line.id], balances[line.id], now, versions) for line in found]
