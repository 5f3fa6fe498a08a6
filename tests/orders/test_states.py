import pytest
from django.db import IntegrityError, transaction

from everline.core.states import IllegalTransition
from everline.core.states import transition as move
from everline.orders.models import Case, Order
from everline.orders.states import FINAL, KEEPS_MONEY, ORDER_MACHINE, OrderStatus
from tests.orders.shop import Shop

S = OrderStatus


def test_every_state_has_its_line_in_the_table() -> None:
    assert set(ORDER_MACHINE.table) == set(OrderStatus)


def test_a_good_purchase_is_one_path() -> None:
    path = [S.AWAITING_PAYMENT, S.PAID, S.FULFILLING, S.FULFILLED]

    assert ORDER_MACHINE.sources(path[1:]) == ["awaiting_payment", "expired"]


@pytest.mark.parametrize("status", sorted(KEEPS_MONEY))
def test_money_that_was_kept_never_just_disappears(status: OrderStatus) -> None:
    assert not ORDER_MACHINE.table[status] & {S.EXPIRED, S.CANCELLED, S.AWAITING_PAYMENT}


def test_no_way_leads_back_to_waiting_for_payment() -> None:
    assert all(S.AWAITING_PAYMENT not in targets for targets in ORDER_MACHINE.table.values())


def test_service_is_given_only_to_orders_on_their_way() -> None:
    assert {source for source, targets in ORDER_MACHINE.table.items() if S.FULFILLED in targets} == {
        S.FULFILLING
    }


def test_what_is_final_moves_only_for_money() -> None:
    for status in FINAL:
        assert ORDER_MACHINE.table[status] <= {S.PAID, S.REFUNDED, S.PARTIALLY_REFUNDED, S.NEEDS_ATTENTION}


@pytest.mark.django_db
@pytest.mark.parametrize("target", [S.FULFILLED, S.REFUNDED, S.FULFILLING])
def test_steps_are_not_skipped(shop: Shop, target: OrderStatus) -> None:
    order = shop.order()

    with pytest.raises(IllegalTransition):
        move(order, to=target)

    assert shop.status(order) == "awaiting_payment"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "lost"},
        {"total_minor": 0},
        {"total_minor": -1},
        {"tax_minor": -1},
        {"tax_minor": 10_000_000},
        {"status": "fulfilled"},
    ],
)
def test_the_database_refuses_nonsense(shop: Shop, wrong: dict[str, object]) -> None:
    order = shop.order()

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**wrong)


@pytest.mark.django_db
def test_a_case_has_a_known_reason(shop: Shop) -> None:
    order = shop.order()

    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(order=order, reason="bad mood", opened_at=order.created_at)
