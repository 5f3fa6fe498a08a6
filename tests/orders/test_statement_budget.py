"""What a renewal costs the database, from the quote to the period (at most 40)."""

from typing import Any

import pytest

from everline.core import clock
from everline.orders.models import Order
from everline.orders.services import paying, placing
from everline.payments.models import Attempt
from tests.orders.shop import BACK, GOOD, Shop, statements

pytestmark = pytest.mark.django_db

#: One less than the house allows: whoever adds a statement takes one away.
BUDGET = 39


def test_a_renewal_costs_few_statements(shop: Shop) -> None:
    line, version = shop.line(), shop.plan()
    shop.renew(line, version)
    customer, now = line.customer, clock.now()
    steps: dict[str, list[str]] = {}

    with statements() as steps["quote"]:
        quote = shop.quote(line, version)
    with statements() as steps["place"]:
        placed = placing.place_order(customer=customer, quote_id=quote.id, key="place", now=now)
    request = paying.PaymentRequest(placed.object_id, "card", BACK)
    with statements() as steps["pay"]:
        started = paying.start_payment(customer=customer, request=request, key="pay", now=now)
    attempt = Attempt.objects.get(pk=started.object_id)
    shop.provider.capture(str(attempt.psp_ref))
    with statements() as steps["hint"]:
        shop.hint(attempt)
    with statements() as steps["settle"]:
        shop.settle()
    with statements() as steps["fulfil"]:
        shop.fulfil()

    assert shop.timeline(Order.objects.get(quote=quote)) == GOOD
    spent = sum(len(found) for found in steps.values())
    listing = "\n".join(
        f"{step:8}{' '.join(sql.split())[:150]}" for step, found in steps.items() for sql in found
    )
    assert spent <= BUDGET, f"{spent} statements\n{listing}"


@pytest.mark.parametrize("what", ["settle", "fulfil"])
def test_a_batch_costs_as_much_as_one_order(shop: Shop, what: str) -> None:
    version = shop.plan()
    shop.renew(version=version)
    spent = []

    for size in (1, 20):
        orders = [shop.order(version=version) for _ in range(size)]
        for order in orders:
            shop.pay(order)
        with statements() as settling:
            assert shop.settle() == size
        with statements() as fulfilling:
            assert shop.fulfil() == size
        spent.append(len(settling if what == "settle" else fulfilling))
        assert {shop.status(order) for order in orders} == {"fulfilled"}

    assert spent[0] == spent[1]
    shop.check()


def test_views_of_orders_cost_four_statements_however_many(
    shop: Shop, django_assert_num_queries: Any
) -> None:
    from everline.orders.selectors import order_views

    orders = [shop.renew(), shop.order(), shop.order()]

    with django_assert_num_queries(4):
        views = order_views(orders, clock.now())

    assert [(len(v.periods), len(v.attempts), len(v.timeline)) for v in views] == [
        (1, 1, 6),
        (0, 0, 1),
        (0, 0, 1),
    ]
