from everline.orders.states import OrderStatus
from everline.usage.models import Period
from tests.journeys.world import DECLINED_CARD, World

GOOD = [
    "order.placed",
    "payment.started",
    "payment.captured",
    "fulfilment.started",
    "period.opened",
    "order.fulfilled",
    "confirmation.sent",
]


def test_a_customer_renews_a_line_and_is_told_once(world: World) -> None:
    customer = world.customer()
    line = world.line(customer)

    order = world.buy(customer, line, world.plan())

    assert order.status == OrderStatus.FULFILLED
    assert world.timeline(order) == GOOD
    assert world.mails(customer) == ["order_confirmation"]
    [charge] = world.sandbox.charges(order.id)
    assert (charge["captured"], charge["refunded"]) == (1999, 0)
    [period] = Period.objects.filter(order=order.id)
    line.refresh_from_db()
    assert line.valid_until == period.ends_at


def test_a_new_line_is_made_when_its_order_is_paid(world: World) -> None:
    customer = world.customer()

    order = world.buy(customer, None, world.plan(), quantity=2)

    assert order.status == OrderStatus.FULFILLED
    assert order.line is not None
    assert order.line.iccid.startswith("89")
    assert Period.objects.filter(order=order.id).count() == 2


def test_a_declined_card_leaves_the_order_payable(world: World) -> None:
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())

    world.sandbox.pay(world.attempt(order).redirect_url, DECLINED_CARD)
    world.sandbox.drain()

    [attempt] = world.attempts(order)
    order.refresh_from_db()
    assert (attempt.status, attempt.failure_code) == ("failed", "generic_decline")
    assert order.status == OrderStatus.AWAITING_PAYMENT
    assert world.mails(customer) == ["payment_failed"]

    world.sandbox.pay(world.attempt(order).redirect_url)
    world.sandbox.drain()

    order.refresh_from_db()
    assert order.status == OrderStatus.FULFILLED
    assert world.mails(customer) == ["payment_failed", "order_confirmation"]
