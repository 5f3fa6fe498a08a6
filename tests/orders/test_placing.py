from datetime import timedelta
from unittest import mock

import pytest

from everline.catalog.services import withdraw_plan
from everline.core import clock
from everline.core.errors import NotFound
from everline.core.idempotency import KeyRequired, KeyReused
from everline.core.money import Money
from everline.orders.errors import OrderNotCancellable, PaymentUndecided, QuoteExpired, QuoteUsed
from everline.orders.models import Order, TimelineEntry
from everline.orders.services import placing
from everline.orders.services.placing import cancel_order, place_order
from everline.payments.errors import OutcomeUnknown
from tests.orders.shop import Shop, at_once

pytestmark = pytest.mark.django_db


def test_an_order_takes_over_what_the_quote_froze(shop: Shop) -> None:
    quote = shop.quote(shop.line(), shop.plan(amount=1234), quantity=2)

    order = shop.place(quote)

    assert (order.total, order.tax, order.quantity) == (quote.total, quote.tax, 2)
    assert (order.line_id, order.plan_version_id) == (quote.line_id, quote.plan_version_id)
    assert order.status == "awaiting_payment"
    assert order.amount_due == Money(2468, "USD")
    assert order.expires_at - order.created_at == timedelta(hours=24)
    assert order.priced_until == quote.expires_at
    assert shop.timeline(order) == ["order.placed"]
    assert shop.mails(order) == []


def test_scenario_9_the_same_key_finds_the_same_order(shop: Shop) -> None:
    quote = shop.quote(shop.line())
    first = place_order(customer=quote.customer, quote_id=quote.id, key="k", now=clock.now())

    later = place_order(
        customer=quote.customer, quote_id=quote.id, key="k", now=clock.now() + timedelta(hours=47)
    )

    assert (first.replayed, later.replayed) == (False, True)
    assert (later.object_id, later.status) == (first.object_id, 201)
    assert Order.objects.count() == TimelineEntry.objects.count() == 1


def test_scenario_9_the_same_key_for_another_quote_is_refused(shop: Shop) -> None:
    line = shop.line()
    quote, other = shop.quote(line), shop.quote(line)
    shop.place(quote, key="k")

    with shop.refused(KeyReused):
        shop.place(other, key="k")


@pytest.mark.parametrize("key", [None, "", "x" * 256, "ключ"])
def test_a_key_is_required(shop: Shop, key: str | None) -> None:
    quote = shop.quote(shop.line())

    with shop.refused(KeyRequired):
        place_order(customer=quote.customer, quote_id=quote.id, key=key, now=clock.now())


def test_a_quote_makes_one_order(shop: Shop) -> None:
    quote = shop.quote(shop.line())
    order = shop.place(quote, key="first")

    with shop.refused(QuoteUsed) as caught:
        shop.place(quote, key="second")

    assert caught.value.extra == {"order": order.id}


def test_a_quote_is_good_until_its_last_instant(shop: Shop) -> None:
    quote = shop.quote(shop.line())

    with shop.refused(QuoteExpired):
        place_order(customer=quote.customer, quote_id=quote.id, key="k", now=quote.expires_at)
    assert place_order(
        customer=quote.customer, quote_id=quote.id, key="k", now=quote.expires_at - timedelta(microseconds=1)
    )


def test_scenario_14_a_quote_outlives_its_plan(shop: Shop) -> None:
    version = shop.plan()
    quote = shop.quote(shop.line(), version)
    withdraw_plan(plan=version.plan, now=clock.now())

    order = shop.place(quote)
    shop.pay(order)
    shop.settle()
    shop.fulfil()

    assert shop.status(order) == "fulfilled"


def test_another_customer_s_quote_is_not_found(shop: Shop) -> None:
    quote, stranger = shop.quote(shop.line()), shop.customer()

    for wrong in (quote.id, "quo_0000000000000", "ord_1", ""):
        with shop.refused(NotFound):
            place_order(customer=stranger, quote_id=wrong, key="k", now=clock.now())


def test_a_number_that_is_taken_is_drawn_again(shop: Shop) -> None:
    taken = shop.order()
    quote = shop.quote(shop.line())

    with mock.patch.object(placing, "new_number", side_effect=[taken.number, "LEB-26-FREE00"]):
        order = shop.place(quote)

    assert order.number == "LEB-26-FREE00"


@pytest.mark.django_db(transaction=True)
def test_scenario_8_two_tabs_make_one_order_of_a_quote(shop: Shop) -> None:
    quote = shop.quote(shop.line())

    results = at_once(*[lambda key=key: shop.place(quote, key=key) for key in "abcd"])  # type: ignore[misc]

    orders = [each for each in results if isinstance(each, Order)]
    refused = [each for each in results if isinstance(each, QuoteUsed)]
    assert (len(orders), len(refused)) == (1, 3)
    assert {each.extra["order"] for each in refused} == {orders[0].id}
    assert TimelineEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_scenario_9_a_double_click_makes_one_order(shop: Shop) -> None:
    quote = shop.quote(shop.line())

    results = at_once(*[lambda: shop.place(quote, key="k")] * 4)

    assert len({getattr(each, "id", each) for each in results}) == 1
    assert Order.objects.count() == TimelineEntry.objects.count() == 1


def test_an_unpaid_order_is_cancelled_once(shop: Shop) -> None:
    order = shop.order()

    for _ in range(2):
        cancelled = cancel_order(customer=order.customer, order_id=order.id, now=clock.now())
        assert cancelled.status == "cancelled"

    assert cancelled.amount_due == Money(0, "USD")
    assert shop.timeline(order) == ["order.placed", "order.cancelled"]
    assert shop.mails(order) == []


def test_cancelling_ends_the_open_payment_at_its_provider_first(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)

    cancel_order(customer=order.customer, order_id=order.id, now=clock.now())

    assert shop.provider.named("cancel") == [attempt.psp_ref]
    assert shop.attempts(order) == [("failed", "cancelled")]
    assert shop.status(order) == "cancelled"
    assert shop.mails(order) == []


def test_a_payment_that_was_faster_wins_over_cancelling(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.provider.capture(str(attempt.psp_ref))

    with pytest.raises(OrderNotCancellable) as caught:
        cancel_order(customer=order.customer, order_id=order.id, now=clock.now())

    assert caught.value.extra == {"status": "fulfilling"}
    assert shop.fulfil() == 1
    assert shop.status(order) == "fulfilled"
    shop.check()


def test_while_the_provider_is_silent_nothing_is_cancelled(shop: Shop) -> None:
    order = shop.order()
    shop.start(order)
    shop.provider.failing["cancel"] = [OutcomeUnknown("fake")]

    with pytest.raises(PaymentUndecided):
        cancel_order(customer=order.customer, order_id=order.id, now=clock.now())

    assert shop.status(order) == "awaiting_payment"
    assert shop.attempts(order) == [("requires_action", "")]


def test_a_payment_begun_meanwhile_keeps_the_order_open(shop: Shop) -> None:
    order = shop.order()

    def begin_another(**_asked: object) -> bool:
        shop.start(order)
        return True

    with mock.patch.object(placing, "close_open_attempt", begin_another), pytest.raises(PaymentUndecided):
        cancel_order(customer=order.customer, order_id=order.id, now=clock.now())

    assert shop.status(order) == "awaiting_payment"


def test_what_is_over_is_not_cancelled(shop: Shop) -> None:
    order = shop.renew()

    with shop.refused(OrderNotCancellable):
        cancel_order(customer=order.customer, order_id=order.id, now=clock.now())
    with shop.refused(NotFound):
        cancel_order(customer=shop_stranger(shop), order_id=order.id, now=clock.now())


def shop_stranger(shop: Shop) -> object:
    return shop.customer()
