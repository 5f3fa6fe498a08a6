from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.core import clock, ids
from everline.core.models import InboxHint
from everline.lines.models import Line
from everline.notifications.models import Message
from everline.orders.models import Order
from everline.payments.models import Attempt
from everline.suppliers.models import SupplierOrder
from everline.support.search import digits_of, find
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def kinds(text: str) -> list[str]:
    return [hit.kind for hit in find(text)]


def test_an_email_finds_its_customer_and_messages_in_any_case(shop: Shop) -> None:
    order = shop.renew(shop.line(shop.customer(email="ann.other@example.com")))

    hits = find("  Ann.Other@EXAMPLE.com ")

    assert (hits[0].kind, hits[0].key) == ("customer", order.customer_id)
    assert [hit.kind for hit in hits[1:]] == ["message"]
    assert find("other@example.com") == []


@pytest.mark.parametrize(
    "spell",
    [
        lambda phone: phone,
        lambda phone: f"00{phone[1:]}",
        lambda phone: f"{phone[:3]} {phone[3:5]} {phone[5:8]}-{phone[8:]}",
        lambda phone: f"{phone[:3]} (0) {phone[3:]}",
        lambda phone: f"0{phone[3:]}",
        lambda phone: phone[1:],
        lambda phone: phone.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "+0123456789"}),
    ],
)
def test_a_phone_is_found_in_any_spelling(shop: Shop, spell: Callable[[str], str]) -> None:
    customer = shop.customer()
    shop.customer()

    hits = find(spell(str(customer.phone)))

    assert [(hit.kind, hit.key) for hit in hits] == [("customer", customer.id)]


def test_a_card_is_found_whole_by_its_end_and_with_its_filler(shop: Shop) -> None:
    line = shop.line(eid="89049032000001000000000000000012")
    Line.objects.filter(pk=line.pk).update(msisdn="+447700900123")

    for text in (line.iccid, f"{line.iccid}F", f"{line.iccid[:4]} {line.iccid[4:]}", line.iccid[-8:]):
        assert ("line", line.id) in [(hit.kind, hit.key) for hit in find(text)], text
    assert kinds(line.eid) == ["line"]
    assert kinds("+44 7700 900123") == ["line"]
    assert find("8944000000000000000") == []


def test_orders_attempts_and_purchases_are_found_by_what_others_call_them(shop: Shop) -> None:
    order = shop.renew()
    attempt = Attempt.objects.get()
    bought = SupplierOrder.objects.get()

    assert [(hit.kind, hit.key) for hit in find(order.number.lower())] == [("order", order.id)]
    assert ("attempt", attempt.id) in [(hit.kind, hit.key) for hit in find(str(attempt.psp_ref))]
    assert kinds(bought.reference) == ["supplier_order"]
    assert "supplier_order" in kinds(bought.supplier_ref) or not bought.supplier_ref


@pytest.mark.parametrize(
    "spell",
    [
        lambda number: number.lower(),
        lambda number: number.replace("-", " "),
        lambda number: number.replace("-", ""),
        lambda number: f" {number.replace('-', '–')} ",
        lambda number: number[:-6] + number[-6:].replace("1", "l").replace("0", "o"),
    ],
)
def test_an_order_number_is_found_as_it_is_typed(shop: Shop, spell: Callable[[str], str]) -> None:
    order = shop.order()
    Order.objects.filter(pk=order.pk).update(number="TST-26-01K3M9")
    other = shop.order()

    assert [hit.key for hit in find(spell("TST-26-01K3M9"))] == [order.id]
    assert [hit.key for hit in find(spell(other.number))] == [other.id]


def test_an_id_is_opened_by_its_prefix_and_an_unknown_one_is_nothing(shop: Shop) -> None:
    order = shop.order()
    InboxHint.objects.create(
        source="payments:fake",
        event_id="e",
        kind="payment.changed",
        reference=order.id,
        received_at=clock.now(),
        next_try_at=clock.now(),
    )

    for key in (order.id, order.id.lower(), order.customer_id, str(order.line_id), order.quote_id):
        assert len(find(key)) == 1, key
    assert find(ids.new_id("ord")) == []
    assert find("ord_nonsense") == []


@pytest.mark.parametrize(
    "text", ["", "a", "  ", "%", "'; DROP TABLE orders_order", "\x00\x00\x00", "9" * 500, "@", "é@é", "__"]
)
def test_strange_texts_find_nothing_and_break_nothing(shop: Shop, text: str) -> None:
    shop.order()

    assert find(text) == []
    assert Order.objects.count() == 1


def test_a_search_asks_a_fixed_number_of_times(shop: Shop) -> None:
    for _ in range(3):
        shop.renew(shop.line(shop.customer()))

    for text in (
        "12345678",
        "ann@example.com",
        "pay_1",
        str(Message.objects.values_list("pk", flat=True)[0]),
    ):
        with CaptureQueriesContext(connection) as captured:
            find(text)
        assert len(captured) <= 12


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+44 (0)7700 900123", "447700900123"),
        ("8988-2110-0001F", "898821100001"),
        ("abc", ""),
        ("12", ""),
        ("12a4", ""),
    ],
)
def test_digits_of(text: str, digits: str) -> None:
    assert digits_of(text) == digits
