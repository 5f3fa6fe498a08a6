from typing import Any

import pytest

from everline.core import clock
from everline.core.errors import NotFound
from everline.orders import selectors
from everline.orders.access import get_order_for_customer, get_quote_for_customer
from everline.orders.models import TimelineEntry
from everline.orders.services.expiry import expire_unpaid
from everline.orders.services.returning import note_return
from tests.orders.shop import GOOD, Shop

pytestmark = pytest.mark.django_db


def test_a_view_gathers_what_belongs_to_an_order(shop: Shop) -> None:
    order = shop.order()
    shop.fail(shop.start(order))
    shop.settle()
    shop.pay(order)
    shop.settle()
    shop.fulfil()
    order.refresh_from_db()
    other = shop.renew()

    [view, second] = selectors.order_views([order, other], clock.now())

    assert [each.status for each in view.attempts] == ["failed", "captured"]
    assert [(each.order, each.state) for each in view.periods] == [(order.id, "active")]
    assert [each.event for each in view.timeline][-3:] == [
        "fulfilment.started",
        "period.opened",
        "order.fulfilled",
    ]
    assert view.refunds == []
    assert [each.event for each in second.timeline] == GOOD


def test_a_view_shows_refunds(shop: Shop) -> None:
    from everline.suppliers.errors import Rejected

    shop.supplier.failing["topup"] = [Rejected("fake", "no")]
    order = shop.renew()

    [view] = selectors.order_views([order], clock.now())

    assert [(each.status, each.amount) for each in view.refunds] == [("requested", order.total)]


def test_no_orders_cost_no_statement(shop: Shop, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert selectors.order_views([], clock.now()) == []


def test_lists_are_by_customer_line_and_status(shop: Shop, django_assert_num_queries: Any) -> None:
    customer = shop.customer()
    line, other_line = shop.line(customer), shop.line(customer)
    first, second, third = shop.order(line), shop.order(other_line), shop.renew(line)
    shop.order()  # somebody else's

    def ids(**asked: Any) -> list[str]:
        with django_assert_num_queries(1):
            return [each.id for each in selectors.orders_of_customer(customer_id=customer.id, **asked)]

    assert ids() == [first.id, second.id, third.id]
    assert ids(line_id=line.id) == [first.id, third.id]
    assert ids(status="fulfilled") == [third.id]
    assert ids(after=first.id, limit=1) == [second.id]
    newest = selectors.recent_orders(customer_id=customer.id, before=third.id)
    assert [each.id for each in newest] == [second.id, first.id]


def test_steps_after_one_already_seen(shop: Shop) -> None:
    order = shop.renew()
    seen = TimelineEntry.objects.filter(order=order).order_by("id")[2]

    found = selectors.timeline_since(order_id=order.id, entry_id=seen.id)

    assert [each.event for each in found] == GOOD[3:]
    assert selectors.timeline_since(order_id=order.id, entry_id=found[-1].id) == []


def test_steps_come_in_the_order_they_were_written(shop: Shop) -> None:
    order = shop.renew()

    entries = selectors.timeline_since(order_id=order.id, entry_id=0)

    assert [each.event for each in entries] == GOOD
    assert [each.at for each in entries] == sorted(each.at for each in entries)


def test_what_is_due_is_found_oldest_first(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("day")
    early = shop.order(line, version)
    shop.wait(minutes=1)
    late = shop.order(line, version)
    paid = shop.paid(line, version)

    shop.wait(hours=24)

    assert selectors.unpaid_orders_due(clock.now()) == [early.id, late.id]
    assert selectors.unpaid_orders_due(clock.now(), limit=1) == [early.id]
    assert selectors.undelivered_orders_due(clock.now()) == [paid.id]
    expire_unpaid(clock.now())
    assert selectors.unpaid_orders_due(clock.now()) == []


def test_noted_orders_are_those_with_the_step(shop: Shop) -> None:
    done, fresh = shop.renew(), shop.order()

    assert selectors.noted_orders([done.id, fresh.id], "order.fulfilled") == {done.id}


class TestAccess:
    def test_one_s_own_is_found_in_one_statement(self, shop: Shop, django_assert_num_queries: Any) -> None:
        order = shop.order()

        with django_assert_num_queries(1):
            found = get_order_for_customer(customer_id=order.customer_id, order_id=order.id)
            assert (found.plan_version.version, str(found.line)) == (1, "Holiday")
        with django_assert_num_queries(1):
            quote = get_quote_for_customer(customer_id=order.customer_id, quote_id=order.quote_id)
            assert quote.order == order

    @pytest.mark.parametrize(
        "wrong", ["", "ord_", "quo_0000000000000", "ord_0000000000000", "ORD_1", "x" * 999, "\x00"]
    )
    def test_nothing_else_is(self, shop: Shop, wrong: str) -> None:
        order, stranger = shop.order(), shop.customer()

        for customer_id, order_id in ((order.customer_id, wrong), (stranger.id, order.id)):
            with pytest.raises(NotFound):
                get_order_for_customer(customer_id=customer_id, order_id=order_id)
        for customer_id, quote_id in ((order.customer_id, wrong), (stranger.id, order.quote_id)):
            with pytest.raises(NotFound):
                get_quote_for_customer(customer_id=customer_id, quote_id=quote_id)

    def test_coming_back_from_a_stranger_s_payment_is_not_found(self, shop: Shop) -> None:
        order, other = shop.order(), shop.order()
        attempt = shop.start(order)

        for customer, order_id, attempt_id in (
            (other.customer, order.id, attempt.id),
            (other.customer, other.id, attempt.id),
            (order.customer, order.id, "att_0000000000000"),
        ):
            with shop.refused(NotFound):
                note_return(customer=customer, order_id=order_id, attempt_id=attempt_id, now=clock.now())
