from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.core import clock
from everline.core.models import InboxHint
from everline.core.money import Money
from everline.orders.models import Case, Order
from everline.support.figures import DAYS, figures
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def test_an_empty_shop_has_thirty_empty_days(db: None) -> None:
    found = figures(clock.now())

    assert len(found.days) == DAYS
    assert found.days[-1].day == clock.now().date()
    assert sum(day.orders for day in found.days) == 0
    assert found.totals == {}
    assert (found.delivery_p50, found.inbox_age, found.delivered) == (None, None, 0)


def test_it_counts_renewals_and_revenue_by_currency(shop: Shop) -> None:
    version = shop.plan(amount=1999)
    shop.renew(shop.line(), version)
    shop.renew(customer=shop.customer(), version=version)
    shop.renew(shop.line(shop.customer(currency="JPY")), version)
    shop.order()

    found = figures(clock.now())

    today = found.days[-1]
    assert (today.orders, today.renewals) == (3, 2)
    assert today.revenue == {"USD": Money(3998, "USD"), "JPY": Money(199900, "JPY")}
    assert found.totals == dict(today.revenue)
    assert len(found.revenue_by_currency["JPY"]) == DAYS


def test_it_looks_back_thirty_days_and_no_further(shop: Shop) -> None:
    shop.renew()
    now = clock.now()

    assert sum(day.orders for day in figures(now + timedelta(days=DAYS - 1)).days) == 1
    assert sum(day.orders for day in figures(now + timedelta(days=DAYS + 1)).days) == 0


def test_delivery_times_are_from_capture_to_fulfilment(shop: Shop) -> None:
    for seconds in (10, 20, 30, 400):
        order = shop.renew()
        Order.objects.filter(pk=order.pk).update(
            fulfilled_at=(order.paid_at or clock.now()) + timedelta(seconds=seconds)
        )

    found = figures(clock.now())

    assert (found.delivered, found.delivery_p50) == (4, 25)
    assert found.delivery_p95 is not None
    assert 300 < found.delivery_p95 < 400


def test_what_failed_says_why(shop: Shop) -> None:
    for code in ("generic_decline", "generic_decline", "expired_card"):
        attempt = shop.start(shop.order())
        shop.fail(attempt, code)
        shop.settle()

    found = figures(clock.now())

    assert [(each.code, each.count) for each in found.payment_failures] == [
        ("generic_decline", 2),
        ("expired_card", 1),
    ]
    assert found.supplier_failures == []


def test_it_says_what_waits(shop: Shop) -> None:
    order = shop.paid()
    now = clock.now()
    Case.objects.create(order=order, reason="undelivered", opened_at=now)
    Case.objects.create(order=order, reason="refund_failed", opened_at=now, owner="sue@example.com")
    InboxHint.objects.create(
        source="s", event_id="1", kind="k", received_at=now - timedelta(minutes=5), next_try_at=now, tries=2
    )

    found = figures(now)

    assert (found.open_cases, found.unowned_cases) == (2, 1)
    assert (found.inbox_waiting, found.inbox_age, found.inbox_errors) == (1, 300, 1)
    assert found.undelivered_orders == 1


def test_it_asks_four_times(shop: Shop) -> None:
    shop.renew()

    with CaptureQueriesContext(connection) as captured:
        figures(clock.now())

    assert len(captured) == 4
