from datetime import timedelta
from typing import Any

import pytest

from everline.core import clock, inbox
from everline.core.models import InboxHint, Transition
from everline.core.money import Money
from everline.orders.models import Order
from everline.orders.services import settlement
from everline.orders.services.placing import cancel_order
from everline.orders.services.settlement import close_open_attempt, settle_inbox
from everline.payments.errors import NotKnown, OutcomeUnknown
from everline.payments.models import Attempt, LedgerPosting, Refund
from everline.payments.types import PaymentState
from everline.suppliers.models import SupplierOrder
from tests.orders.shop import Shop, at_once

pytestmark = pytest.mark.django_db
PAID = ["order.placed", "payment.started", "payment.captured", "fulfilment.started"]


def test_captured_money_pays_the_order_and_asks_the_supplier(shop: Shop) -> None:
    order = shop.order(version=shop.plan(amount=1100))
    shop.pay(order)

    assert shop.settle() == 1

    order.refresh_from_db()
    assert order.status == "fulfilling"
    assert order.paid_at is not None
    assert order.deliver_by == order.paid_at + timedelta(minutes=70)
    assert order.amount_due == Money(0, "USD")
    assert shop.timeline(order) == PAID
    [purchase] = SupplierOrder.objects.all()
    assert (purchase.reference, purchase.line_iccid) == (
        f"sup-{order.id}-topup",
        order.line.iccid if order.line else "",
    )
    booked = LedgerPosting.objects.get().entries.values_list("account", "amount_minor")
    assert dict(booked) == {"provider_clearing": 1100, "deferred_revenue": -1000, "tax": -100}
    states = (
        Transition.objects.filter(label="orders.order").order_by("id").values_list("from_state", "to_state")
    )
    assert list(states) == [("awaiting_payment", "paid"), ("paid", "fulfilling")]
    assert shop.mails(order) == []


def test_a_webhook_is_believed_nothing(shop: Shop) -> None:
    order = shop.order()
    shop.hint(shop.start(order))

    assert shop.settle() == 1

    assert shop.status(order) == "awaiting_payment"
    assert not SupplierOrder.objects.exists()


def test_scenario_2_the_same_webhook_twice_has_one_effect(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.provider.capture("pay_1")

    for event in ("evt", "evt", "other"):
        shop.hint(attempt, event)
    assert shop.settle() == 2
    shop.hint(attempt, "third")
    shop.settle()

    assert shop.timeline(order) == PAID
    assert LedgerPosting.objects.count() == SupplierOrder.objects.count() == 1


def test_i5_every_stored_hint_replayed_changes_nothing(shop: Shop) -> None:
    order = shop.renew()
    before, timeline = shop.books(), shop.timeline(order)

    InboxHint.objects.update(processed_at=None, next_try_at=clock.now())
    shop.settle()
    shop.fulfil()

    assert (shop.books(), shop.timeline(order)) == (before, timeline)
    shop.check()


def test_scenario_3_older_news_does_not_undo_newer(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    older = shop.provider.payments["pay_1"]
    shop.capture(attempt)
    shop.settle()

    shop.provider.payments["pay_1"] = older
    shop.hint(attempt)
    shop.settle()
    shop.provider.end("pay_1", "generic_decline")
    shop.hint(attempt)
    shop.settle()

    assert shop.status(order) == "fulfilling"
    assert shop.attempts(order) == [("captured", "")]
    assert shop.mails(order) == []


def test_scenario_3_a_late_success_after_a_failure_counts(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.fail(attempt)
    shop.settle()
    shop.capture(attempt)
    shop.settle()

    assert shop.attempts(order) == [("captured", "")]
    assert shop.status(order) == "fulfilling"


def test_a_declined_payment_is_told_once_with_a_way_back(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.fail(attempt, "insufficient_funds")
    shop.hint(attempt)

    shop.settle()

    assert shop.attempts(order) == [("failed", "insufficient_funds")]
    assert shop.timeline(order) == ["order.placed", "payment.started", "payment.failed"]
    assert shop.mails(order) == ["payment_failed"]
    assert shop.status(order) == "awaiting_payment"


@pytest.mark.parametrize(
    ("code", "mails"), [("cancelled", []), ("expired", []), ("authentication_failed", ["payment_failed"])]
)
def test_what_the_customer_did_is_not_mailed(shop: Shop, code: str, mails: list[str]) -> None:
    order = shop.order()
    shop.fail(shop.start(order), code)

    shop.settle()

    assert shop.attempts(order) == [("failed", code)]
    assert shop.mails(order) == mails


def test_scenario_4_money_for_a_cancelled_order_goes_back(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    cancel_order(customer=order.customer, order_id=order.id, now=clock.now())
    shop.capture(attempt)  # the page was still open somewhere

    shop.settle()
    shop.refund()

    assert shop.status(order) == "cancelled"
    assert shop.attempts(order) == [("refunded", "")]
    assert shop.timeline(order)[-2:] == ["payment.surplus", "refund.succeeded"]
    assert shop.mails(order) == ["order_refunded"]
    assert not SupplierOrder.objects.exists()
    shop.check()


@pytest.mark.parametrize("asked", ["att_0000000000000", "att_nonsense", "ord_1", ""])
def test_scenario_4_a_hint_of_no_attempt_waits_with_its_error(shop: Shop, asked: str) -> None:
    good = shop.order()
    inbox.store(
        source="payments:fake", event_id="evt_x", kind="payment.changed", reference=asked, job="orders.settle"
    )
    shop.pay(good)

    assert shop.settle() == 1

    assert shop.status(good) == "fulfilling"
    [row] = InboxHint.objects.filter(processed_at=None)
    assert row.error.startswith("no attempt")
    assert (row.tries, row.next_try_at > clock.now()) == (1, True)
    assert shop.settle() == 0
    shop.wait(minutes=1)
    shop.settle()
    row.refresh_from_db()
    assert (row.tries, row.processed_at) == (2, None)


@pytest.mark.parametrize("error", [OutcomeUnknown("fake"), NotKnown("fake", "not_found")])
def test_a_provider_that_does_not_answer_leaves_the_hint_for_later(shop: Shop, error: Exception) -> None:
    order = shop.order()
    shop.pay(order)
    shop.provider.failing["fetch"] = [error]  # type: ignore[list-item]

    assert shop.settle() == 0
    assert shop.status(order) == "awaiting_payment"
    assert shop.errors_in_inbox() != [""]

    shop.wait(seconds=30)
    assert shop.settle() == 1
    assert shop.status(order) == "fulfilling"


@pytest.mark.parametrize(
    "amount", [Money(1998, "USD"), Money(2000, "USD"), Money(1999, "EUR"), Money(1, "USD")]
)
def test_scenario_13_another_amount_is_never_kept(shop: Shop, amount: Money) -> None:
    order = shop.order(version=shop.plan(amount=1999))
    shop.pay(order, amount)

    shop.settle()
    shop.fulfil()

    assert shop.status(order) == "needs_attention"
    assert shop.cases(order) == [("amount_mismatch", True)]
    assert shop.attempts(order) == [("surplus", "")]
    assert shop.timeline(order)[-1] == "order.needs_attention"
    assert not SupplierOrder.objects.exists()
    assert not Refund.objects.exists()  # a person decides
    shop.check()


def test_a_wrong_amount_beside_a_right_one_stops_no_order(shop: Shop) -> None:
    order = shop.order(version=shop.plan(amount=1999))
    wrong = shop.start(order)
    shop.fail(wrong)
    shop.settle()
    shop.pay(order)
    shop.capture(wrong, Money(5, "USD"))

    shop.settle()
    shop.fulfil()

    assert shop.status(order) == "fulfilled"
    assert shop.attempts(order) == [("surplus", ""), ("captured", "")]
    assert shop.cases(order) == [("amount_mismatch", True)]
    shop.check()


@pytest.mark.parametrize("together", [True, False])
def test_scenario_7_a_second_capture_goes_back(shop: Shop, *, together: bool) -> None:
    order = shop.order()
    first = shop.start(order)
    shop.fail(first)
    shop.settle()
    second = shop.start(order)

    for attempt in (first, second):
        shop.capture(attempt)
        if not together:
            shop.settle()
    shop.settle()
    shop.refund()
    shop.fulfil()

    assert sorted(shop.attempts(order)) == [("captured", ""), ("refunded", "")]
    assert shop.status(order) == "fulfilled"
    assert len(shop.periods(order)) == 1
    assert Refund.objects.get().reason == "surplus"
    assert sorted(shop.mails(order)) == ["order_confirmation", "order_refunded", "payment_failed"]
    shop.check()


def test_a_failed_refund_of_surplus_money_stops_no_order(shop: Shop) -> None:
    order = shop.order()
    first = shop.start(order)
    shop.fail(first)
    shop.settle()
    shop.pay(order)
    shop.capture(first)
    shop.settle()
    refund = Refund.objects.get()
    shop.refund()
    from everline.payments.types import RefundState

    shop.provider.settle_refund(refund.key, RefundState.FAILED)
    from everline.payments.services import refresh_refunds

    refresh_refunds(refund_ids=[refund.id], now=clock.now())
    shop.dispatch()
    shop.fulfil()

    assert shop.status(order) == "fulfilled"
    assert shop.cases(order) == [("refund_failed", True)]
    shop.check()


def test_scenario_1_a_return_before_the_webhook_settles_too(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.provider.capture("pay_1")
    from everline.orders.services.returning import note_return

    for _ in range(3):
        shown = note_return(
            customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=order.created_at
        )

    assert shown.status == "awaiting_payment"
    assert InboxHint.objects.count() == 1
    shop.settle()
    assert shop.status(order) == "fulfilling"
    note_return(customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now())
    assert InboxHint.objects.count() == 1


def test_a_hundred_hints_are_one_batch_and_more_are_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "BATCH", 3)
    monkeypatch.setattr(inbox.pending, "__kwdefaults__", {**inbox.pending.__kwdefaults__, "limit": 3})
    version = shop.plan()
    orders = [shop.order(version=version) for _ in range(7)]
    for order in orders:
        shop.pay(order)

    assert shop.settle() == 7

    assert {shop.status(order) for order in orders} == {"fulfilling"}


def test_one_bad_row_is_found_and_the_others_go_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    version = shop.plan()
    orders = [shop.order(version=version) for _ in range(9)]
    for order in orders:
        shop.pay(order)
    plain = settlement._supplier_specs

    def stumbling(order: Order) -> Any:
        if order.id == orders[4].id:
            raise ZeroDivisionError("bad row")
        return plain(order)

    monkeypatch.setattr(settlement, "_supplier_specs", stumbling)
    assert shop.settle() == 8

    assert [shop.status(order) for order in orders].count("fulfilling") == 8
    assert shop.status(orders[4]) == "awaiting_payment"
    assert shop.errors_in_inbox() == ["ZeroDivisionError('bad row')"]
    assert not LedgerPosting.objects.filter(payable=orders[4].id).exists()
    monkeypatch.undo()
    shop.wait(minutes=1)
    assert shop.settle() == 1
    assert shop.status(orders[4]) == "fulfilling"


def test_a_payment_under_way_changes_nothing_yet(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.provider._change("pay_1", state=PaymentState.PROCESSING, redirect_url="")
    shop.hint(attempt)

    shop.settle()

    assert shop.attempts(order) == [("processing", "")]
    assert shop.timeline(order) == ["order.placed", "payment.started"]


def test_closing_what_is_not_open_asks_nobody(shop: Shop) -> None:
    order = shop.order()

    assert close_open_attempt(order_id=order.id, now=clock.now())
    assert shop.provider.calls == []


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_scenario_2_two_workers_on_the_same_hints(self, shop: Shop) -> None:
        version = shop.plan()
        orders = [shop.order(version=version) for _ in range(6)]
        for order in orders:
            shop.pay(order)

        results = at_once(*[lambda: settle_inbox(clock.now())] * 4)

        assert sum(each for each in results if isinstance(each, int)) == 6
        assert all(isinstance(each, int) for each in results)
        assert SupplierOrder.objects.count() == LedgerPosting.objects.count() == 6
        assert all(shop.timeline(order) == PAID for order in orders)
        shop.check()

    def test_two_hints_of_one_attempt_on_two_workers(self, shop: Shop) -> None:
        order = shop.order()
        attempt = shop.start(order)
        shop.provider.capture("pay_1")
        for _ in range(4):
            shop.hint(attempt)
        keys = list(InboxHint.objects.order_by("id"))

        results = at_once(*[lambda hint=hint: settlement._settle_hints([hint], clock.now()) for hint in keys])  # type: ignore[misc]

        assert results == [1, 1, 1, 1]
        assert shop.timeline(order) == PAID
        assert LedgerPosting.objects.count() == SupplierOrder.objects.count() == 1

    def test_scenario_7_two_captures_on_two_workers_keep_one(self, shop: Shop) -> None:
        order = shop.order()
        first = shop.start(order)
        shop.fail(first)
        shop.settle()
        second = shop.start(order)
        for attempt in (first, second):
            shop.capture(attempt)
        keys = list(InboxHint.objects.filter(processed_at=None).order_by("id"))

        at_once(*[lambda hint=hint: settlement._settle_hints([hint], clock.now()) for hint in keys])  # type: ignore[misc]

        assert sorted(Attempt.objects.values_list("status", flat=True)) == ["captured", "surplus"]
        assert Refund.objects.count() == SupplierOrder.objects.count() == 1
        shop.check()
