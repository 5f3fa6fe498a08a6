"""An auditor who was not there: he compares what customers see of their orders with what the world saw.

He asks the provider for its charges, the supplier for its orders and the gateway for its mails, and believes
none of the shop's tables about money: every complaint is a sentence, and an honest shop earns none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db.models import Q

from everline.core import clock
from everline.core.models import InboxHint, OutboxEvent
from everline.lines.models import Line
from everline.notifications.models import Delivery
from everline.notifications.states import DeliveryState
from everline.orders.models import Order
from everline.orders.selectors import OrderView, order_views
from everline.orders.states import FINAL, OrderStatus
from everline.payments.models import Attempt, Refund
from everline.payments.states import OPEN as OPEN_ATTEMPT
from everline.payments.states import REFUND_OPEN
from everline.suppliers.models import SupplierOrder
from everline.suppliers.states import OPEN as OPEN_PURCHASE
from tests.journeys.world import World
from tests.payments.fakes import cash

#: Ends of a payment that its customer chose or knows of: nobody writes a mail about them.
QUIET = {"cancelled", "expired"}
#: What comes to rest in which order: webhooks and mails in seconds, refunds in minutes, deliveries by 70 min.
PAUSES: tuple[dict[str, float], ...] = ({"seconds": 40}, {"minutes": 4}, {"minutes": 15}, {"minutes": 75})


@dataclass(frozen=True)
class Outside:
    """What provider, supplier and gateway have in their own books, by the shop's order."""

    charges: dict[str, list[dict[str, Any]]]
    purchases: dict[str, list[dict[str, Any]]]
    mails: dict[str, Counter[str]]


def outside(world: World, orders: Sequence[Order]) -> Outside:
    """Read the three books once. Mails belong to the order whose number their subject or text carries."""
    purchases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in world.sandbox.control("GET", "/suppliers/orders")["data"]:
        purchases[row["reference"].split("-")[1]].append(row)
    charges = {order.id: world.sandbox.charges(order.id) for order in orders}
    mails: dict[str, Counter[str]] = {order.id: Counter() for order in orders}
    inboxes = {str(order.customer.email) for order in orders}
    letters = [mail for address in sorted(inboxes) for mail in world.sandbox.messages(address)]
    for order in orders:
        mine = [mail for mail in letters if order.number in mail["subject"] + mail["text"]]
        mails[order.id].update(mail["kind"] for mail in mine if mail["to"] == order.customer.email)
    return Outside(charges, purchases, mails)


def complaints(world: World, orders: Iterable[Order]) -> list[str]:
    """All that is wrong with these orders; empty when shop, provider, supplier and mails agree."""
    rows = [Order.objects.select_related("customer__user", "line").get(pk=order.pk) for order in orders]
    seen = outside(world, rows)
    views = order_views(rows, clock.now())
    found = [f"{view.order.id}: {text}" for view in views for text in _about_money(view, seen)]
    found += [f"{view.order.id}: {text}" for view in views for text in _about_service(view, seen)]
    found += [f"{view.order.id}: {text}" for view in views for text in _about_mail(view, seen)]
    return found + _about_lines(views)


def _about_money(view: OrderView, seen: Outside) -> list[str]:
    order, charges = view.order, seen.charges[view.order.id]
    due = order.total.amount if order.status == OrderStatus.FULFILLED else 0
    held = sum(each["captured"] - each["refunded"] for each in charges)
    found = []
    if order.status not in FINAL:
        found.append(f"has not come to an end: {order.status}")
    if held != due:
        found.append(f"is {order.status}; {held} of {order.total.amount} stayed at the provider, not {due}")
    if any(each["currency"] != order.currency for each in charges if each["captured"]):
        found.append("was charged in another currency")
    if any(each["captured"] not in {0, each["amount"]} for each in charges):
        found.append("was charged another amount than it was asked for")
    if any(each["refunded"] not in {0, each["captured"]} for each in charges):
        found.append("was refunded in part, which nobody asked for")
    books = cash(order.id)
    if books != ({order.currency: held} if held else {}):
        found.append(f"has {books} in the ledger and {held} at the provider")
    return found + _about_attempts(view, charges)


def _about_attempts(view: OrderView, charges: Sequence[dict[str, Any]]) -> list[str]:
    """Each attempt shown is the provider's payment of that reference, and no payment is unknown."""
    found = []
    by_attempt = {each["attempt"]: each for each in charges}
    if len(by_attempt) != len(charges):
        found.append("one attempt made two payments")
    known = {attempt.id: attempt for attempt in view.attempts}
    found += [f"{key} is unknown to the shop" for key in by_attempt if key not in known]
    for key, attempt in known.items():
        charge = by_attempt.get(key, {"captured": 0, "refunded": 0})
        figures = (attempt.captured_minor, attempt.refunded_minor)
        if figures != (charge["captured"], charge["refunded"]):
            found.append(f"{key} shows {figures}, the provider {charge['captured'], charge['refunded']}")
        if attempt.status in OPEN_ATTEMPT:
            found.append(f"{key} is still {attempt.status}")
    returned = sum(refund.amount_minor for refund in view.refunds if refund.status == "succeeded")
    if returned != sum(each["refunded"] for each in charges):
        found.append(f"shows refunds of {returned}")
    return found


def _about_service(view: OrderView, seen: Outside) -> list[str]:
    order, purchases = view.order, seen.purchases.get(view.order.id, [])
    fulfilled = order.status == OrderStatus.FULFILLED
    standing = [each for each in purchases if each["kind"] != "revocation" and not each["revoked"]]
    topped_up = sum(each["quantity"] for each in standing if each["kind"] == "topup")
    made = sum(each["kind"] == "profile" for each in standing)
    events = Counter(entry.event for entry in view.timeline)
    wanted = order.quantity if fulfilled else 0
    new_line = any(each["kind"] == "profile" for each in purchases)
    found = []
    if len(view.periods) != wanted:
        found.append(f"is {order.status} with {len(view.periods)} of {order.quantity} periods")
    if topped_up != wanted:
        found.append(f"is {order.status}; its supplier gave {topped_up} of {order.quantity} terms")
    if made != int(fulfilled and new_line):
        found.append(f"is {order.status} with {made} profiles at the supplier")
    if len({each["reference"] for each in purchases}) != len(purchases):
        found.append("was bought twice at the supplier")
    found += [
        f"says {step} {events[step]} times"
        for step in ("period.opened", "order.fulfilled")
        if events[step] != int(fulfilled)
    ]
    return found


def _about_mail(view: OrderView, seen: Outside) -> list[str]:
    order, got = view.order, seen.mails[view.order.id]
    charges = seen.charges[order.id]
    events = Counter(entry.event for entry in view.timeline)
    due = {
        "order_confirmation": int(order.status == OrderStatus.FULFILLED),
        "order_refunded": sum(each["refunded"] > 0 for each in charges),
        "order_expired": int(events["order.expired"] > 0),
        "payment_failed": sum(
            each["status"] == "failed" and each["failure_code"] not in QUIET for each in charges
        ),
    }
    # A message that the shop gave up may be missing, or may have arrived without the shop knowing.
    lost = Counter(
        Delivery.objects.filter(message__reference=order.id, status=DeliveryState.GIVEN_UP)
        .exclude(last_error="")
        .values_list("message__kind", flat=True)
    )
    found = [
        f"brought {got[kind]} mails {kind}, not {number}"
        for kind, number in due.items()
        if not number - lost[kind] <= got[kind] <= number
    ]
    found += [f"brought a mail {kind}" for kind in got if kind not in due]
    told = due["order_confirmation"] - lost["order_confirmation"]
    if events["confirmation.sent"] != told:
        found.append(f"says confirmation.sent {events['confirmation.sent']} times")
    return found


def _about_lines(views: Sequence[OrderView]) -> list[str]:
    """Periods of one line lie end to end or apart, and the line is valid until the last one's end."""
    found = []
    lines = {view.order.line.id: view.order.line for view in views if view.order.line is not None}
    for line_id, line in lines.items():
        periods = sorted(
            (p.starts_at, p.ends_at)
            for view in views
            for p in view.periods
            if p.line_id == line_id and p.kind == "base" and p.starts_at is not None and p.ends_at is not None
        )
        found += [f"{line_id}: {one} runs into {two}" for one, two in pairwise(periods) if one[1] > two[0]]
        last = max((end for _start, end in periods), default=None)
        if line.valid_until != last:
            found.append(f"{line_id} is valid until {line.valid_until}, its last period ends {last}")
    return found


def unfinished() -> list[str]:
    """What still waits in the shop: hints, news, messages, refunds, purchases, payments, orders."""
    # The sandbox outlives each test's database: what it tells of attempts and lines from before is nobody's.
    hints = (
        InboxHint.objects.filter(processed_at=None)
        .exclude(error__startswith="no attempt att_")
        .exclude(~Q(reference__in=Line.objects.values("iccid")), error__startswith="unknown_line")
    )
    refunds = Refund.objects.filter(status__in=REFUND_OPEN)
    purchases = SupplierOrder.objects.filter(status__in=OPEN_PURCHASE)
    attempts = Attempt.objects.filter(status__in=OPEN_ATTEMPT)
    orders = Order.objects.exclude(status__in=FINAL)
    return [
        *(f"hint {each.event_id} about {each.reference}: {each.error}" for each in hints),
        *(f"event {each.type}: {each.error}" for each in OutboxEvent.objects.filter(dispatched_at=None)),
        *(f"message {each.message_id}" for each in Delivery.objects.filter(status=DeliveryState.QUEUED)),
        *(f"refund {each.id} is {each.status}" for each in refunds),
        *(f"purchase {each.reference} is {each.status}: {each.last_error}" for each in purchases),
        *(f"attempt {each.id} is {each.status}" for each in attempts),
        *(f"order {each.id} is {each.status}" for each in orders),
    ]


def come_to_rest(world: World, *more: dict[str, float]) -> list[str]:
    """Let time pass and drain until nothing waits, days if need be; returns what waits even then."""
    world.sandbox.drain()
    for pause in (*PAUSES, {"hours": 25}, {"hours": 25}, *more):
        if not unfinished():
            break
        world.sandbox.advance(**pause)
        world.sandbox.drain()
    return unfinished()
