from typing import Any

import pytest

from everline.catalog.services import withdraw_plan
from everline.core import clock
from everline.core.states import transition
from everline.lines.states import ServiceState
from everline.orders.models import Order
from everline.orders.services import expiry
from everline.orders.services.expiry import expire_unpaid
from everline.orders.services.honouring import still_honoured
from everline.payments.errors import OutcomeUnknown
from everline.payments.models import Attempt
from tests.orders.shop import Shop, at_once

pytestmark = pytest.mark.django_db


def late_money(shop: Shop, order: Order) -> None:
    """The order expires while its provider is silent; then the money arrives after all."""
    attempt = shop.start(order)
    shop.wait(hours=24)
    shop.provider.failing["cancel"] = [OutcomeUnknown("fake")]
    assert expire_unpaid(clock.now()) == 1
    assert shop.status(order) == "expired"
    shop.capture(attempt)


class TestUnpaid:
    def test_ends_after_a_day_and_is_told(self, shop: Shop) -> None:
        order = shop.order()

        shop.wait(hours=23, minutes=59)
        assert expire_unpaid(clock.now()) == 0
        shop.wait(minutes=1)
        assert expire_unpaid(clock.now()) == 1
        assert expire_unpaid(clock.now()) == 0

        assert shop.status(order) == "expired"
        assert shop.timeline(order) == ["order.placed", "order.expired"]
        assert shop.mails(order) == ["order_expired"]
        shop.check()

    def test_leaves_what_is_paid_or_over(self, shop: Shop) -> None:
        fulfilled, paid = shop.renew(), shop.paid()
        shop.wait(hours=30)

        assert expire_unpaid(clock.now()) == 0
        assert (shop.status(paid), shop.status(fulfilled)) == ("fulfilling", "fulfilled")

    def test_an_open_payment_is_ended_at_its_provider_first(self, shop: Shop) -> None:
        order = shop.order()
        attempt = shop.start(order)
        shop.wait(hours=24)

        expire_unpaid(clock.now())

        assert shop.provider.named("cancel") == [attempt.psp_ref]
        assert shop.attempts(order) == [("failed", "cancelled")]
        assert shop.timeline(order)[-2:] == ["payment.failed", "order.expired"]
        assert shop.mails(order) == ["order_expired"]

    def test_money_that_was_faster_wins(self, shop: Shop) -> None:
        order = shop.order()
        shop.start(order)
        shop.provider.capture("pay_1")
        shop.wait(hours=24)

        assert expire_unpaid(clock.now()) == 0

        assert shop.status(order) == "fulfilling"
        assert shop.mails(order) == []
        shop.fulfil()
        assert shop.status(order) == "fulfilled"
        shop.check()

    def test_one_bad_order_keeps_no_other_waiting(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        orders = [shop.order() for _ in range(3)]
        for order in orders:
            shop.start(order)
        shop.wait(hours=24)
        plain = expiry.close_open_attempt

        def stumbling(*, order_id: str, **more: Any) -> bool:
            if order_id == orders[0].id:
                raise ZeroDivisionError
            return plain(order_id=order_id, **more)

        monkeypatch.setattr(expiry, "close_open_attempt", stumbling)

        assert expire_unpaid(clock.now()) == 2
        assert [shop.status(order) for order in orders] == ["awaiting_payment", "expired", "expired"]


class TestLateMoney:
    def test_scenario_5_is_honoured_while_the_terms_stand(self, shop: Shop) -> None:
        order = shop.order()
        late_money(shop, order)

        shop.settle()
        shop.fulfil()

        assert shop.status(order) == "fulfilled"
        assert shop.attempts(order) == [("captured", "")]
        assert len(shop.periods(order)) == 1
        shop.check()

    @pytest.mark.parametrize("change", ["price", "withdrawn", "terminated", "suspended"])
    def test_scenario_5_goes_back_once_when_they_do_not(self, shop: Shop, change: str) -> None:
        line, version = shop.line(), shop.plan(amount=1000, slug="p")
        order = shop.order(line, version)
        late_money(shop, order)
        if change == "price":
            shop.plan(amount=1001, slug="p")
        elif change == "withdrawn":
            withdraw_plan(plan=version.plan, now=clock.now())
        else:
            transition(line, to=ServiceState(change))

        for _ in range(2):
            shop.settle()
            shop.refund()
            shop.hint(Attempt.objects.get())

        assert shop.status(order) == "expired"
        assert shop.attempts(order) == [("refunded", "")]
        assert shop.timeline(order)[-2:] == ["payment.surplus", "refund.succeeded"]
        assert shop.mails(order) == ["order_expired", "order_refunded"]
        assert len(shop.provider.refunds) == 1
        assert shop.periods(order) == []
        shop.check()

    def test_a_new_version_at_the_same_price_does_not_matter(self, shop: Shop) -> None:
        old = shop.plan(amount=1000, slug="p")
        order = shop.order(version=old)
        late_money(shop, order)
        shop.plan(amount=1000, slug="p", data_bytes=7)

        shop.settle()

        order.refresh_from_db()
        assert (order.status, order.plan_version) == ("fulfilling", old)

    @pytest.mark.parametrize("new_line", [True, False])
    def test_honour_is_asked_of_plan_price_and_line(self, shop: Shop, *, new_line: bool) -> None:
        version = shop.plan(amount=1000, slug="p")
        customer = shop.customer()
        order = shop.order(None if new_line else shop.line(customer), version, customer=customer)
        assert still_honoured(order, clock.now())

        shop.plan(amount=999, slug="p")

        assert not still_honoured(order, clock.now())


@pytest.mark.django_db(transaction=True)
def test_scenario_5_expiry_and_capture_at_the_same_instant(shop: Shop) -> None:
    orders = [shop.order() for _ in range(4)]
    for order in orders:
        shop.pay(order)
    late = shop.wait(hours=24)

    at_once(lambda: expire_unpaid(late), shop.settle, lambda: expire_unpaid(late))
    shop.settle()
    shop.fulfil()

    assert {shop.status(order) for order in orders} == {"fulfilled"}
    assert all(len(shop.periods(order)) == 1 for order in orders)
    shop.check()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_end_each_order_once(shop: Shop) -> None:
    orders = [shop.order() for _ in range(5)]
    late = shop.wait(hours=24)

    results = at_once(*[lambda: expire_unpaid(late)] * 3)

    assert sum(each for each in results if isinstance(each, int)) == 5
    assert all(shop.timeline(order) == ["order.placed", "order.expired"] for order in orders)
