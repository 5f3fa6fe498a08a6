from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from everline.api.answers import page, reply
from everline.api.auth import CustomerRequest, CustomerToken, own_origin
from everline.api.documents import example, refusals
from everline.api.errors import InvalidCursor
from everline.api.inputs import Body, Filter, QueryInt
from everline.api.shapes.orders import (
    Attempt,
    Order,
    OrderList,
    Quote,
    attempt_shape,
    order_shape,
    quote_shape,
)
from everline.core import clock, ids
from everline.core.money import Money
from everline.core.transactions import one_snapshot
from everline.lines.access import get_line_for_customer
from everline.orders import selectors
from everline.orders.access import get_order_for_customer, view_order_for_customer
from everline.orders.services.paying import PaymentRequest, cancel_attempt, start_payment
from everline.orders.services.placing import cancel_order, place_order
from everline.orders.services.quoting import create_quote
from everline.orders.states import OrderStatus
from everline.orders.types import Outcome
from everline.payments.access import get_attempt_for_payable

router = Router(auth=CustomerToken())


class NewQuote(Body):
    """What is to be bought; `line` null or left out buys a new line."""

    line: Annotated[str | None, Field(examples=["ln_7ZK3M9Q2W1X4C"])] = None
    plan: Annotated[str, Field(examples=["pln_7ZK3M9Q2W1X4C"])]
    quantity: Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 24})] = 1
    currency: Annotated[
        str | None, Field(description="ISO 4217; the customer's where left out.", examples=["USD"])
    ] = None


class NewOrder(Body):
    """The quote to order."""

    quote: Annotated[str, Field(examples=["quo_7ZK3M9Q2W1X4C"])]


class Total(Body):
    """An amount in minor units."""

    amount: int
    currency: str


class NewAttempt(Body):
    """How to pay, and where to come back to: a page of the origin asked, or one on the brand's list."""

    method: Annotated[
        str,
        Field(
            description="`card`, `paypal`, `apple_pay`, `google_pay`, `alipay` or `wechat_pay`, "
            "where a provider has it.",
            examples=["card"],
        ),
    ]
    return_url: Annotated[str, Field(examples=["https://shop.example/thanks"])]
    accept_total: Annotated[
        Total | None, Field(description="The new total of a `price_changed` refusal, to pay that.")
    ] = None


class OrderFilter(Filter):
    """Which orders."""

    line: Annotated[str | None, Field(description="Of this line.")] = None
    status: Annotated[OrderStatus | None, Field(description="In this status.")] = None
    limit: Annotated[QueryInt, Field(ge=1, le=100)] = 20
    cursor: str | None = None


@router.post(
    "/quotes",
    response={201: Quote},
    operation_id="createQuote",
    openapi_extra=refusals(
        404,
        409,
        body=True,
        extra=example({"line": "ln_7ZK3M9Q2W1X4C", "plan": "pln_7ZK3M9Q2W1X4C", "quantity": 1}),
    ),
)
def quote(request: CustomerRequest, body: NewQuote) -> HttpResponse:
    """Freeze price and dates for thirty minutes: what it costs, and until when the line will work."""
    made = create_quote(
        customer=request.auth,
        plan_id=body.plan,
        line_id=body.line,
        quantity=body.quantity,
        currency=body.currency,
        now=clock.now(),
    )
    return reply(quote_shape(made), status=201)


@router.post(
    "/orders",
    response={201: Order},
    operation_id="placeOrder",
    openapi_extra=refusals(404, body=True, key=True, extra=example({"quote": "quo_7ZK3M9Q2W1X4C"})),
)
def place(request: CustomerRequest, body: NewOrder) -> HttpResponse:
    """Order what was quoted. A quote makes one order."""
    now = clock.now()
    outcome = place_order(customer=request.auth, quote_id=body.quote, key=_key(request), now=now)
    if outcome.replayed:
        return _keyed(outcome, _shape(request, outcome.object_id, now))
    order = get_order_for_customer(customer_id=request.auth.id, order_id=outcome.object_id)
    # Nothing but its first step can belong to an order of this very request.
    steps = selectors.timeline_since(order_id=order.id, entry_id=0)
    return _keyed(outcome, order_shape(selectors.OrderView(order, (), (), (), steps)))


@router.get("/orders", response={200: OrderList}, operation_id="listOrders", openapi_extra=refusals(404, 422))
def list_orders(request: CustomerRequest, wanted: Query[OrderFilter]) -> HttpResponse:
    """The customer's orders, oldest first."""
    if wanted.cursor is not None and not ids.is_id("ord", wanted.cursor):
        raise InvalidCursor
    if wanted.line is not None:
        get_line_for_customer(customer_id=request.auth.id, line_id=wanted.line)
    with one_snapshot():
        rows = selectors.orders_of_customer(
            customer_id=request.auth.id,
            line_id=wanted.line,
            status=wanted.status,
            after=wanted.cursor,
            limit=wanted.limit + 1,
        )
        orders = rows[: wanted.limit]
        views = selectors.order_views(orders, clock.now())
    return page([order_shape(view) for view in views], orders[-1].id if len(rows) > wanted.limit else None)


@router.get(
    "/orders/{order_id}", response={200: Order}, operation_id="readOrder", openapi_extra=refusals(404)
)
def read_order(request: CustomerRequest, order_id: str) -> HttpResponse:
    """One order with its tracking."""
    return reply(_shape(request, order_id, clock.now()))


@router.post(
    "/orders/{order_id}/cancel",
    response={200: Order},
    operation_id="cancelOrder",
    openapi_extra=refusals(404, 409),
)
def cancel(request: CustomerRequest, order_id: str) -> HttpResponse:
    """End an unpaid order; an open payment is ended at its provider first."""
    now = clock.now()
    order = cancel_order(customer=request.auth, order_id=order_id, now=now)
    return reply(_shape(request, order.id, now))


@router.post(
    "/orders/{order_id}/attempts",
    response={201: Attempt},
    operation_id="startPayment",
    openapi_extra=refusals(
        404,
        429,
        body=True,
        key=True,
        extra=example({"method": "card", "return_url": "https://shop.example/thanks"}),
    ),
)
def pay(request: CustomerRequest, order_id: str, body: NewAttempt) -> HttpResponse:
    """Start a payment: send the customer to `next_action.url`. An order has one open payment at a time."""
    total = body.accept_total
    wish = PaymentRequest(
        order_id=ids.require("ord", order_id),
        method=body.method,
        return_url=body.return_url,
        accept_total=None if total is None else Money(total.amount, total.currency),
    )
    outcome = start_payment(
        customer=request.auth,
        request=wish,
        key=_key(request),
        now=clock.now(),
        return_origins=frozenset({own_origin(request)}),
    )
    attempt = get_attempt_for_payable(payable=order_id, attempt_id=outcome.object_id)
    return _keyed(outcome, attempt_shape(attempt))


@router.post(
    "/orders/{order_id}/attempts/{attempt_id}/cancel",
    response={200: Attempt},
    operation_id="cancelPayment",
    openapi_extra=refusals(404, 409),
)
def cancel_payment(request: CustomerRequest, order_id: str, attempt_id: str) -> HttpResponse:
    """End an open payment; the provider is asked first, and its answer counts."""
    attempt = cancel_attempt(customer=request.auth, order_id=order_id, attempt_id=attempt_id, now=clock.now())
    return reply(attempt_shape(attempt))


def _shape(request: CustomerRequest, order_id: str, now: datetime) -> Order:
    return order_shape(view_order_for_customer(customer_id=request.auth.id, order_id=order_id, now=now))


def _key(request: HttpRequest) -> str | None:
    return request.headers.get("Idempotency-Key")


def _keyed(outcome: Outcome, body: object) -> HttpResponse:
    headers = {"Idempotency-Replayed": "true"} if outcome.replayed else None
    return reply(body, status=outcome.status, headers=headers)
