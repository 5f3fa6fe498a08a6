"""From the choice of a plan to the payment page and back, with everything that can go wrong between."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test import Client

from everline.catalog.services import publish_version, withdraw_plan
from everline.core import clock
from everline.core.models import InboxHint
from everline.orders import selectors
from everline.orders.models import Order, Quote
from everline.orders.services.settlement import apply_truths
from everline.payments.models import Attempt
from tests.portal.bank import ORIGIN, Bank
from tests.portal.buying import Buyer, Enter
from tests.portal.conftest import GB, Page, Shop


@pytest.fixture
def buyer(shop: Shop, enter: Enter, bank: Bank) -> Buyer:
    return Buyer(shop, enter)


def test_each_plan_shows_the_expiry_it_would_give(buyer: Buyer) -> None:
    assert buyer.line.valid_until is not None

    page = buyer.page(f"/lines/{buyer.line.id}/renew/?term=month")

    assert "New expiry" in page.text
    assert "Full speed for the first 1 GB each day, then 1 Mbit/s." in page.text
    assert "Hotspot allowed." in page.text
    assert "Free Wi-Fi at airports" in page.text
    assert "Japan NTT docomo 4G/5G" in page.text
    assert "$19.99" in page.text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("term=day", 1),
        ("term=month", 1),
        ("term=year", 1),
        ("country=KR", 1),
        ("volume=10", 1),
        ("term=year&country=KR&volume=50", 0),
        ("term=week&country=nowhere&volume=-1", 3),
    ],
)
def test_filters(shop: Shop, enter: Enter, query: str, count: int) -> None:
    shop.plan("day", 1)
    shop.plan("month", 1, data_bytes=20 * GB)
    shop.plan("year", 1, networks=(("KR", "45005"),))

    page = Page(enter(shop.customer()).get(f"/lines/new/?{query}"))

    assert page.html.count('class="card plan') == count
    assert ("No plan fits" in page.text) is (count == 0)


def test_long_lists_come_in_pages(shop: Shop) -> None:
    for number in range(30):
        shop.plan("day", 1, 100 + number)
    client = Client()

    first = Page(client.get("/plans/?term=day"))
    more = next(link for link in first.links if "page=2" in link)
    second = Page(client.get(more))
    beyond = Page(client.get("/plans/?term=day&page=99"))

    assert first.html.count('class="card plan') == 12
    assert second.html.count('class="card plan') == 12
    assert "term=day" in more
    assert beyond.html.count('class="card plan') == 6, "the last page"
    assert client.get("/plans/?cursor=nonsense").status_code == 200


def test_plans_a_line_cannot_take_are_not_offered(buyer: Buyer) -> None:
    buyer.shop.serve(buyer.line, buyer.shop.plan("year", 1), 1)

    years = buyer.page(f"/lines/{buyer.line.id}/renew/?term=year")
    months = buyer.page(f"/lines/{buyer.line.id}/renew/?term=month")

    assert years.html.count('class="card plan') == 0
    assert months.html.count('class="card plan') == 1


def test_the_offer_shows_the_new_expiry_before_payment(buyer: Buyer, bank: Bank) -> None:
    address = buyer.offer()

    page = buyer.page(address)

    quote = Quote.objects.get()
    assert quote.starts_at == buyer.line.valid_until
    assert quote.ends_at is not None
    assert "New expiry" in page.text
    assert (quote.ends_at + timedelta(hours=8)).strftime("%H:%M (GMT+08:00)") in page.text
    assert "$19.99" in page.text
    assert Order.objects.count() == 0
    assert bank.started == []


def test_more_of_the_same_is_another_offer(buyer: Buyer) -> None:
    page = buyer.page(buyer.offer())
    form = page.form("/quotes/")

    buyer.offer(**{**form, "quantity": "3"})

    assert [quote.quantity for quote in Quote.objects.order_by("pk")] == [1, 3]
    assert Quote.objects.order_by("-pk")[0].total_minor == 3 * 1999


@pytest.mark.parametrize("quantity", ["0", "25", "-1", "1e3", "", "٣", "9" * 40])
def test_a_quantity_out_of_range_is_refused(buyer: Buyer, quantity: str) -> None:
    answer = buyer.client.post(
        "/quotes/", {"plan": buyer.version.plan_id, "line": buyer.line.id, "quantity": quantity}
    )

    assert answer.status_code == 422
    assert "from 1 to 24" in Page(answer).text
    assert Quote.objects.count() == 0


@pytest.mark.parametrize("field", ["plan", "line"])
@pytest.mark.parametrize("value", ["nonsense", "pln_0000000000000", "ln_0000000000000", "\x00"])
def test_an_offer_for_what_is_not_there(buyer: Buyer, field: str, value: str) -> None:
    answer = buyer.client.post(
        "/quotes/", {"plan": buyer.version.plan_id, "line": buyer.line.id, field: value}
    )

    assert answer.status_code == 404
    assert Quote.objects.count() == 0


def test_placing_the_order_leads_to_payment_and_is_harmless_to_repeat(buyer: Buyer) -> None:
    address = buyer.offer()
    first_tab, second_tab = buyer.page(address).form(""), buyer.page(address).form("")

    answer = buyer.client.post(address, first_tab)
    again = buyer.client.post(address, first_tab)
    other_tab = buyer.client.post(address, second_tab)
    back_button = buyer.client.get(address)

    order = Order.objects.get()
    assert answer["Location"] == f"/orders/{order.id}/pay/"
    assert {again["Location"], other_tab["Location"], back_button["Location"]} == {f"/orders/{order.id}/"}


def test_an_offer_that_ran_out_is_renewed_with_one_click(buyer: Buyer) -> None:
    address = buyer.offer()
    form = buyer.page(address).form("")
    buyer.shop.wait(minutes=31)

    answer = buyer.client.post(address, form)

    assert answer.status_code == 409
    page = Page(answer)
    assert "This offer has run out" in page.text
    assert Order.objects.count() == 0
    fresh = buyer.client.post("/quotes/", page.form("/quotes/"))
    assert fresh["Location"] != address
    assert fresh.status_code == 303


def test_a_withdrawn_plan_is_told_in_words(buyer: Buyer) -> None:
    withdraw_plan(plan=buyer.version.plan, now=clock.now())

    answer = buyer.client.post("/quotes/", {"plan": buyer.version.plan_id, "line": buyer.line.id})

    assert answer.status_code == 409
    assert "no longer sold" in Page(answer).text


def test_payment_starts_at_the_provider_and_comes_back_to_this_very_site(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()

    attempt = buyer.start(order, method="paypal")

    [spec] = bank.started
    assert (spec.method, spec.amount.amount, spec.amount.currency) == ("paypal", 1999, "USD")
    assert spec.return_url == f"http://testserver/orders/{order.id}/return/"
    assert attempt.status == "requires_action"


def test_a_double_click_on_pay_is_one_payment(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    address = f"/orders/{order.id}/pay/"
    form = buyer.page(address).form("")

    first, second = buyer.client.post(address, form), buyer.client.post(address, form)

    assert first["Location"] == second["Location"]
    assert first["Location"].startswith(ORIGIN)
    assert len(bank.started) == 1


def test_a_second_tab_is_shown_the_open_payment(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    other_tab = buyer.page(f"/orders/{order.id}/pay/").form("")
    attempt = buyer.start(order)

    answer = buyer.client.post(f"/orders/{order.id}/pay/", other_tab)

    assert answer["Location"] == f"/orders/{order.id}/"
    page = buyer.page(answer["Location"])
    assert "A payment is open" in page.text
    assert attempt.redirect_url in page.links
    assert buyer.client.get(f"/orders/{order.id}/pay/")["Location"] == f"/orders/{order.id}/"
    assert len(bank.started) == 1


def test_an_open_payment_can_be_cancelled_and_another_started(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    attempt = buyer.start(order)

    answer = buyer.client.post(f"/orders/{order.id}/attempts/{attempt.id}/cancel/")

    assert answer["Location"] == f"/orders/{order.id}/"
    assert "You cancelled this payment" in buyer.page(answer["Location"]).text
    buyer.start(order)
    assert [each.status for each in Attempt.objects.order_by("pk")] == ["failed", "requires_action"]


@pytest.mark.parametrize("method", ["", "wallet", "bitcoin", "\x00"])
def test_a_method_nobody_takes_is_refused_on_the_page(buyer: Buyer, bank: Bank, method: str) -> None:
    order = buyer.order()
    form = buyer.page(f"/orders/{order.id}/pay/").form("")

    answer = buyer.client.post(f"/orders/{order.id}/pay/", {**form, "method": method})

    assert answer.status_code == 422
    assert "not available for this order" in Page(answer).text
    assert ORIGIN in answer["Content-Security-Policy"]
    assert Attempt.objects.count() == 0


def test_only_methods_that_some_provider_takes_are_offered(buyer: Buyer) -> None:
    page = buyer.page(f"/orders/{buyer.order().id}/pay/")

    assert "Credit or debit card" in page.text
    assert "PayPal" in page.text
    assert "Alipay" not in page.text


def test_a_decline_is_told_plainly_and_the_order_stays_payable(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    attempt = buyer.start(order)
    apply_truths({attempt.id: bank.decline(attempt.id, "insufficient_funds")}, now=clock.now())

    tracking, pay = buyer.page(f"/orders/{order.id}/"), buyer.page(f"/orders/{order.id}/pay/")

    for page in (tracking, pay):
        assert "There is not enough money on the card" in page.text
    assert "Try again" in tracking.text
    assert "The payment did not go through" in tracking.text
    buyer.start(order, method="paypal")
    assert len(bank.started) == 2


def test_coming_back_leaves_a_hint_and_shows_that_we_are_checking(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    attempt = buyer.start(order)

    answer = buyer.client.get(f"/orders/{order.id}/return/")
    page = Page(buyer.client.get(answer["Location"]))

    path, _, at = answer["Location"].partition("&at=")
    assert path == f"/orders/{order.id}/?returned={attempt.id}"
    assert InboxHint.objects.get().reference == attempt.id
    assert "We are checking your payment" in page.text
    assert "data-live" in page.html
    assert '<meta http-equiv="refresh"' in page.html
    assert "Continue payment" not in page.text
    assert "Cancel the payment" not in page.text
    exact = buyer.client.get(f"/orders/{order.id}/return/{attempt.id}/")
    assert exact["Location"].startswith(f"{path}&at=")
    long_ago = (
        f"{path}&at={int(at) - 31}",
        path,
        f"{path}&at={'9' * 12}",
        f"{path}&at=²",
        f"{path}&at={'9' * 99}",
    )
    for address in long_ago:
        page = buyer.page(address)
        assert "We are checking your payment" not in page.text
        assert "Continue payment" in page.text
        assert "Cancel the payment" in page.text
        assert "data-live" in page.html


def test_coming_back_to_an_order_without_payment_shows_the_order(buyer: Buyer) -> None:
    order = buyer.order()

    assert buyer.client.get(f"/orders/{order.id}/return/")["Location"] == f"/orders/{order.id}/"
    assert buyer.client.get(f"/orders/{order.id}/return/att_0000000000000/").status_code == 404
    assert InboxHint.objects.count() == 0


def test_after_payment_tracking_moves_by_itself(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    attempt = buyer.start(order)
    apply_truths({attempt.id: bank.capture(attempt.id)}, now=clock.now())

    page = buyer.page(f"/orders/{order.id}/")

    steps = ["Order placed", "Payment started", "Payment received", "Your plan is being set up"]
    assert [step for step in steps if step in page.text] == steps
    assert "data-live" in page.html
    assert buyer.client.get(f"/orders/{order.id}/pay/")["Location"] == f"/orders/{order.id}/"
    assert "Cancel the order" not in page.text


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_arrives_while_the_page_is_made_is_shown_whole(
    buyer: Buyer, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = buyer.order()
    attempt = buyer.start(order)
    read = selectors.order_views

    def pay() -> None:
        apply_truths({attempt.id: bank.capture(attempt.id)}, now=clock.now())
        connections.close_all()

    def paid_meanwhile(orders: Sequence[Order], now: datetime) -> list[selectors.OrderView]:
        with ThreadPoolExecutor(1) as another:
            another.submit(pay).result()
        return read(orders, now)

    with monkeypatch.context() as patch:
        patch.setattr("everline.orders.access.order_views", paid_meanwhile)
        before = buyer.page(f"/orders/{order.id}/")
    after = buyer.page(f"/orders/{order.id}/")

    assert "Payment received" not in before.text
    assert "Payment received" in after.text
    assert "is being set up" in after.text
    assert "Not paid yet" not in after.text


def test_an_unknown_outcome_is_checked_and_not_paid_twice(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    address = f"/orders/{order.id}/pay/"
    form = buyer.page(address).form("")
    bank.mood = "silent"

    answer = buyer.client.post(address, form)

    assert answer["Location"] == f"/orders/{order.id}/"
    page = buyer.page(answer["Location"])
    assert "do not pay again" in page.text
    assert [link for link in page.links if link.endswith("/pay/")] == []
    cancelled = buyer.client.post(f"/orders/{order.id}/attempts/{Attempt.objects.get().id}/cancel/")
    assert cancelled.status_code == 409
    assert "still being checked" in Page(cancelled).text


def test_a_provider_that_is_down_is_told_and_the_same_form_tries_again(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    address = f"/orders/{order.id}/pay/"
    form = buyer.page(address).form("")
    bank.mood = "down"

    answer = buyer.client.post(address, form)

    assert answer.status_code == 503
    assert "Nothing was charged" in Page(answer).text
    bank.mood = ""
    assert buyer.client.post(address, Page(answer).form(""))["Location"].startswith(ORIGIN)
    assert Attempt.objects.count() == 1


def test_a_changed_price_needs_consent(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    address = f"/orders/{order.id}/pay/"
    publish_version(plan=buyer.version.plan, spec=buyer.shop.spec(amount=2499), now=clock.now())
    assert "This price is promised until" in buyer.page(address).text
    buyer.shop.wait(minutes=31)

    refused = buyer.client.post(address, buyer.page(address).form(""))
    page = Page(refused)

    assert refused.status_code == 409
    assert "The price has changed" in page.text
    assert "Agree and pay $24.99" in page.text
    assert "$19.99" in page.text
    assert bank.started == []
    agreed = buyer.client.post(address, page.form(""))
    assert agreed["Location"].startswith(ORIGIN)
    assert bank.started[0].amount.amount == 2499


def test_an_unpaid_order_can_be_cancelled(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()

    answer = buyer.client.post(f"/orders/{order.id}/cancel/")
    again = buyer.client.post(f"/orders/{order.id}/cancel/")

    order.refresh_from_db()
    assert order.status == "cancelled"
    assert answer["Location"] == again["Location"] == f"/orders/{order.id}/"
    page = buyer.page(answer["Location"])
    assert "Order cancelled" in page.text
    assert f"/lines/{buyer.line.id}/renew/" in page.links


def test_a_paid_order_cannot_be_cancelled(buyer: Buyer, bank: Bank) -> None:
    order = buyer.order()
    attempt = buyer.start(order)
    apply_truths({attempt.id: bank.capture(attempt.id)}, now=clock.now())

    answer = buyer.client.post(f"/orders/{order.id}/cancel/")

    assert answer.status_code == 409
    assert "cannot be cancelled any more" in Page(answer).text
    order.refresh_from_db()
    assert order.status == "fulfilling"


def test_an_order_that_waited_too_long_says_so(buyer: Buyer) -> None:
    order = buyer.order()
    buyer.shop.wait(hours=25)

    page = buyer.page(f"/orders/{order.id}/")

    assert "Not paid in time" in page.text
    assert f"/orders/{order.id}/pay/" not in page.links


def test_a_new_line_is_bought_the_same_way(buyer: Buyer) -> None:
    address = buyer.offer(line="")

    page = buyer.page(address)
    placed = buyer.client.post(address, page.form(""))

    assert "A new line" in page.text
    assert "As soon as it is paid" in page.text
    assert Order.objects.get().line_id is None
    assert buyer.client.get(placed["Location"]).status_code == 200


def test_a_plan_that_starts_with_its_first_use_promises_no_date(buyer: Buyer) -> None:
    version = buyer.shop.plan(start_policy="on_first_use", activation_deadline_days=90)

    page = buyer.page(buyer.offer(plan=version.plan_id, line=""))

    assert "with the first use, within 90 days" in page.text
    assert "New expiry" not in page.text


def test_orders_come_newest_first_in_pages(buyer: Buyer) -> None:
    orders = [buyer.shop.order(buyer.customer, buyer.line, buyer.version) for _ in range(22)]

    first = buyer.page("/orders/")
    older = next(link for link in first.links if "before=" in link)
    second = buyer.page(f"/orders/{older}")

    listed = list(dict.fromkeys(link for link in first.links if link.count("/") == 3 and "ord_" in link))
    assert listed == [f"/orders/{order.id}/" for order in reversed(orders[2:])]
    assert f"/orders/{orders[0].id}/" in second.links
    assert buyer.client.get("/orders/?before=nonsense").status_code == 200
