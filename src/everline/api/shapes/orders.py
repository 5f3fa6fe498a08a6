from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from typing_extensions import TypedDict

from everline.api.answers import Cursor, Id, Instant, Money, instant, instant_or_none, money, one_of
from everline.api.shapes.lines import Period, period_shape
from everline.core import links
from everline.orders.receipts import has_receipt
from everline.orders.states import OrderStatus
from everline.orders.timeline import failure_text, text_of
from everline.payments.states import AttemptStatus, RefundStatus

if TYPE_CHECKING:
    from everline.orders import models as orders
    from everline.orders.selectors import OrderView
    from everline.payments import models as payments

_URI = {"format": "uri"}


class Quote(TypedDict):
    """Price and place in time, promised for thirty minutes; `line` is null for a new line."""

    id: Id
    line: Id | None
    plan: Id
    plan_version: int
    quantity: int
    total: Money
    tax: Money
    current_ends_at: Instant | None
    starts_at: Instant | None
    ends_at: Instant | None
    expires_at: Instant


class NextAction(TypedDict):
    """What the customer has to do: open the payment page at `url`."""

    type: Annotated[str, one_of("redirect")]
    url: Annotated[str, Field(json_schema_extra={"format": "uri"})]


class Failure(TypedDict):
    """Why a payment failed, and what to do next."""

    code: str
    message: str


class Attempt(TypedDict):
    """One try to collect an order's amount."""

    id: Id
    status: Annotated[str, one_of(*AttemptStatus)]
    method: str
    amount: Money
    next_action: NextAction | None
    failure: Failure | None
    created_at: Instant


class Refund(TypedDict):
    """Money on its way back, or back."""

    id: Id
    attempt: Id
    amount: Money
    status: Annotated[str, one_of(*RefundStatus)]
    created_at: Instant
    settled_at: Instant | None


class Step(TypedDict):
    """One step of an order's tracking."""

    at: Instant
    event: str
    text: str


class Order(TypedDict):
    """One purchase; `line` is null until a new line is fulfilled."""

    id: Id
    number: str
    line: Id | None
    plan: Id
    plan_version: int
    quantity: int
    status: Annotated[str, one_of(*OrderStatus)]
    total: Money
    tax: Money
    amount_due: Money
    created_at: Instant
    expires_at: Instant
    periods: list[Period]
    attempts: list[Attempt]
    refunds: list[Refund]
    timeline: list[Step]
    receipt_url: Annotated[
        str | None,
        Field(description="The receipt, a PDF; null until a payment was captured.", json_schema_extra=_URI),
    ]


class OrderList(TypedDict):
    """A page of orders, oldest first."""

    data: list[Order]
    next_cursor: Cursor


def quote_shape(quote: "orders.Quote") -> Quote:
    """A quote; its plan version is loaded."""
    return {
        "id": quote.id,
        "line": quote.line_id,
        "plan": quote.plan_version.plan_id,
        "plan_version": quote.plan_version.version,
        "quantity": quote.quantity,
        "total": money(quote.total),
        "tax": money(quote.tax),
        "current_ends_at": instant_or_none(quote.current_ends_at),
        "starts_at": instant_or_none(quote.starts_at),
        "ends_at": instant_or_none(quote.ends_at),
        "expires_at": instant(quote.expires_at),
    }


def order_shape(view: "OrderView") -> Order:
    """An order with all that belongs to it, in the active language."""
    order = view.order
    return {
        "id": order.id,
        "number": order.number,
        "line": order.line_id,
        "plan": order.plan_version.plan_id,
        "plan_version": order.plan_version.version,
        "quantity": order.quantity,
        "status": order.status,
        "total": money(order.total),
        "tax": money(order.tax),
        "amount_due": money(order.amount_due),
        "created_at": instant(order.created_at),
        "expires_at": instant(order.expires_at),
        "periods": [period_shape(each) for each in view.periods],
        "attempts": [attempt_shape(each) for each in view.attempts],
        "refunds": [refund_shape(each) for each in view.refunds],
        "timeline": [step_shape(each) for each in view.timeline],
        "receipt_url": _receipt_url(order) if has_receipt(view.attempts) else None,
    }


def attempt_shape(attempt: "payments.Attempt") -> Attempt:
    """A payment attempt in the active language."""
    waits = attempt.status == AttemptStatus.REQUIRES_ACTION and attempt.redirect_url
    return {
        "id": attempt.id,
        "status": attempt.status,
        "method": attempt.method,
        "amount": money(attempt.amount),
        "next_action": {"type": "redirect", "url": attempt.redirect_url} if waits else None,
        "failure": _failure(attempt) if attempt.status == AttemptStatus.FAILED else None,
        "created_at": instant(attempt.created_at),
    }


def refund_shape(refund: "payments.Refund") -> Refund:
    """A refund."""
    return {
        "id": refund.id,
        "attempt": refund.attempt_id,
        "amount": money(refund.amount),
        "status": refund.status,
        "created_at": instant(refund.created_at),
        "settled_at": instant_or_none(refund.settled_at),
    }


def step_shape(entry: "orders.TimelineEntry") -> Step:
    """A step of the timeline in the active language."""
    return {"at": instant(entry.at), "event": entry.event, "text": text_of(entry.event)}


def _receipt_url(order: "orders.Order") -> str:
    """Under the address of the customer's own brand; the order's customer is loaded with it."""
    return links.url("receipt", origin=order.customer.brand.origin, order=order.id)


def _failure(attempt: "payments.Attempt") -> Failure:
    return {"code": attempt.failure_code, "message": failure_text(attempt.failure_code)}
