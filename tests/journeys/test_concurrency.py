"""Everybody at once: threads of customers, drains and webhooks over the same rows, and the books agree.

No error of the database may reach a caller: what collides is retried, skipped or refused with a reason.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from django.db import connections

from everline.core import clock, inbox, jobs
from everline.core.errors import DomainError
from everline.core.models import InboxHint
from everline.orders.models import Order, TimelineEntry
from everline.orders.services import expiry, fulfilment, paying, placing, quoting, settlement
from everline.orders.states import OrderStatus
from everline.payments import services as payments
from everline.payments.models import Attempt, LedgerPosting, Refund
from everline.suppliers.models import SupplierOrder
from everline.usage.models import Period
from tests.journeys.audit import come_to_rest, complaints
from tests.journeys.test_renewal import GOOD
from tests.journeys.world import World

Call = Callable[[], Any]


def together(*calls: Call) -> list[Any]:
    """Run callables at the same moment, each with a connection of its own.

    Refusals of the business are returned; any other error fails the test.
    """
    barrier = threading.Barrier(len(calls))

    def run(call: Call) -> Any:
        barrier.wait(30)
        try:
            return call()
        except DomainError as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def refusals(results: Sequence[Any]) -> Counter[str]:
    return Counter(each.code for each in results if isinstance(each, DomainError))


def drains(world: World) -> int:
    """One drain of the shop through its own door, as the sandbox asks for it."""
    headers = {"X-Sandbox-Token": world.sandbox.token}
    answer = httpx.post(f"{world.shop_url}/_sandbox/drain", headers=headers, timeout=120, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.status_code


def pressed(world: World, order: Order, key: str) -> Call:
    request = paying.PaymentRequest(order.id, "card", f"{world.shop_url}/orders/{order.id}/")

    def press() -> Any:
        return paying.start_payment(customer=order.customer, request=request, key=key, now=clock.now())

    return press


def cancelled(order: Order) -> Call:
    return lambda: placing.cancel_order(customer=order.customer, order_id=order.id, now=clock.now())


def at_rest(world: World, *orders: Order) -> None:
    assert come_to_rest(world) == []
    assert complaints(world, orders) == []
    for order in orders:
        order.refresh_from_db()


def paid_order(world: World) -> tuple[Order, Attempt]:
    """An order whose money the provider has and of which the shop was not told."""
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())
    attempt = world.attempt(order)
    world.sandbox.fault("webhook", "lose", times=5)
    world.sandbox.pay(attempt.redirect_url)
    world.sandbox.forget_faults()
    return order, attempt


def hint(attempt: Attempt, name: str) -> None:
    inbox.store(
        source="payments:sandbox",
        event_id=f"evt_{name}_{attempt.id}",
        kind="payment.changed",
        reference=attempt.id,
        job="orders.settle",
    )


def settles() -> int:
    return settlement.settle_inbox(clock.now())


def test_twenty_customers_renew_at_once_while_two_drains_run(world: World) -> None:
    version = world.plan()
    customers = [world.customer() for _ in range(20)]
    lines = [world.line(customer) for customer in customers]
    orders: list[Order] = []

    def renew(number: int) -> Call:
        def go() -> None:
            order = world.order(customers[number], lines[number], version)
            orders.append(order)
            world.sandbox.pay(world.attempt(order).redirect_url)

        return go

    together(*[renew(number) for number in range(20)], lambda: drains(world), jobs.drain)
    at_rest(world, *orders)

    assert {order.status for order in orders} == {OrderStatus.FULFILLED}
    assert len(orders) == 20
    assert all(world.timeline(order) == GOOD for order in orders)
    assert LedgerPosting.objects.filter(kind="capture").count() == 20
    assert not Refund.objects.exists()


def test_one_line_renewed_by_many_at_once_gets_its_periods_end_to_end(world: World) -> None:
    customer = world.customer()
    line, version = world.line(customer), world.plan("day")
    orders = [world.order(customer, line, version) for _ in range(8)]

    together(*[lambda order=order: world.sandbox.pay(world.attempt(order).redirect_url) for order in orders])
    together(lambda: drains(world), jobs.drain, jobs.drain)
    at_rest(world, *orders)

    spans = list(Period.objects.filter(line=line).order_by("starts_at").values_list("starts_at", "ends_at"))
    assert len(spans) == 8
    assert all(one[1] == two[0] for one, two in pairwise(spans))
    line.refresh_from_db()
    assert line.valid_until == spans[0][0] + timedelta(days=8)


def test_one_quote_placed_by_eight_makes_one_order(world: World) -> None:
    customer = world.customer()
    quote = quoting.create_quote(
        customer=customer, plan_id=world.plan().plan_id, line_id=world.line(customer).id, now=clock.now()
    )

    def place(key: str) -> Call:
        return lambda: placing.place_order(customer=customer, quote_id=quote.id, key=key, now=clock.now())

    results = together(*[place(f"key {number % 4}") for number in range(8)])

    order = Order.objects.get(quote=quote)
    made = [each for each in results if not isinstance(each, DomainError)]
    assert {each.object_id for each in made} == {order.id}
    assert [each.replayed for each in made].count(False) == 1
    refused = [each for each in results if isinstance(each, DomainError)]
    assert refusals(results).keys() == {"quote_used"}
    assert all(each.extra == {"order": order.id} for each in refused)
    assert TimelineEntry.objects.filter(order=order).count() == 1


def test_eight_pay_and_cancel_the_same_order(world: World) -> None:
    customer = world.customer()
    orders = [world.order(customer, world.line(customer), world.plan()) for _ in range(4)]

    for order in orders:
        presses = [pressed(world, order, f"{order.id}-{number // 2}") for number in range(6)]
        results = together(*presses, cancelled(order), cancelled(order))
        allowed = {
            "attempt_open",
            "order_not_payable",
            "idempotency_in_progress",
            "payment_undecided",
            "order_not_cancellable",
        }
        assert refusals(results).keys() <= allowed, results
        assert (
            Attempt.objects.filter(payable=order.id, status__in=["created", "requires_action"]).count() <= 1
        )

    # Whoever still has a page pays on it, though the order may be cancelled.
    for attempt in Attempt.objects.filter(status="requires_action"):
        world.sandbox.pay(attempt.redirect_url)
    at_rest(world, *orders)

    for order in orders:
        assert order.status in {OrderStatus.FULFILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
        held = sum(each["captured"] - each["refunded"] for each in world.sandbox.charges(order.id))
        assert held == (1999 if order.status == OrderStatus.FULFILLED else 0)


def test_many_keys_for_one_order_open_one_payment(world: World) -> None:
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())

    results = together(*[pressed(world, order, f"tab {number}") for number in range(8)])

    opened = [each for each in results if not isinstance(each, DomainError)]
    assert len(opened) == 1
    assert refusals(results) == {"attempt_open": 7}
    [charge] = world.sandbox.charges(order.id)
    assert charge["attempt"] == opened[0].object_id


def test_settling_and_cancelling_at_the_same_moment(world: World) -> None:
    """The provider has the money: whichever is first, the customer gets the plan, and is not cancelled."""
    for number in range(4):
        order, attempt = paid_order(world)
        hint(attempt, str(number))

        results = together(settles, cancelled(order), settles, cancelled(order))

        assert refusals(results).keys() <= {"order_not_cancellable", "payment_undecided"}, results
        at_rest(world, order)
        assert order.status == OrderStatus.FULFILLED
        assert world.timeline(order) == GOOD


def test_cancelling_the_payment_while_its_customer_pays(world: World) -> None:
    customer = world.customer()
    orders = [world.order(customer, world.line(customer), world.plan()) for _ in range(4)]

    for order in orders:
        attempt = world.attempt(order)

        def cancel(order: Order = order, attempt: Attempt = attempt) -> Any:
            return paying.cancel_attempt(
                customer=customer, order_id=order.id, attempt_id=attempt.id, now=clock.now()
            )

        def pay(url: str = attempt.redirect_url) -> int:
            form = {"method": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123"}
            return httpx.post(url, data=form, trust_env=False, timeout=30).status_code

        together(pay, cancel, settles, cancel)
    at_rest(world, *orders)

    for order in orders:
        [charge] = world.sandbox.charges(order.id)
        expected = OrderStatus.FULFILLED if charge["captured"] else OrderStatus.EXPIRED
        assert order.status == expected
        assert charge["refunded"] == 0


def _sweeps(now: datetime) -> Call:
    return lambda: expiry.expire_unpaid(now)


def test_the_expiry_sweep_and_a_payment_at_the_same_instant(world: World) -> None:
    """Paid in the last second: kept, because the terms still stand; swept first or not is all the same."""
    customer = world.customer()
    version = world.plan()
    orders = [world.order(customer, world.line(customer), version) for _ in range(4)]

    for number, order in enumerate(orders):
        attempt = world.attempt(order)
        end = clock.now() - timedelta(seconds=1)
        world.sandbox.pay(attempt.redirect_url)
        hint(attempt, str(number))
        Order.objects.filter(pk=order.pk).update(expires_at=end)

        together(_sweeps(clock.now()), settles, _sweeps(clock.now()), settles)
    at_rest(world, *orders)

    for order in orders:
        assert order.status == OrderStatus.FULFILLED
        [charge] = world.sandbox.charges(order.id)
        assert (charge["captured"], charge["refunded"]) == (1999, 0)
        assert TimelineEntry.objects.filter(order=order, event="payment.captured").count() == 1
        assert Period.objects.filter(order=order.id).count() == 1


def test_sweeps_in_parallel_expire_an_order_once(world: World) -> None:
    customer = world.customer()
    orders = [world.order(customer, world.line(customer), world.plan()) for _ in range(6)]
    for order in orders[::2]:
        world.attempt(order)
    now = clock.now()
    Order.objects.update(expires_at=now)

    ended = together(*[_sweeps(now)] * 4)

    assert sum(ended) == 6
    at_rest(world, *orders)
    assert {order.status for order in orders} == {OrderStatus.EXPIRED}
    assert TimelineEntry.objects.filter(event="order.expired").count() == 6
    assert world.mails(customer) == ["order_expired"] * 6


def test_workers_in_parallel_fulfil_one_purchase_once(world: World) -> None:
    order, attempt = paid_order(world)
    hint(attempt, "one")
    settles()
    assert SupplierOrder.objects.get(order=order.id).tries == 0

    asked = together(*[lambda: fulfilment.fulfil_due(clock.now())] * 6)

    assert sum(asked) == 1
    at_rest(world, order)
    assert order.status == OrderStatus.FULFILLED
    assert Period.objects.filter(order=order.id).count() == 1
    assert world.timeline(order) == GOOD


def test_a_worker_that_comes_back_late_delivers_nothing_twice(world: World) -> None:
    """Its lease ran out while it waited for the supplier: another one did the work meanwhile."""
    order, attempt = paid_order(world)
    hint(attempt, "late")
    settles()
    from everline.suppliers.services import call_suppliers, claim_due

    late = claim_due(now=clock.now())
    outcomes = call_suppliers(orders=late)
    world.sandbox.advance(seconds=100)
    world.sandbox.drain()
    before = (world.timeline(order), LedgerPosting.objects.count(), Period.objects.count())

    together(*[lambda: fulfilment.deliver(list(zip(late, outcomes, strict=True)), now=clock.now())] * 3)

    assert (world.timeline(order), LedgerPosting.objects.count(), Period.objects.count()) == before
    at_rest(world, order)
    assert world.mails(order.customer) == ["order_confirmation"]


def test_delivery_and_its_deadline_at_the_same_moment(world: World) -> None:
    """Either the plan or the money, never both and never neither; what came too late is taken back."""
    outcomes = set()
    for number in range(4):
        order, attempt = paid_order(world)
        hint(attempt, str(number))
        settles()
        Order.objects.filter(pk=order.pk).update(deliver_by=clock.now())

        def refund() -> int:
            return fulfilment.refund_undelivered(clock.now())

        def deliver() -> int:
            return fulfilment.fulfil_due(clock.now())

        together(refund, deliver, refund, deliver)
        at_rest(world, order)
        outcomes.add(order.status)

    assert outcomes <= {OrderStatus.FULFILLED, OrderStatus.REFUNDED}


@pytest.mark.parametrize("copies", [2, 8])
def test_scenario_2_one_webhook_delivered_by_many_is_one_hint(world: World, copies: int) -> None:
    order, attempt = paid_order(world)
    sent = world.sandbox.control("GET", "/webhooks")["data"]
    [event] = [each for each in sent if each["body"]["data"]["reference"] == attempt.id]

    def again() -> Any:
        return world.sandbox.control("POST", f"/webhooks/{event['id']}/redeliver")

    together(*[again] * copies, settles, lambda: drains(world))
    at_rest(world, order)

    assert InboxHint.objects.filter(event_id=event["event"]).count() == 1
    assert world.timeline(order) == GOOD


def test_refunds_asked_for_by_many_at_once_never_exceed_the_capture(world: World) -> None:
    order, attempt = paid_order(world)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CANCELLED)  # it cannot keep the money
    hint(attempt, "surplus")

    together(settles, settles, *[lambda: payments.send_due_refunds(now=clock.now())] * 4)
    hint(attempt, "again")
    together(settles, *[lambda: payments.send_due_refunds(now=clock.now())] * 4)
    at_rest(world, order)

    [charge] = world.sandbox.charges(order.id)
    assert (charge["captured"], charge["refunded"]) == (1999, 1999)
    assert Refund.objects.count() == 1
    assert world.mails(order.customer) == ["order_refunded"]
