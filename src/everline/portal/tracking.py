"""Where an order stands, in words that say what happens next. Pure: a view of the order in, sentences out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from everline.orders.states import FINAL, OrderStatus
from everline.orders.timeline import Step, failure_text
from everline.payments.states import OPEN, PAID, REFUND_OPEN, AttemptStatus, RefundStatus
from everline.portal import formats
from everline.portal.templatetags.portal import active_locale

if TYPE_CHECKING:
    from everline.orders.selectors import OrderView
    from everline.payments.models import Attempt

#: How long the page of a fulfilled order looks for the confirmation's step.
_CONFIRMED_WITHIN = timedelta(minutes=1)
#: How long after the return from the provider nothing is offered but to wait.
RETURN_IS_FRESH = timedelta(seconds=30)
_DECIDING = frozenset({AttemptStatus.CREATED, AttemptStatus.PROCESSING, AttemptStatus.UNKNOWN})
_WITH_US = frozenset({OrderStatus.PAID, OrderStatus.FULFILLING})
_ENDED = frozenset({OrderStatus.EXPIRED, OrderStatus.CANCELLED})
_MONEY_BACK = frozenset({OrderStatus.REFUNDED, OrderStatus.PARTIALLY_REFUNDED})


@dataclass(frozen=True, slots=True)
class Situation:
    """What the customer is told: `key` names it for scripts and tests, `tone` colours it."""

    key: str
    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the four stages drawn: `state` is done, current, todo or stopped; `at` when it was done."""

    key: str
    label: str
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Tracking:
    """An order's page as of one instant.

    `opened` is the open payment; `payable` whether one can be started; `waiting` whether the customer is just
    back from the payment page and nothing is offered but to wait; `moving` whether something will happen soon
    without the customer; `again` in how many seconds the page changes by time alone, 0 for never.
    """

    situation: Situation
    stages: Sequence[Stage]
    opened: "Attempt | None"
    payable: bool
    waiting: bool
    moving: bool
    live: bool
    again: int


def track(
    view: "OrderView", *, zone: str, now: datetime, returned: str = "", at: datetime | None = None
) -> Tracking:
    """What is to be told of an order; `returned` names the attempt the customer came back from, `at` when."""
    order = view.order
    opened = next((attempt for attempt in view.attempts if attempt.status in OPEN), None)
    back = opened is not None and opened.id == returned
    fresh = back and at is not None and timedelta(0) <= now - at < RETURN_IS_FRESH
    deciding = opened is not None and (fresh or opened.status in _DECIDING)
    payable = order.status == OrderStatus.AWAITING_PAYMENT and opened is None and now < order.expires_at
    moving = _moves(view, now) or back or deciding
    turning = [at + RETURN_IS_FRESH] if fresh and at is not None else []
    turning += [each for each in (order.priced_until, order.expires_at) if payable]
    coming = [each - now for each in turning if each > now]
    return Tracking(
        situation=_situation(view, opened, deciding=deciding, payable=payable, zone=zone, now=now),
        stages=_stages(view),
        opened=opened,
        payable=payable,
        waiting=fresh,
        moving=moving,
        live=moving or order.status not in FINAL,
        again=int(min(coming).total_seconds()) + 1 if coming else 0,
    )


def last_failure(view: "OrderView") -> "Attempt | None":
    """The newest attempt where it failed: its reason is what the customer needs to know now."""
    newest = view.attempts[-1] if view.attempts else None
    return newest if newest is not None and newest.status == AttemptStatus.FAILED else None


def _moves(view: "OrderView", now: datetime) -> bool:
    """Whether something will happen without the customer."""
    if view.order.status in _WITH_US:
        return True
    if view.order.fulfilled_at is None or now - view.order.fulfilled_at > _CONFIRMED_WITHIN:
        return False
    return not _has(view, Step.CONFIRMED)


def _has(view: "OrderView", step: Step) -> bool:
    return any(entry.event == step for entry in view.timeline)


def _situation(
    view: "OrderView", opened: "Attempt | None", *, deciding: bool, payable: bool, zone: str, now: datetime
) -> Situation:
    status = view.order.status
    if status in _WITH_US:
        return _being_set_up(view, zone)
    if status == OrderStatus.FULFILLED:
        return _fulfilled(view, zone)
    if status == OrderStatus.NEEDS_ATTENTION:
        return _with_our_team(view)
    if status in _MONEY_BACK:
        return _money_back(view)
    if status in _ENDED or (opened is None and not payable):
        return _ended(view)
    return _unpaid(view, opened, deciding=deciding, zone=zone, now=now)


def _unpaid(
    view: "OrderView", opened: "Attempt | None", *, deciding: bool, zone: str, now: datetime
) -> Situation:
    if deciding:
        return Situation(
            "checking",
            "info",
            _("We are checking your payment"),
            _(
                "The payment service has not told us the outcome yet. Please do not pay again: this page "
                "shows it by itself, and you may close it."
            ),
        )
    if opened is not None:
        return Situation(
            "open",
            "warn",
            _("A payment is open"),
            _("Go on with it, or cancel it to choose another method."),
        )
    failed = last_failure(view)
    if failed is not None:
        until = {"time": formats.moment(view.order.expires_at, zone, active_locale())}
        text = _joined(failure_text(failed.failure_code), _("Your order waits until %(time)s.") % until)
        return Situation("failed", "bad", _("The payment did not go through"), text)
    if now < view.order.priced_until:
        until = {"time": formats.moment(view.order.priced_until, zone, active_locale())}
        return Situation(
            "unpaid", "info", _("Not paid yet"), _("The price is promised until %(time)s.") % until
        )
    until = {"time": formats.moment(view.order.expires_at, zone, active_locale())}
    text = _("The order waits until %(time)s; today's price applies.") % until
    return Situation("unpaid", "info", _("Not paid yet"), text)


def _being_set_up(view: "OrderView", zone: str) -> Situation:
    if not _has(view, Step.FULFILMENT_DELAYED):
        return Situation(
            "setting_up",
            "info",
            _("Payment received"),
            _(
                "Your plan is being set up, usually within a minute. This page shows when it is done; "
                "you may close it."
            ),
        )
    title = _("Setting up takes longer than usual")
    if view.order.deliver_by is None:
        return Situation("delayed", "warn", title, _("We keep trying. You need not do anything."))
    until = {"time": formats.moment(view.order.deliver_by, zone, active_locale())}
    text = _("We keep trying. If it has not worked by %(time)s, all your money goes back by itself.") % until
    return Situation("delayed", "warn", title, text)


def _fulfilled(view: "OrderView", zone: str) -> Situation:
    ends = [period.ends_at for period in view.periods if period.ends_at is not None]
    if ends:
        until = {"time": formats.moment(max(ends), zone, active_locale())}
        text = _("Your plan runs until %(time)s.") % until
    else:
        text = _("Your plan starts with the first use.")
    if _has(view, Step.CONFIRMED):
        text = _joined(text, _("The confirmation was sent to you."))
    return Situation("done", "good", _("Paid and set up"), text)


def _with_our_team(view: "OrderView") -> Situation:
    if any(refund.status == RefundStatus.FAILED for refund in view.refunds):
        return Situation(
            "attention",
            "warn",
            _("The refund did not go through"),
            _("Our team takes care of it and writes to you. You need not do anything."),
        )
    amount = _amount_of(view, REFUND_OPEN)
    if amount:
        return Situation(
            "refunding",
            "warn",
            _("Your plan could not be set up"),
            _("All your money, %(amount)s, is on its way back. We write to you when it has been returned.")
            % {"amount": amount},
        )
    return Situation(
        "attention",
        "warn",
        _("Our team is looking at this order"),
        _("You need not do anything; we write to you. Please do not pay again."),
    )


def _money_back(view: "OrderView") -> Situation:
    values = {"amount": _amount_of(view, frozenset({RefundStatus.SUCCEEDED}))}
    wait = _("It can take a few days to show on your account, depending on your bank.")
    if view.order.status == OrderStatus.REFUNDED:
        title = (
            _("Your money was returned") if not values["amount"] else _("%(amount)s was returned") % values
        )
        return Situation("refunded", "good", title, _joined(wait, _("The plan of this order has ended.")))
    title = (
        _("Part of your money was returned")
        if not values["amount"]
        else _("%(amount)s was returned") % values
    )
    return Situation("partly_refunded", "good", title, _joined(wait, _("The rest of your plan goes on.")))


def _ended(view: "OrderView") -> Situation:
    cancelled = view.order.status == OrderStatus.CANCELLED
    title = _("Order cancelled") if cancelled else _("Not paid in time")
    if any(attempt.status in PAID for attempt in view.attempts):
        text = _("The order has ended. A payment that arrived afterwards goes back to you in full.")
    else:
        text = _("The order has ended and nothing was charged. You can choose a plan again at any time.")
    return Situation("cancelled" if cancelled else "expired", "info", title, text)


def _joined(first: str, second: str) -> str:
    """Two sentences; Chinese ones stand without a space between."""
    return f"{first} {second}" if active_locale() == "en" else f"{first}{second}"


def _amount_of(view: "OrderView", statuses: frozenset[RefundStatus]) -> str:
    """The sum of these refunds of kept money, as people write it; empty where there are none."""
    found = [each.amount for each in view.refunds if each.status in statuses and each.attempt.kept]
    return sum(found[1:], start=found[0]).format(active_locale()) if found else ""


def _stages(view: "OrderView") -> list[Stage]:
    """Ordered, paid, set up, confirmed: what is done, where it is now, and where it stopped."""
    order = view.order
    confirmed = next((entry.at for entry in view.timeline if entry.event == Step.CONFIRMED), None)
    captured = next((entry.at for entry in view.timeline if entry.event == Step.PAYMENT_CAPTURED), None)
    reached = [
        ("ordered", pgettext("stage", "Ordered"), order.created_at),
        ("paid", pgettext("stage", "Payment"), order.paid_at or captured),
        ("set_up", pgettext("stage", "Set up"), order.fulfilled_at),
        ("confirmed", pgettext("stage", "Confirmed"), confirmed),
    ]
    stopped = order.status in FINAL - {OrderStatus.FULFILLED} or order.status == OrderStatus.NEEDS_ATTENTION
    stages: list[Stage] = []
    for key, label, at in reached:
        first_open = all(stage.state == "done" for stage in stages)
        state = "done" if at is not None else "todo"
        if at is None and first_open:
            state = "stopped" if stopped else "current"
        stages.append(Stage(key, label, state, at))
    return stages
