from typing import Any

import pytest
from django.db import transaction

from everline.core import clock
from everline.core.money import Money
from everline.notifications.models import Message
from everline.orders.models import Order, TimelineEntry
from everline.orders.services.refunds import give_back, note_refunds_settled
from everline.payments import services as payments
from everline.payments.errors import Declined, OutcomeUnknown
from everline.payments.events import RefundSettled
from everline.payments.models import Attempt, Refund
from everline.payments.types import RefundItem, RefundState
from everline.suppliers.errors import Rejected
from everline.usage.models import Period
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def ask(order: Order, amount: Money | None = None, reason: str = "goodwill") -> Refund:
    """What staff will do: request a refund of the order's kept payment."""
    attempt = Attempt.objects.get(payable=order.id, kept=True)
    with transaction.atomic():
        [refund] = payments.request_refunds(
            items=[RefundItem(attempt.id, amount)], reason=reason, now=clock.now()
        )
    return refund


def undelivered(shop: Shop) -> Order:
    """A paid order that its supplier refused; its refund is requested."""
    shop.supplier.failing["topup"] = [Rejected("fake", "no_stock")]
    return shop.renew()


def test_a_whole_refund_takes_the_period_back(shop: Shop) -> None:
    line = shop.line()
    order = shop.renew(line)
    ask(order)

    shop.refund()

    assert shop.status(order) == "refunded"
    assert Period.objects.get().state == "revoked"
    line.refresh_from_db()
    assert line.valid_until is None or line.valid_until <= clock.now()
    assert shop.mails(order) == ["order_confirmation", "order_refunded"]
    shop.check()


def test_a_part_leaves_the_period(shop: Shop) -> None:
    order = shop.renew(version=shop.plan(amount=1999))
    ask(order, Money(700, "USD"))

    shop.refund()

    assert shop.status(order) == "partially_refunded"
    assert Period.objects.get().state == "active"
    assert TimelineEntry.objects.get(event="refund.succeeded").context == {"amount": 700, "currency": "USD"}
    shop.check()


def test_scenario_15_parts_in_odd_amounts_until_all_is_back(shop: Shop) -> None:
    order = shop.renew(version=shop.plan(amount=1999))

    for amount in (333, 1, 665):
        ask(order, Money(amount, "USD"))
        shop.refund()
        assert shop.status(order) == "partially_refunded"
    ask(order)
    shop.refund()

    assert shop.status(order) == "refunded"
    assert sum(each.amount.amount for each in shop.provider.refunds.values()) == 1999
    assert Message.objects.filter(kind="order_refunded").count() == 4
    shop.check()


def test_scenario_23_the_middle_of_three_goes_and_the_last_moves_up(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("month")
    first, middle, last = (shop.renew(line, version) for _ in range(3))
    gap = shop.periods(middle)
    ask(middle)

    shop.refund()

    assert shop.status(middle) == "refunded"
    assert shop.periods(last)[0][0] == shop.periods(first)[0][1] == gap[0][0]
    shop.check()


def test_asked_twice_the_money_goes_back_once(shop: Shop) -> None:
    order = undelivered(shop)

    with transaction.atomic():
        assert give_back(order=order, reason="undelivered", now=clock.now()) == []

    shop.refund()
    assert Refund.objects.count() == len(shop.provider.refunds) == 1


def test_heard_twice_changes_nothing(shop: Shop) -> None:
    order = shop.renew()
    refund = ask(order)
    shop.refund()
    before = shop.books()
    event = RefundSettled(
        refund_id=refund.id, attempt_id=refund.attempt_id, payable=order.id, status="succeeded"
    )

    shop.dispatch()
    payments.refresh_refunds(refund_ids=[refund.id], now=clock.now())
    shop.dispatch()
    assert shop.books() == before

    note_refunds_settled([event])
    assert shop.status(order) == "refunded"
    assert shop.mails(order).count("order_refunded") == 1


def test_a_refund_the_provider_does_not_answer_is_sent_once(shop: Shop) -> None:
    shop.provider.after["refund"] = [OutcomeUnknown("fake")]
    order = undelivered(shop)

    for _ in range(3):
        shop.refund()
        shop.wait(minutes=2)

    assert shop.status(order) == "refunded"
    assert len(shop.provider.refunds) == 1


def test_a_refund_that_fails_keeps_the_case_open(shop: Shop) -> None:
    shop.provider.failing["refund"] = [Declined("fake", "account_closed")]
    order = undelivered(shop)

    shop.refund()

    assert shop.status(order) == "needs_attention"
    assert shop.cases(order) == [("undelivered", True), ("refund_failed", True)]
    assert shop.timeline(order)[-1] == "refund.failed"
    assert shop.mails(order) == []
    shop.check()


def test_a_new_refund_after_a_failed_one_closes_both_cases(shop: Shop) -> None:
    shop.provider.failing["refund"] = [Declined("fake", "account_closed")]
    order = undelivered(shop)
    shop.refund()

    ask(order, reason="undelivered")
    shop.refund()

    assert shop.status(order) == "refunded"
    assert shop.cases(order) == [("undelivered", False), ("refund_failed", False)]
    assert shop.mails(order) == ["order_refunded"]
    shop.check()


def test_a_pending_refund_is_told_when_it_is_there(shop: Shop) -> None:
    shop.provider.refund_state = RefundState.PENDING
    order = undelivered(shop)
    shop.refund()
    assert shop.status(order) == "needs_attention"
    assert shop.mails(order) == []

    refund = Refund.objects.get()
    shop.provider.settle_refund(refund.key, RefundState.SUCCEEDED)
    payments.refresh_refunds(refund_ids=[refund.id], now=clock.now())
    shop.dispatch()

    assert shop.status(order) == "refunded"
    assert shop.mails(order) == ["order_refunded"]


def test_money_that_the_bank_sends_back_is_a_case(shop: Shop) -> None:
    order = shop.renew()
    refund = ask(order)
    shop.refund()

    shop.provider.settle_refund(refund.key, RefundState.FAILED)
    payments.refresh_refunds(refund_ids=[refund.id], now=clock.now())
    shop.dispatch()

    assert shop.status(order) == "needs_attention"
    assert shop.cases(order) == [("refund_failed", True)]
    shop.check()


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "could not set up your plan"), ("zh-hans", "无法")], ids=["en", "zh"]
)
def test_the_reason_is_in_the_customer_s_language(shop: Shop, locale: str, words: str) -> None:
    shop.supplier.failing["topup"] = [Rejected("fake", "no_stock")]
    shop.renew(shop.line(shop.customer(locale=locale)))

    shop.refund()

    context: dict[str, Any] = Message.objects.get(kind="order_refunded").context
    if locale == "en":
        assert words in context["reason"]
    else:
        assert not context["reason"].isascii()
    assert context["amount"] == 1999


def test_other_rooms_payables_are_none_of_this_room_s_business(shop: Shop) -> None:
    note_refunds_settled(
        [RefundSettled(refund_id="ref_1", attempt_id="att_1", payable="wallet_1", status="succeeded")]
    )

    assert not TimelineEntry.objects.exists()
