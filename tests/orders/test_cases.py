import pytest
from django.db import IntegrityError, transaction

from everline.core import clock
from everline.orders.models import Case, Order
from everline.orders.services.cases import close_cases, open_case
from everline.orders.states import CaseReason, OrderStatus
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def open_one(
    order: Order, reason: CaseReason = CaseReason.UNDELIVERED, *, goes_on: bool = False
) -> list[str]:
    notes = open_case(order=order, reason=reason, detail="x" * 500, now=clock.now(), goes_on=goes_on)
    return [note.step for note in notes]


def test_a_case_stops_the_order_and_is_told(shop: Shop) -> None:
    order = shop.paid()

    steps = open_one(order)

    assert steps == ["order.needs_attention"]
    assert shop.status(order) == order.status == "needs_attention"
    assert Case.objects.get().detail == "x" * 300


def test_one_case_per_reason_while_it_is_open(shop: Shop) -> None:
    order = shop.paid()

    assert open_one(order) != []
    assert open_one(order) == []
    assert open_one(order, CaseReason.REFUND_FAILED) == []

    assert shop.cases(order) == [("undelivered", True), ("refund_failed", True)]


def test_the_database_keeps_it_to_one(shop: Shop) -> None:
    order = shop.paid()
    open_one(order)

    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(order=order, reason=CaseReason.UNDELIVERED, opened_at=clock.now())


def test_a_case_about_other_money_lets_the_order_go_on(shop: Shop) -> None:
    order = shop.paid()

    assert open_one(order, CaseReason.AMOUNT_MISMATCH, goes_on=True) == []

    assert shop.status(order) == "fulfilling"
    assert shop.cases(order) == [("amount_mismatch", True)]


def test_closing_ends_the_reasons_named_and_no_other(shop: Shop) -> None:
    order, other = shop.paid(), shop.paid()
    for each in (order, other):
        open_one(each)
    open_one(order, CaseReason.REFUND_FAILED)

    close_cases(order_ids=[order.id], reasons=[CaseReason.UNDELIVERED], now=clock.now())

    assert shop.cases(order) == [("undelivered", False), ("refund_failed", True)]
    assert shop.cases(other) == [("undelivered", True)]
    assert open_one(order) == []
    assert shop.cases(order)[-1] == ("undelivered", True)


@pytest.mark.parametrize("status", [OrderStatus.EXPIRED, OrderStatus.CANCELLED])
def test_orders_that_have_ended_may_still_need_attention(shop: Shop, status: OrderStatus) -> None:
    from everline.core.states import transition

    order = shop.order()
    transition(order, to=status)

    assert open_one(order, CaseReason.AMOUNT_MISMATCH) == ["order.needs_attention"]
