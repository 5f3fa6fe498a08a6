"""One truthful message per final state: what an order has overtaken is not sent any more (scenario 27)."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from everline.catalog.types import Text
from everline.core import clock
from everline.notifications import delivery
from everline.notifications.channels.port import TransportError
from everline.notifications.models import Delivery, Message
from everline.notifications.types import OutgoingMail, OutgoingSms
from everline.orders.models import Order
from everline.orders.selectors import outdated_notices
from everline.orders.services import fulfilment, refunds
from everline.orders.services.expiry import expire_unpaid
from everline.orders.services.placing import cancel_order
from tests.orders.shop import Shop, statements

pytestmark = pytest.mark.django_db


@dataclass
class Post:
    """Takes mails and text messages, unless it is down."""

    down: bool = False
    mails: list[OutgoingMail] = field(default_factory=list)
    texts: list[OutgoingSms] = field(default_factory=list)

    def kinds(self, order: Order) -> list[str]:
        """What was said about an order, oldest first."""
        number = order.number
        mails = [each.kind for each in self.mails if number in each.rendered.subject + each.rendered.text]
        return mails + [each.kind for each in self.texts if number in each.text]


class _Slot:
    def __init__(self, post: Post, kept: list[Any]) -> None:
        self._post, self._kept = post, kept

    def send(self, message: Any) -> None:
        if self._post.down:
            raise TransportError("the gateway is down")
        self._kept.append(message)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    box = Post()
    monkeypatch.setattr(delivery, "email_transport", lambda: _Slot(box, box.mails))
    monkeypatch.setattr(delivery, "sms_transport", lambda: _Slot(box, box.texts))
    monkeypatch.setattr(delivery, "BUDGET", 3600.0)
    return box


def later(shop: Shop, **units: float) -> None:
    """Time passes, and everything waiting is tried again."""
    shop.wait(**(units or {"minutes": 2}))
    delivery.deliver_due()


def give_back(shop: Shop, order: Order) -> None:
    """The whole order goes back, as staff would decide."""
    order.refresh_from_db()
    refunds.give_back(order=order, reason="goodwill", now=clock.now())
    shop.refund()


def ended(order: Order) -> dict[str, tuple[str, str]]:
    """Status and error of each message about an order, by kind."""
    rows = Delivery.objects.filter(message__reference=order.id).select_related("message")
    return {row.message.kind: (row.status, row.last_error) for row in rows}


def test_scenario_27_a_success_that_is_reversed_later_is_two_true_mails(shop: Shop, post: Post) -> None:
    order = shop.renew()
    delivery.deliver_due()

    give_back(shop, order)
    later(shop)

    assert post.kinds(order) == ["order_confirmation", "order_refunded"]
    assert shop.status(order) == "refunded"
    assert "$19.99" in post.mails[1].rendered.subject


def test_scenario_27_a_transport_that_was_down_brings_exactly_one_mail(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.renew()
    delivery.deliver_due()
    later(shop)
    waiting = ended(order)

    post.down = False
    later(shop, hours=1)
    later(shop, hours=1)

    assert waiting == {"order_confirmation": ("queued", "the gateway is down")}
    assert post.kinds(order) == ["order_confirmation"]
    shop.dispatch()
    assert shop.timeline(order)[-1] == "confirmation.sent"
    shop.check()


def test_scenario_27_refunded_before_it_was_confirmed_is_one_mail_of_the_refund(
    shop: Shop, post: Post
) -> None:
    post.down = True
    order = shop.renew()
    delivery.deliver_due()

    give_back(shop, order)
    post.down = False
    later(shop, hours=1)

    assert post.kinds(order) == ["order_refunded"]
    assert ended(order)["order_confirmation"] == (
        "given_up",
        "not true any more: the order is refunded",
    )
    assert "confirmation.sent" not in shop.timeline(order)
    shop.check()


def test_scenario_27_a_decline_that_was_made_good_meanwhile_is_not_told(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.order(shop.line())
    shop.fail(shop.start(order), "insufficient_funds")
    shop.settle()
    delivery.deliver_due()

    shop.pay(order)
    shop.settle()
    shop.fulfil()
    post.down = False
    later(shop, hours=1)

    assert post.kinds(order) == ["order_confirmation"]
    assert ended(order)["payment_failed"][0] == "given_up"


def test_scenario_27_a_decline_still_unpaid_is_told_once(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.order(shop.line())
    shop.fail(shop.start(order), "insufficient_funds")
    shop.settle()
    delivery.deliver_due()

    post.down = False
    later(shop)
    later(shop, hours=1)

    assert post.kinds(order) == ["payment_failed"]


def test_scenario_27_an_order_that_expired_says_so_and_offers_no_retry(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.order(shop.line())
    shop.fail(shop.start(order), "generic_decline")
    shop.settle()
    delivery.deliver_due()

    shop.wait(hours=25)
    expire_unpaid(clock.now())
    post.down = False
    later(shop)

    assert post.kinds(order) == ["order_expired"]


def test_scenario_27_late_money_that_is_honoured_takes_the_expiry_back(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.order(shop.line())
    attempt = shop.start(order)
    shop.wait(hours=25)
    shop.provider.end(str(attempt.psp_ref), "expired")
    expire_unpaid(clock.now())
    Order.objects.filter(pk=order.pk).update(status="paid")

    post.down = False
    later(shop)

    assert post.kinds(order) == []
    assert ended(order)["order_expired"] == ("given_up", "not true any more: the order is paid")


def test_scenario_27_a_cancelled_order_is_not_offered_again(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.order(shop.line())
    shop.fail(shop.start(order), "generic_decline")
    shop.settle()
    delivery.deliver_due()

    cancel_order(customer=order.customer, order_id=order.id, now=clock.now())
    post.down = False
    later(shop, hours=1)

    assert post.kinds(order) == []


def test_scenario_27_what_could_not_be_delivered_is_one_mail_of_the_refund(shop: Shop, post: Post) -> None:
    order = shop.paid(shop.line())
    shop.wait(hours=2)
    fulfilment.refund_undelivered(clock.now())
    shop.refund()

    later(shop)

    assert post.kinds(order) == ["order_refunded"]
    assert "could not set up your plan" in post.mails[0].rendered.text


def test_a_partial_refund_takes_no_confirmation_back(shop: Shop, post: Post) -> None:
    post.down = True
    order = shop.renew()
    delivery.deliver_due()
    Order.objects.filter(pk=order.pk).update(status="partially_refunded")

    post.down = False
    later(shop)

    assert post.kinds(order) == ["order_confirmation"]


def test_looking_costs_one_statement_for_a_batch_and_none_without_orders(shop: Shop) -> None:
    orders = [shop.renew() for _ in range(3)]
    pairs = {("order_confirmation", each.id) for each in orders} | {("payment_failed", orders[0].id)}

    with statements() as asked:
        found = outdated_notices(pairs)
    with statements() as idle:
        nothing = outdated_notices(
            {("welcome", "cus_1"), ("order_confirmation", "x"), ("payment_failed", "")}
        )

    assert found == {("payment_failed", orders[0].id): "the order is fulfilled"}
    assert len(asked) == 1
    assert (nothing, idle) == ({}, [])


# Who is told where


def test_a_customer_with_only_a_phone_hears_everything_by_text_message(shop: Shop, post: Post) -> None:
    customer = shop.customer(email=None)
    line = shop.line(customer)
    done, declined = shop.renew(line), shop.order(line)
    shop.fail(shop.start(declined), "insufficient_funds")
    shop.settle()
    delivery.deliver_due()
    give_back(shop, done)
    later(shop)
    shop.wait(hours=25)
    expire_unpaid(clock.now())
    later(shop)

    assert [(each.kind, each.to) for each in post.texts] == [
        ("order_confirmation", customer.phone),
        ("payment_failed", customer.phone),
        ("order_refunded", customer.phone),
        ("order_expired", customer.phone),
    ]
    assert f"/orders/{declined.id}/pay/" in post.texts[1].text
    assert post.mails == []
    assert not Message.objects.exclude(attachments=[]).exists()


def test_a_customer_with_both_is_told_by_mail_alone(shop: Shop, post: Post) -> None:
    order = shop.renew()

    delivery.deliver_due()

    assert order.customer.phone
    assert post.texts == []
    assert [each.to for each in post.mails] == [order.customer.email]


def test_the_confirmation_carries_the_receipt(shop: Shop, post: Post) -> None:
    order = shop.renew()

    delivery.deliver_due()

    (mail,) = post.mails
    (file,) = mail.attachments
    assert (file.name, file.type) == (f"receipt-{order.number}.pdf", "application/pdf")
    assert file.content.startswith(b"%PDF-")
    assert "receipt is attached" in mail.rendered.text


def test_a_receipt_that_cannot_be_made_holds_its_mail_back_until_it_can(
    shop: Shop, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, other = shop.renew(), shop.renew(shop.line(shop.customer(email=None)))
    broken = {"receipt": _broken}
    monkeypatch.setattr("everline.notifications.carrying.load_tables", lambda: (broken, ()))

    delivery.deliver_due()
    waiting = ended(order)
    monkeypatch.undo()
    monkeypatch.setattr(delivery, "email_transport", lambda: _Slot(post, post.mails))
    later(shop)

    assert waiting["order_confirmation"][0] == "queued"
    assert "receipt" in waiting["order_confirmation"][1]
    assert "no ink" in waiting["order_confirmation"][1]
    assert post.kinds(other) == ["order_confirmation"]
    assert post.kinds(order) == ["order_confirmation"]


def _broken(_reference: str, _locale: str) -> Any:
    raise OSError("no ink")


def test_a_new_line_s_confirmation_leads_to_its_installation(shop: Shop, post: Post) -> None:
    customer = shop.customer()
    order = shop.paid(customer=customer)
    shop.fulfil()
    order.refresh_from_db()

    delivery.deliver_due()

    context = Message.objects.get(reference=order.id).context
    assert context["install_url"] == f"http://localhost:8000/lines/{order.line_id}/"
    assert "Install my eSIM" in post.mails[0].rendered.text
    assert context["line_label"].startswith("eSIM …") or context["line_label"].startswith("+")


def test_a_renewal_s_confirmation_speaks_of_no_installation(shop: Shop, post: Post) -> None:
    shop.renew()

    delivery.deliver_due()

    assert "eSIM" not in post.mails[0].rendered.text


@pytest.mark.parametrize(
    "attack", ["<script>alert(1)</script>", "x\r\nBcc: all@example.com", "\u202egnp.exe"]
)
def test_no_label_or_plan_name_breaks_out_of_a_mail(shop: Shop, post: Post, attack: str) -> None:
    line, version = shop.line(), shop.plan(name=_text(attack))
    type(line).objects.filter(pk=line.pk).update(label=attack)
    line.refresh_from_db()

    shop.renew(line, version)
    delivery.deliver_due()

    (mail,) = post.mails
    assert len(mail.rendered.subject.splitlines()) == 1
    assert "<script" not in mail.rendered.html
    assert not any(each.startswith("Bcc:") for each in mail.rendered.text.splitlines())
    assert "\u202e" not in mail.rendered.subject + mail.rendered.text + mail.rendered.html
    assert mail.attachments[0].content.startswith(b"%PDF-")


def _text(name: str) -> Any:
    return Text(name, name)
