"""Scenarios 1, 2, 3, 5, 6, 8, 9: what webhooks, time-outs and impatient customers do to one payment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.db import connections

from everline.catalog.services import withdraw_plan
from everline.core import clock, idempotency, inbox
from everline.core.errors import DomainError
from everline.core.models import InboxHint
from everline.orders.models import Order
from everline.orders.services import paying, placing, quoting
from everline.orders.states import OrderStatus
from everline.payments.errors import AttemptOpen
from everline.payments.models import Attempt, LedgerPosting, Refund
from everline.usage.models import Period
from tests.journeys.test_renewal import GOOD
from tests.journeys.world import World


def _status(order: Order) -> str:
    order.refresh_from_db()
    return order.status


def _together(*calls: Any) -> list[Any]:
    """Run callables at the same moment, each with a connection of its own; errors are returned."""
    barrier = Barrier(len(calls))

    def run(call: Any) -> Any:
        barrier.wait()
        try:
            return call()
        except DomainError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _webhooks(world: World, order: Order) -> list[dict[str, Any]]:
    [attempt] = world.attempts(order)
    sent = world.sandbox.control("GET", "/webhooks")["data"]
    return [each for each in sent if attempt.id in str(each)]


class TestScenario1:
    def test_a_webhook_before_the_browsers_return_is_applied_once(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        world.sandbox.pay(world.attempt(order).redirect_url)
        world.sandbox.drain()
        assert _status(order) == OrderStatus.FULFILLED

        from everline.orders.services.returning import note_return

        [attempt] = world.attempts(order)
        shown = note_return(customer=customer, order_id=order.id, attempt_id=attempt.id, now=clock.now())
        world.sandbox.drain()

        assert shown.status == OrderStatus.FULFILLED
        assert world.timeline(order) == GOOD

    def test_a_hint_before_its_attempt_is_kept_until_it_is_there(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        attempt = world.attempt(order)
        world.sandbox.pay(attempt.redirect_url)
        row = Attempt.objects.filter(pk=attempt.id).values().get()
        Attempt.objects.filter(pk=attempt.id).delete()  # as if its transaction had not committed yet
        world.sandbox.drain()
        waiting = InboxHint.objects.filter(reference=attempt.id, processed_at=None)
        assert waiting.exists()
        assert all("no attempt" in hint.error for hint in waiting)

        Attempt.objects.create(**row)
        world.sandbox.advance(seconds=30)
        world.sandbox.drain()

        assert _status(order) == OrderStatus.FULFILLED
        assert not InboxHint.objects.filter(processed_at=None).exists()


def test_scenario_2_the_same_webhook_twice_at_once_has_one_effect(world: World) -> None:
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())
    world.sandbox.fault("webhook", "duplicate", times=3)
    world.sandbox.pay(world.attempt(order).redirect_url)

    _together(
        *[lambda: httpx.post(f"{world.shop_url}/_sandbox/drain", headers=_token(world), timeout=60)] * 2
    )
    world.sandbox.drain()

    assert _status(order) == OrderStatus.FULFILLED
    assert world.timeline(order) == GOOD
    assert LedgerPosting.objects.filter(payable=order.id, kind="capture").count() == 1
    captured = [each for each in _webhooks(world, order) if each["type"] == "payment.captured"]
    assert all(200 <= each["status"] < 300 for each in captured if isinstance(each.get("status"), int))


class TestScenario3:
    def test_reordered_webhooks_do_not_undo_success(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        world.sandbox.fault("webhook", "reorder", times=4)
        world.sandbox.pay(world.attempt(order).redirect_url)
        world.sandbox.drain()
        assert _status(order) == OrderStatus.FULFILLED

        for hook in _webhooks(world, order):
            world.sandbox.control("POST", f"/webhooks/{hook['id']}/redeliver")
        world.sandbox.drain()

        assert world.timeline(order) == GOOD
        assert [each.status for each in world.attempts(order)] == ["captured"]

    def test_an_older_hint_after_success_changes_nothing(self, world: World) -> None:
        customer = world.customer()
        order = world.buy(customer, world.line(customer), world.plan())
        [attempt] = world.attempts(order)

        inbox.store(
            source="payments:sandbox",
            event_id="evt_late_failure",
            kind="payment.changed",
            reference=attempt.id,
            job="orders.settle",
        )
        world.sandbox.drain()

        assert _status(order) == OrderStatus.FULFILLED
        assert world.timeline(order) == GOOD
        assert world.mails(customer) == ["order_confirmation"]


def _paid_but_unheard(world: World, order: Order) -> None:
    """The provider has the money; its webhooks are lost and it does not answer when asked."""
    attempt = world.attempt(order)
    world.sandbox.fault("webhook", "lose", times=20)
    world.sandbox.fault("fetch", "http_500", times=500)
    world.sandbox.pay(attempt.redirect_url)


class TestScenario5:
    def test_late_money_is_honoured_while_the_terms_stand(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        _paid_but_unheard(world, order)
        Order.objects.filter(pk=order.id).update(expires_at=clock.now())
        _expire_alone(order)
        assert _status(order) == OrderStatus.EXPIRED

        world.sandbox.forget_faults()
        world.sandbox.advance(minutes=3)
        world.sandbox.drain()

        assert _status(order) == OrderStatus.FULFILLED
        assert not Refund.objects.exists()
        [charge] = world.sandbox.charges(order.id)
        assert (charge["captured"], charge["refunded"]) == (1999, 0)

    def test_late_money_goes_back_once_when_the_plan_is_gone(self, world: World) -> None:
        customer = world.customer()
        version = world.plan()
        order = world.order(customer, world.line(customer), version)
        _paid_but_unheard(world, order)
        _expire_alone(order)
        withdraw_plan(plan=version.plan, now=clock.now())

        world.sandbox.forget_faults()
        world.sandbox.advance(minutes=3)
        world.sandbox.drain()

        assert _status(order) == OrderStatus.EXPIRED
        [charge] = world.sandbox.charges(order.id)
        assert (charge["captured"], charge["refunded"]) == (1999, 1999)
        assert Refund.objects.count() == 1
        assert not Period.objects.filter(order=order.id).exists()
        assert "order_refunded" in world.mails(customer)
        assert "order_confirmation" not in world.mails(customer)


def _expire_alone(order: Order) -> None:
    """The order ends while its provider cannot be asked."""
    from everline.orders.services import expiry

    expiry._expire([order.id], clock.now())


class TestScenario6:
    @pytest.mark.parametrize("fault", ["drop_after", "drop_before", "http_500"])
    def test_an_unknown_outcome_is_a_state_and_no_second_charge(self, world: World, fault: str) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        world.sandbox.fault("charge", fault)

        attempt = world.attempt(order, key="k")

        assert attempt.status == "unknown"
        assert world.timeline(order)[-1] == "payment.checking"
        with pytest.raises(AttemptOpen) as refused:
            world.attempt(order, key="another")
        assert refused.value.extra["attempt"] == attempt.id

        again = world.attempt(order, key="k")  # the customer's own retry goes on with the same attempt

        assert (again.id, again.status) == (attempt.id, "requires_action")
        assert len(world.sandbox.charges(order.id)) == 1
        world.sandbox.pay(again.redirect_url)
        world.sandbox.drain()
        assert _status(order) == OrderStatus.FULFILLED

    def test_the_reconciler_resolves_it_by_itself(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        world.sandbox.fault("charge", "drop_after")
        attempt = world.attempt(order)
        assert attempt.status == "unknown"

        world.sandbox.advance(seconds=61)
        world.sandbox.drain()

        attempt.refresh_from_db()
        assert attempt.status == "requires_action"
        assert len(world.sandbox.charges(order.id)) == 1

    def test_lost_webhooks_lose_no_money(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        world.sandbox.fault("webhook", "lose", times=20)
        world.sandbox.pay(world.attempt(order).redirect_url)
        world.sandbox.drain()
        assert _status(order) == OrderStatus.AWAITING_PAYMENT

        world.sandbox.advance(seconds=61)
        world.sandbox.drain()

        assert _status(order) == OrderStatus.FULFILLED

    def test_time_alone_fails_nothing(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        attempt = world.attempt(order)
        world.sandbox.fault("fetch", "http_500", times=1000)
        world.sandbox.fault("webhook", "lose", times=20)

        world.sandbox.advance(hours=20)
        world.sandbox.drain()

        attempt.refresh_from_db()
        assert attempt.status == "requires_action"
        world.sandbox.forget_faults()
        world.sandbox.advance(hours=5)
        world.sandbox.drain()
        attempt.refresh_from_db()
        assert (attempt.status, attempt.failure_code) == ("failed", "expired")


class TestScenario8:
    def test_two_tabs_open_one_payment(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        request = paying.PaymentRequest(order.id, "card", f"{world.shop_url}/")

        def pay(key: str) -> Any:
            return paying.start_payment(customer=customer, request=request, key=key, now=clock.now())

        results = _together(lambda: pay("tab one"), lambda: pay("tab two"))

        refused = [each for each in results if isinstance(each, AttemptOpen)]
        assert len(refused) == 1
        [attempt] = world.attempts(order)
        assert refused[0].extra["attempt"] == attempt.id
        assert len(world.sandbox.charges(order.id)) == 1

    def test_a_second_capture_goes_back_by_itself(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        first = world.attempt(order)
        # The first tab's payment is lost sight of and given up, then both are paid.
        Attempt.objects.filter(pk=first.id).update(status="failed", failure_code="cancelled")
        second = world.attempt(order)
        world.sandbox.pay(second.redirect_url)
        world.sandbox.drain()
        assert _status(order) == OrderStatus.FULFILLED

        world.sandbox.pay(first.redirect_url)
        world.sandbox.drain()

        assert [each.status for each in world.attempts(order)] == ["refunded", "captured"]
        charges = world.sandbox.charges(order.id)
        assert sorted(each["refunded"] for each in charges) == [0, 1999]
        assert Period.objects.filter(order=order.id).count() == 1
        assert world.mails(customer) == ["order_confirmation", "order_refunded"]


class TestScenario9:
    def test_a_double_click_places_one_order_and_opens_one_payment(self, world: World) -> None:
        customer = world.customer()
        quote = quoting.create_quote(
            customer=customer, plan_id=world.plan().plan_id, line_id=world.line(customer).id, now=clock.now()
        )

        def place() -> Any:
            return placing.place_order(customer=customer, quote_id=quote.id, key="click", now=clock.now())

        one, two = _together(place, place)

        assert one.object_id == two.object_id
        assert sorted([one.replayed, two.replayed]) == [False, True]
        assert Order.objects.filter(customer=customer).count() == 1

    def test_the_same_key_with_another_body_is_refused(self, world: World) -> None:
        customer = world.customer()
        line, version = world.line(customer), world.plan()
        order = world.order(customer, line, version)
        world.attempt(order, key="k")

        with pytest.raises(idempotency.KeyReused):
            world.attempt(order, key="k", method="paypal")

        assert len(world.attempts(order)) == 1

    def test_a_repeat_after_the_end_finds_the_attempt_as_it_is_now(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        attempt = world.attempt(order, key="k")
        world.sandbox.pay(attempt.redirect_url)
        world.sandbox.drain()

        again = world.attempt(order, key="k")

        assert (again.id, again.status) == (attempt.id, "captured")
        assert len(world.sandbox.charges(order.id)) == 1


def _token(world: World) -> dict[str, str]:
    return {"X-Sandbox-Token": world.sandbox.token}


def test_replaying_every_stored_hint_changes_nothing(world: World) -> None:
    customer = world.customer()
    order = world.buy(customer, world.line(customer), world.plan())
    before = (world.timeline(order), LedgerPosting.objects.count(), Period.objects.count())

    InboxHint.objects.update(processed_at=None, next_try_at=clock.now() - timedelta(seconds=1))
    world.sandbox.drain()

    assert (world.timeline(order), LedgerPosting.objects.count(), Period.objects.count()) == before
    assert not InboxHint.objects.filter(processed_at=None).exists()
