from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from everline.core import clock, inbox
from everline.core.states import transition
from everline.lines.models import Line
from everline.lines.states import ServiceState
from everline.orders.models import Order, TimelineEntry
from everline.orders.services import fulfilment
from everline.orders.services.fulfilment import fulfil_due, refund_undelivered, wake_announced
from everline.payments.models import Refund
from everline.suppliers.errors import OutcomeUnknown, Rejected, TemporarilyUnavailable
from everline.suppliers.models import SupplierOrder
from everline.suppliers.services.calls import LEASE
from everline.suppliers.types import ORDER_CHANGED, ResultState
from everline.usage.models import Bucket, Period
from tests.orders.shop import GOOD, Shop, at_once
from tests.suppliers.fakes import PROFILE

pytestmark = pytest.mark.django_db


def test_what_is_delivered_becomes_service_and_one_mail(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("month", data_bytes=10**9)

    order = shop.renew(line, version)

    assert order.status == "fulfilled"
    assert order.fulfilled_at is not None
    assert shop.timeline(order) == GOOD
    assert shop.mails(order) == ["order_confirmation"]
    [(starts, ends)] = shop.periods(order)
    line.refresh_from_db()
    assert (line.valid_until, line.service_state) == (ends, "active")
    assert starts == order.fulfilled_at
    assert line.timezone == "Asia/Shanghai"
    assert Bucket.objects.get().total == 10**9
    assert len(shop.supplier.topped_up) == 1
    shop.check()


def test_the_timeline_tells_old_and_new_end(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("day", 7)
    first = shop.renew(line, version)
    second = shop.renew(line, version)

    contexts = [
        TimelineEntry.objects.get(order=order, event="period.opened").context for order in (first, second)
    ]

    ends = [shop.periods(order)[0][1] for order in (first, second)]
    assert [context["old_ends_at"] for context in contexts] == [None, ends[0] and ends[0].isoformat()]
    assert contexts[1]["new_ends_at"] == (ends[1] and ends[1].isoformat())


def test_doing_it_again_does_nothing(shop: Shop) -> None:
    order = shop.renew()
    before = shop.books()

    assert shop.fulfil() == 0
    shop.wait(minutes=5)
    assert shop.fulfil() == 0

    assert shop.books() == before
    assert len(shop.supplier.topped_up) == 1
    assert shop.timeline(order) == GOOD


def test_quantities_are_consecutive_periods(shop: Shop) -> None:
    order = shop.renew(version=shop.plan("month"), quantity=4)

    periods = shop.periods(order)
    assert len(periods) == 4
    assert all(one[1] == next_one[0] for one, next_one in pairwise(periods))
    assert shop.supplier.topped_up[0].quantity == 4
    shop.check()


def test_orders_of_one_line_in_one_batch_tile_in_the_order_they_were_paid(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("month")
    orders = [shop.order(line, version) for _ in range(3)]
    for order in (orders[2], orders[0], orders[1]):
        shop.pay(order)
        shop.settle()
        shop.wait(seconds=1)

    assert shop.fulfil() == 3

    spans = [span for order in (orders[2], orders[0], orders[1]) for span in shop.periods(order)]
    assert all(one[1] == next_one[0] for one, next_one in pairwise(spans))
    line.refresh_from_db()
    assert line.valid_until == spans[-1][1]
    told = [
        TimelineEntry.objects.get(order=order, event="period.opened").context
        for order in (orders[2], orders[0], orders[1])
    ]
    assert told[0]["new_ends_at"] == told[1]["old_ends_at"]
    assert told[1]["new_ends_at"] == told[2]["old_ends_at"]
    shop.check()


class TestNewLine:
    def test_is_made_of_the_profile_that_was_bought(self, shop: Shop) -> None:
        customer = shop.customer()

        order = shop.renew(None, shop.plan(), customer=customer, quantity=2)

        assert order.status == "fulfilled"
        line = Line.objects.get()
        assert (line.customer, line.iccid, line.matching_id) == (customer, PROFILE.iccid, PROFILE.matching_id)
        assert order.line == line
        assert shop.timeline(order) == GOOD
        assert [call[0] for call in shop.supplier.calls] == ["profile", "topup"]
        assert shop.supplier.topped_up[0].iccid == PROFILE.iccid
        shop.check()

    def test_scenario_11_partial_success_resumes_and_does_not_restart(self, shop: Shop) -> None:
        shop.supplier.failing["topup"] = [TemporarilyUnavailable("fake", "busy")]

        order = shop.renew(None, shop.plan(), customer=shop.customer())
        assert order.status == "fulfilling"
        assert not Line.objects.exists()
        shop.wait(seconds=10)
        shop.fulfil()

        assert shop.status(order) == "fulfilled"
        assert shop.supplier.named("profile") == [f"sup-{order.id}-profile"]
        assert Line.objects.count() == 1

    def test_scenario_11_the_customer_hears_of_the_delay_once(self, shop: Shop) -> None:
        for operation in ("profile", "topup"):
            shop.supplier.failing[operation] = [TemporarilyUnavailable("fake") for _ in range(2)]

        order = shop.renew(None, shop.plan(), customer=shop.customer())
        for _ in range(6):
            shop.wait(minutes=2)
            shop.fulfil()

        assert shop.status(order) == "fulfilled"
        assert shop.timeline(order).count("fulfilment.delayed") == 1

    def test_a_profile_that_is_somebody_s_already_is_not_given_twice(self, shop: Shop) -> None:
        first = shop.renew(None, shop.plan(), customer=shop.customer())

        second = shop.renew(None, shop.plan(), customer=shop.customer())
        assert second.status == "fulfilling"
        shop.wait(minutes=71)
        refund_undelivered(clock.now())
        shop.refund()

        assert shop.status(first) == "fulfilled"
        assert shop.status(second) == "refunded"
        assert Line.objects.count() == 1
        assert shop.supplier.calls.count(("profile", f"sup-{second.id}-profile")) == 1


class TestObstacles:
    @pytest.mark.parametrize("error", [TemporarilyUnavailable, OutcomeUnknown])
    @pytest.mark.parametrize("when", ["failing", "after"])
    def test_scenario_11_a_temporary_failure_is_told_once_and_tried_again(
        self, shop: Shop, error: type[TemporarilyUnavailable], when: str
    ) -> None:
        getattr(shop.supplier, when)["topup"] = [error("fake", "busy"), error("fake", "busy")]

        order = shop.renew()
        assert order.status == "fulfilling"
        assert shop.fulfil() == 0  # not before its time
        for _ in range(3):
            shop.wait(minutes=1)
            shop.fulfil()

        assert shop.timeline(order) == [*GOOD[:4], "fulfilment.delayed", *GOOD[4:]]
        assert shop.mails(order) == ["order_confirmation"]
        assert len(shop.supplier.topped_up) == 1
        assert len(set(shop.supplier.named("topup"))) == 1
        shop.check()

    def test_a_permanent_failure_gives_the_money_back_in_full(self, shop: Shop) -> None:
        shop.supplier.failing["topup"] = [Rejected("fake", "no_stock", "none left")]

        order = shop.renew()
        assert order.status == "needs_attention"
        assert shop.cases(order) == [("undelivered", True)]
        assert shop.timeline(order)[4:] == ["fulfilment.failed", "order.needs_attention", "refund.started"]
        shop.refund()

        assert shop.status(order) == "refunded"
        assert shop.cases(order) == [("undelivered", False)]
        assert shop.timeline(order)[-1] == "refund.succeeded"
        assert shop.mails(order) == ["order_refunded"]
        assert shop.provider.refunds[Refund.objects.get().key].amount == order.total
        assert not Period.objects.exists()
        shop.check()

    def test_what_is_pending_is_asked_about_until_it_is_there(self, shop: Shop) -> None:
        shop.supplier.state = ResultState.PENDING
        order = shop.renew()
        reference = f"sup-{order.id}-topup"
        assert order.status == "fulfilling"
        shop.wait(seconds=6)
        shop.fulfil()
        assert shop.timeline(order) == GOOD[:4]

        from dataclasses import replace

        shop.supplier.orders[reference] = replace(shop.supplier.orders[reference], state=ResultState.DONE)
        shop.wait(seconds=60)
        shop.fulfil()

        assert shop.status(order) == "fulfilled"
        assert shop.supplier.named("topup") == [reference]

    def test_a_supplier_s_news_makes_its_purchase_due_at_once(self, shop: Shop) -> None:
        shop.supplier.failing["topup"] = [TemporarilyUnavailable("fake")]
        order = shop.renew()
        inbox.store(
            source="suppliers:fake",
            event_id="sev_1",
            kind=ORDER_CHANGED,
            reference=f"sup-{order.id}-topup",
            job="orders.wake",
        )

        assert shop.fulfil() == 0
        assert wake_announced(clock.now()) == 1
        assert wake_announced(clock.now()) == 0
        assert shop.fulfil() == 1

        assert shop.status(order) == "fulfilled"

    def test_news_of_an_unknown_purchase_wakes_nobody(self, shop: Shop) -> None:
        inbox.store(
            source="suppliers:fake",
            event_id="sev_1",
            kind=ORDER_CHANGED,
            reference="sup-x",
            job="orders.wake",
        )

        assert wake_announced(clock.now()) == 1
        assert shop.fulfil() == 0

    def test_a_line_that_ended_between_payment_and_delivery(self, shop: Shop) -> None:
        line = shop.line()
        order = shop.paid(line)
        transition(line, to=ServiceState.TERMINATED)

        shop.fulfil()
        shop.refund()

        assert shop.status(order) == "refunded"
        assert not Period.objects.exists()
        assert SupplierOrder.objects.filter(kind="revocation", revokes=f"sup-{order.id}-topup").exists()
        shop.check()

    def test_scenario_10_a_worker_that_died_after_the_call_loses_nothing(self, shop: Shop) -> None:
        order = shop.paid()
        from everline.suppliers.services import call_suppliers, claim_due

        call_suppliers(orders=claim_due(now=clock.now()))  # and here it died

        assert shop.fulfil() == 0
        shop.wait(seconds=LEASE.total_seconds() + 1)
        assert shop.fulfil() == 1

        assert shop.status(order) == "fulfilled"
        assert len(shop.supplier.topped_up) == 1
        assert shop.supplier.named("fetch") == [f"sup-{order.id}-topup"]

    def test_one_bad_order_is_left_for_later_and_the_others_are_delivered(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = shop.plan()
        orders = [shop.paid(version=version) for _ in range(5)]
        plain = fulfilment._steps

        def stumbling(confirmation: Any) -> Any:
            if confirmation.order.id == orders[2].id:
                raise ZeroDivisionError
            return plain(confirmation)

        monkeypatch.setattr(fulfilment, "_steps", stumbling)
        shop.fulfil()
        assert [shop.status(order) for order in orders].count("fulfilled") == 4
        assert shop.periods(orders[2]) == []

        monkeypatch.undo()
        shop.wait(seconds=LEASE.total_seconds() + 1)
        shop.fulfil()
        assert shop.status(orders[2]) == "fulfilled"
        shop.check()


class TestDeadline:
    def test_what_is_not_delivered_in_time_goes_back(self, shop: Shop) -> None:
        shop.supplier.failing["topup"] = [TemporarilyUnavailable("fake") for _ in range(50)]
        order = shop.renew()

        shop.wait(minutes=69)
        assert refund_undelivered(clock.now()) == 0
        shop.wait(minutes=1, seconds=1)
        assert refund_undelivered(clock.now()) == 1
        assert refund_undelivered(clock.now()) == 0
        shop.refund()

        assert shop.status(order) == "refunded"
        assert shop.cases(order) == [("undelivered", False)]
        assert shop.mails(order) == ["order_refunded"]
        assert shop.timeline(order)[-4:] == [
            "fulfilment.failed",
            "order.needs_attention",
            "refund.started",
            "refund.succeeded",
        ]
        shop.check()

    def test_scenario_12_what_comes_after_the_refund_opens_nothing(self, shop: Shop) -> None:
        shop.supplier.after["topup"] = [OutcomeUnknown("fake")]  # it was done there
        order = shop.renew()
        shop.wait(minutes=71)
        refund_undelivered(clock.now())
        shop.refund()

        shop.wait(minutes=10)
        shop.fulfil()
        from everline.suppliers.services import send_due_revocations

        send_due_revocations(now=clock.now())

        assert shop.status(order) == "refunded"
        assert not Period.objects.exists()
        assert shop.supplier.revoked == [f"sup-{order.id}-topup"]
        shop.check()

    def test_a_deadline_that_cannot_be_kept_for_one_is_kept_for_the_others(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        orders = [shop.paid() for _ in range(3)]
        shop.wait(minutes=71)
        plain = fulfilment.withdraw_orders

        def stumbling(*, orders: list[str], **more: Any) -> None:
            if orders == [bad]:
                raise ZeroDivisionError
            plain(orders=orders, **more)

        bad = orders[0].id
        monkeypatch.setattr(fulfilment, "withdraw_orders", stumbling)

        assert refund_undelivered(clock.now()) == 2

        assert [shop.status(order) for order in orders] == [
            "fulfilling",
            "needs_attention",
            "needs_attention",
        ]


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_workers_deliver_each_order_once(self, shop: Shop) -> None:
        line, version = shop.line(), shop.plan("month")
        orders = [shop.paid(line, version) for _ in range(4)] + [shop.paid(version=version) for _ in range(4)]

        results = at_once(*[lambda: fulfil_due(clock.now())] * 3)

        assert all(isinstance(each, int) for each in results)
        assert sum(each for each in results if isinstance(each, int)) == 8
        assert {shop.status(order) for order in orders} == {"fulfilled"}
        assert len(shop.supplier.topped_up) == 8
        assert all(shop.timeline(order) == GOOD for order in orders)
        shop.check()

    def test_delivery_and_deadline_at_the_same_instant(self, shop: Shop) -> None:
        orders = [shop.paid() for _ in range(4)]
        late = shop.wait(minutes=71)

        at_once(lambda: fulfil_due(late), lambda: refund_undelivered(late), lambda: refund_undelivered(late))
        for _ in range(2):
            shop.refund()

        for order in orders:
            status, given = shop.status(order), len(shop.periods(order))
            assert (status, given) in [("fulfilled", 1), ("refunded", 0)]
            assert Order.objects.get(pk=order.pk).paid_at is not None
        shop.check()

    def test_scenario_23_a_refund_and_a_delivery_on_one_line(self, shop: Shop) -> None:
        line, version = shop.line(), shop.plan("month")
        first = shop.renew(line, version)
        second = shop.paid(line, version)
        from django.db import transaction

        from everline.payments import services as payments
        from everline.payments.types import RefundItem

        attempt_id = next(iter(payments_of(first)))
        with transaction.atomic():
            payments.request_refunds(items=[RefundItem(attempt_id)], reason="goodwill", now=clock.now())
        payments.send_due_refunds(now=clock.now())

        results = at_once(lambda: fulfil_due(clock.now()), shop.dispatch)
        shop.dispatch()

        assert not [each for each in results if isinstance(each, Exception)]
        assert (shop.status(first), shop.status(second)) == ("refunded", "fulfilled")
        shop.check()


def payments_of(order: Order) -> list[str]:
    from everline.payments.models import Attempt

    return list(Attempt.objects.filter(payable=order.id).values_list("id", flat=True))


def test_the_deadline_is_a_setting(shop: Shop, settings: Any) -> None:
    settings.EVERLINE_DELIVERY_DEADLINE_MINUTES = 5

    order = shop.paid()

    assert order.deliver_by is not None
    assert order.paid_at is not None
    assert order.deliver_by - order.paid_at == timedelta(minutes=5)
