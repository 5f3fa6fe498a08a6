from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Customer, WebSession
from everline.core import audit, clock
from everline.orders.models import Order
from everline.support import services
from everline.support.files import customer_file, order_file
from everline.support.timeline import Moment, customer_timeline, order_timeline
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def soon() -> datetime:
    return clock.now() + timedelta(minutes=1)


def everything(customer: Customer, limit: int) -> list[Moment]:
    """All pages, one after the other."""
    found: list[Moment] = []
    before: datetime | None = soon()
    while before is not None:
        page = customer_timeline(customer, before=before, limit=limit)
        found += page.moments
        assert page.before is None or page.before < before
        before = page.before
    return found


def signed_in(customer: Customer) -> None:
    now = clock.now()
    WebSession.objects.create(
        user=customer.user,
        session_key="k" * 32,
        device="Firefox · Linux",
        device_hash="h",
        method="passkey",
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(days=1),
    )


def test_it_tells_what_everybody_did_newest_first(shop: Shop) -> None:
    customer = shop.customer()
    signed_in(customer)
    order = shop.renew(shop.line(customer))
    services.add_note(
        customer_id=customer.id,
        text="Speaks German",
        actor="sue@example.com",
        reason="a call",
        now=clock.now(),
    )

    page = customer_timeline(customer, before=soon())

    whats = [moment.what for moment in page.moments]
    times = [moment.at for moment in page.moments]
    assert times == sorted(times, reverse=True)
    assert {"order.placed", "payment.captured", "order.fulfilled", "order_confirmation"} <= set(whats)
    assert {"web.passkey", "note", "customer.noted", "state.moved"} <= set(whats)
    assert {moment.key for moment in page.moments if moment.kind == "order"} == {order.id}
    assert page.before is None


def test_other_customers_are_not_in_it(shop: Shop) -> None:
    shop.renew(shop.line(shop.customer()))
    stranger = shop.customer()

    assert customer_timeline(stranger, before=soon()).moments == []


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_leave_nothing_out_and_show_nothing_twice(shop: Shop, limit: int) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    for _ in range(2):
        shop.renew(line)
        shop.wait(hours=1)

    whole = customer_timeline(customer, before=soon(), limit=1000).moments

    assert everything(customer, limit) == whole
    assert len(whole) == len(set(whole))


def test_an_orders_timeline_is_that_orders(shop: Shop) -> None:
    line = shop.line()
    first, second = shop.renew(line), shop.renew(line)

    moments = order_timeline(first, before=soon()).moments

    assert first.id in {moment.key for moment in moments}
    assert second.id not in {moment.key for moment in moments}
    assert {"state.moved", "order.fulfilled"} <= {moment.what for moment in moments}


def test_what_staff_did_to_an_order_is_in_both(shop: Shop) -> None:
    order = shop.renew()
    with transaction.atomic():
        audit.record(
            actor="sue@example.com",
            action="order.confirmation_copied",
            object_kind="order",
            object_id=order.id,
            reason="lost the mail",
            now=clock.now(),
        )

    for page in (order_timeline(order, before=soon()), customer_timeline(order.customer, before=soon())):
        [entry] = [moment for moment in page.moments if moment.kind == "staff"]
        assert (entry.what, entry.who, entry.detail) == (
            "order.confirmation_copied",
            "sue@example.com",
            "lost the mail",
        )


def test_files_ask_as_often_for_a_long_history_as_for_a_short_one(shop: Shop) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    counts = []
    for _ in range(2):
        shop.renew(line)
        shop.renew(line)
        order = Order.objects.select_related(
            "customer__user", "customer__brand", "plan_version", "line", "quote"
        ).latest("pk")
        with CaptureQueriesContext(connection) as of_order:
            order_file(order, now=clock.now(), before=soon())
        with CaptureQueriesContext(connection) as of_customer:
            customer_file(order.customer, now=clock.now(), before=soon())
        counts.append((len(of_order), len(of_customer)))

    assert counts[0] == counts[1]
    assert counts[0][0] <= 26
    assert counts[0][1] <= 30


def test_an_order_file_holds_all_about_it(shop: Shop) -> None:
    order = shop.renew()

    found = order_file(order, now=clock.now(), before=soon())

    assert [attempt.payable for attempt in found.view.attempts] == [order.id]
    assert [move.to_state for moves in found.moves.values() for move in moves][-1] == "captured"
    assert len(found.hints) == 1
    assert [each.status for each in found.purchases] == ["done"]
    assert [posting.kind for posting in found.postings] != []
    assert [message.kind for message in found.messages] == ["order_confirmation"]
    assert len(found.view.periods) == 1


def test_a_customer_file_warns_of_odd_cards(shop: Shop) -> None:
    line = shop.line(eid="123")

    found = customer_file(line.customer, now=clock.now(), before=soon())

    assert "eid_format" in found.lines[0].warnings
    assert found.lines[0].state == "pending"
