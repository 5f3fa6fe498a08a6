from typing import Any

import pytest

from everline.core import clock
from everline.core.money import Money
from everline.notifications.events import MessageGivenUp, MessageSent
from everline.notifications.models import Message
from everline.notifications.rendering import render
from everline.orders.models import Order
from everline.orders.services.expiry import expire_unpaid
from everline.orders.services.notices import note_messages_given_up, note_messages_sent
from tests.orders.shop import GOOD, Shop

pytestmark = pytest.mark.django_db


def sent(order: Order, kind: str = "order_confirmation", **changes: Any) -> MessageSent:
    values = {
        "message_id": "msg_1",
        "kind": kind,
        "reference": order.id,
        "dedupe_key": f"order_confirmation:{order.id}",
        "channel": "email",
        "at": clock.now().isoformat(),
        **changes,
    }
    return MessageSent(**values)


def test_a_confirmation_says_what_was_bought_and_until_when(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("day", 7, amount=1999)
    shop.renew(line, version)
    line.refresh_from_db()
    old = line.valid_until

    order = shop.renew(line, version, quantity=2)

    message = Message.objects.get(reference=order.id)
    line.refresh_from_db()
    context = message.context
    assert (message.kind, message.to, message.locale) == ("order_confirmation", line.customer.email, "en")
    assert context["order_number"] == order.number
    assert (context["amount"], context["currency"], context["quantity"]) == (3998, "USD", 2)
    assert context["old_ends_at"] == (old and old.isoformat())
    assert context["new_ends_at"] == (line.valid_until and line.valid_until.isoformat())
    assert (context["plan_name"], context["line_label"]) == ("Japan", "Holiday")
    assert (context["zone"], context["opens_by"]) == ("Asia/Shanghai", None)
    assert context["order_url"].endswith(f"/orders/{order.id}/")


def test_an_open_start_is_told_with_its_deadline(shop: Shop) -> None:
    version = shop.plan("day", 7, start_policy="on_first_use", activation_deadline_days=30)

    order = shop.renew(version=version)

    context = Message.objects.get(reference=order.id).context
    assert context["new_ends_at"] is None
    assert context["opens_by"] is not None


@pytest.mark.parametrize("locale", ["en", "zh-hans"])
def test_every_message_of_an_order_can_be_written_out(shop: Shop, locale: str) -> None:
    customer = shop.customer(locale=locale)
    line, version = shop.line(customer), shop.plan(amount=1999)
    shop.renew(line, version)
    declined, unpaid = shop.order(line, version), shop.order(line, version)
    shop.fail(shop.start(declined), "insufficient_funds")
    shop.settle()
    shop.wait(hours=25)
    expire_unpaid(clock.now())

    messages = list(Message.objects.filter(to=customer.email))

    assert sorted(each.kind for each in messages) == [
        "order_confirmation",
        "order_expired",
        "order_expired",
        "payment_failed",
    ]
    for message in messages:
        rendered = render(
            kind=message.kind, locale=message.locale, brand=message.brand, context=message.context
        )
        number = message.context["order_number"]
        assert number in rendered.subject + rendered.text
        assert number in rendered.html
    assert unpaid.number != declined.number


def test_a_failed_payment_says_why_and_leads_back(shop: Shop) -> None:
    order = shop.order(shop.line(shop.customer(locale="zh-hans")))
    shop.fail(shop.start(order), "insufficient_funds")

    shop.settle()

    context = Message.objects.get(kind="payment_failed").context
    assert not context["reason"].isascii()
    assert context["retry_url"] == f"http://localhost:8000/orders/{order.id}/pay/"
    assert context["amount"] == order.total.amount


def test_i4_one_confirmation_per_order_and_none_for_unpaid(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("day")
    orders = [shop.renew(line, version) for _ in range(3)]
    unpaid = shop.order(line, version)

    assert [shop.mails(order) for order in orders] == [["order_confirmation"]] * 3
    assert shop.mails(unpaid) == []


def test_tracking_says_when_the_transport_took_the_confirmation(shop: Shop) -> None:
    order = shop.renew()

    note_messages_sent([sent(order)])

    assert shop.timeline(order) == [*GOOD, "confirmation.sent"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "payment_failed", "dedupe_key": "payment_failed:att_1"},
        {"kind": "welcome", "reference": "cus_1", "dedupe_key": "order_confirmation:cus_1"},
        {"reference": ""},
        {"dedupe_key": "again:1"},
    ],
)
def test_other_messages_are_no_step_of_an_order(shop: Shop, changes: dict[str, str]) -> None:
    order = shop.renew()

    note_messages_sent([sent(order, **changes)])

    assert shop.timeline(order) == GOOD


def test_a_confirmation_nobody_could_deliver_leaves_the_order_as_it_is(shop: Shop) -> None:
    order = shop.renew()

    note_messages_given_up(
        [
            MessageGivenUp(
                message_id="msg_1",
                kind="order_confirmation",
                reference=order.id,
                dedupe_key="x",
                channel="email",
                reason="no such mailbox",
                at=clock.now().isoformat(),
            )
        ]
    )

    assert (shop.status(order), shop.timeline(order)) == ("fulfilled", GOOD)


def test_yen_stand_in_mails_as_they_were_charged(shop: Shop) -> None:
    order = shop.renew(shop.line(shop.customer(currency="JPY")), shop.plan(amount=7))

    context = Message.objects.get(reference=order.id).context
    assert (context["amount"], context["currency"]) == (700, "JPY")
    assert order.total == Money(700, "JPY")
