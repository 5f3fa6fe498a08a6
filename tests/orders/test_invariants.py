"""Each truth holds on good data (every other test asks it) and tells of a planted violation."""

from collections.abc import Callable

import pytest

from everline.core import clock
from everline.core.money import Money
from everline.orders import invariants
from everline.orders.models import Case, Order
from everline.payments.models import Attempt
from everline.usage.models import Period
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db
RULES = [
    invariants.captured_money_has_an_order,
    invariants.surplus_goes_back,
    invariants.paid_orders_have_money,
    invariants.fulfilled_orders_have_periods,
    invariants.never_paid_and_silent,
]
Rule = Callable[..., list[str]]


@pytest.mark.parametrize("rule", RULES)
def test_holds_in_every_ordinary_state(shop: Shop, rule: Rule) -> None:
    shop.renew(quantity=2)
    shop.paid()
    shop.fail(shop.start(shop.order()))
    shop.start(shop.order())
    shop.order()
    shop.settle()

    assert rule(clock.now()) == []


def test_money_kept_by_an_order_that_keeps_none(shop: Shop) -> None:
    order = shop.paid()
    Order.objects.filter(pk=order.pk).update(status="expired")

    [found] = invariants.captured_money_has_an_order(clock.now())

    assert order.id in found


def test_money_kept_for_nobody(shop: Shop) -> None:
    shop.paid()
    Attempt.objects.update(payable="ord_0000000000000")

    assert len(invariants.captured_money_has_an_order(clock.now())) == 1


def test_surplus_that_stays_where_it_is(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order, Money(1, "USD"))
    shop.settle()
    Case.objects.update(closed_at=clock.now())

    assert invariants.surplus_goes_back(clock.now()) == []  # somebody may be about to act
    later = shop.wait(minutes=6)

    [found] = invariants.surplus_goes_back(later)
    assert Attempt.objects.get().id in found


@pytest.mark.parametrize("change", [{"total_minor": 5000}, {"currency": "EUR"}])
def test_service_for_other_money_than_was_asked(shop: Shop, change: dict[str, object]) -> None:
    order = shop.renew()
    Order.objects.filter(pk=order.pk).update(**change)

    [found] = invariants.paid_orders_have_money(clock.now())

    assert order.id in found


def test_service_for_nothing(shop: Shop) -> None:
    order = shop.order()
    Order.objects.filter(pk=order.pk).update(status="fulfilling")

    assert invariants.paid_orders_have_money(clock.now()) == [
        f"{order.id} keeps None, not ({order.total_minor}, 'USD')"
    ]


def test_a_fulfilled_order_with_too_little_service(shop: Shop) -> None:
    order = shop.renew(quantity=2)
    Order.objects.filter(pk=order.pk).update(quantity=3)

    assert invariants.fulfilled_orders_have_periods(clock.now()) == [f"{order.id} has 2 of 3 periods"]


def test_periods_that_nobody_bought(shop: Shop) -> None:
    order = shop.renew()
    Period.objects.update(order="ord_0000000000000")

    found = invariants.fulfilled_orders_have_periods(clock.now())

    assert found == [
        f"{order.id} has 0 of 1 periods",
        "periods of ord_0000000000000, which was never fulfilled",
    ]


def test_paid_and_silent(shop: Shop) -> None:
    order = shop.paid()

    assert invariants.never_paid_and_silent(shop.wait(minutes=74)) == []
    [found] = invariants.never_paid_and_silent(shop.wait(minutes=2))
    assert order.id in found


def test_attention_without_a_case(shop: Shop) -> None:
    order = shop.paid()
    Order.objects.filter(pk=order.pk).update(status="needs_attention")

    [found] = invariants.never_paid_and_silent(clock.now())

    assert found == f"{order.id} needs attention without a case"


def test_long_lists_are_read_in_parts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "_BATCH", 2)
    orders = [shop.paid() for _ in range(5)]

    assert invariants.paid_orders_have_money(clock.now()) == []
    Order.objects.update(status="expired")
    assert len(invariants.captured_money_has_an_order(clock.now())) == len(orders)
