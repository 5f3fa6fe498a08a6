"""What is shown and asked before an order: the offer, its checks, and a choice that outlives signing in."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from everline.core import clock
from everline.lines.models import Line
from everline.orders.models import Order, Quote
from tests.portal.bank import Bank
from tests.portal.buying import Buyer, Enter
from tests.portal.conftest import PASSWORD, Page, Shop

CHECKOUT = "/quotes/new/"


@pytest.fixture
def buyer(shop: Shop, enter: Enter, bank: Bank) -> Buyer:
    return Buyer(shop, enter)


def test_a_new_line_wants_place_and_device_confirmed(buyer: Buyer) -> None:
    address = buyer.offer(line="")
    form = buyer.page(address).form("")
    assert "confirmed" in form

    refused = buyer.client.post(address, {name: form[name] for name in form if name != "confirmed"})

    page = Page(refused)
    assert refused.status_code == 422
    assert "tick the box" in page.text
    assert "Works in: Japan" in page.text
    assert "must not be locked to a carrier" in page.text
    assert Order.objects.count() == 0
    assert buyer.client.post(address, page.form(""))["Location"].endswith("/pay/")


def test_a_renewal_asks_for_no_such_confirmation(buyer: Buyer) -> None:
    assert "confirmed" not in buyer.page(buyer.offer()).form("")


def test_the_offer_draws_old_and_new_expiry(buyer: Buyer) -> None:
    renewal, fresh = buyer.page(buyer.offer()), buyer.page(buyer.offer(line=""))
    addon = buyer.shop.plan("day", 1, 100, renewal_policy="start_now")
    beside = buyer.page(buyer.offer(plan=addon.plan_id))

    assert 'rect class="rest"' in renewal.html
    assert "Works until now" in renewal.text
    assert 'x="0" y="0" width="0"' in fresh.html, "a new line has nothing yet"
    assert "Add-on works until" in beside.text
    assert "<rect class" not in beside.html


def test_the_payment_page_repeats_what_is_bought(buyer: Buyer) -> None:
    page = buyer.page(f"/orders/{buyer.order().id}/pay/")

    quote = Quote.objects.get()
    assert quote.ends_at is not None
    assert "New expiry" in page.text
    assert (quote.ends_at + timedelta(hours=8)).strftime("%H:%M (GMT+08:00)") in page.text
    assert "What happens next" in page.text
    assert page.html.count('<svg class="mark ') == page.html.count('name="method"')


def test_an_order_paid_the_next_day_is_shown_with_that_days_expiry(buyer: Buyer) -> None:
    offer = buyer.offer(line="")
    buyer.client.post(offer, buyer.page(offer).form(""))
    order = Order.objects.get(quote_id=offer.split("/")[-2])
    clock.set_offset(timedelta(hours=20))

    page = buyer.page(f"/orders/{order.id}/pay/")

    assert order.quote.ends_at is not None
    later = order.quote.ends_at + timedelta(hours=19)
    [shown] = re.findall(r'New expiry</dt><dd><time datetime="([^"]+)"', page.html)
    assert later < datetime.fromisoformat(shown) < later + timedelta(days=3), "a month may have other days"


def test_the_payment_page_promises_nothing_to_a_line_that_takes_nothing(buyer: Buyer) -> None:
    order = buyer.order()
    Line.objects.filter(pk=buyer.line.pk).update(service_state="suspended")

    page = buyer.page(f"/orders/{order.id}/pay/")

    assert "Total" in page.text
    assert "New expiry" not in page.text


def test_the_way_back_leads_to_the_list_as_it_was(buyer: Buyer) -> None:
    buyer.page(f"/lines/{buyer.line.id}/renew/?term=month&sort=gb")

    page = buyer.page(buyer.offer())

    assert f"/lines/{buyer.line.id}/renew/?term=month&sort=gb" in page.links


def test_a_forged_memory_of_filters_is_harmless(buyer: Buyer) -> None:
    buyer.client.cookies["plan-filters"] = "term=<script>&next=//evil.example&sort=x&compare=y"

    page = buyer.page(buyer.offer())

    assert f"/lines/{buyer.line.id}/renew/" in page.links
    assert "evil" not in page.html


def visitor(**headers: str) -> Client:
    return Client(headers={"Accept-Language": "en", **headers})


def sign_in(browser: Client, buyer: Buyer, wanted: str = "") -> str:
    answer = browser.post(
        "/sign-in/", {"login": buyer.customer.user.email, "password": PASSWORD, "next": wanted}
    )
    assert answer.status_code == 303, Page(answer).text
    return str(answer["Location"])


def test_a_visitor_is_led_through_signing_in_to_the_same_plan(buyer: Buyer) -> None:
    browser, path = visitor(), f"{CHECKOUT}?plan={buyer.version.plan_id}"

    asked = Page(browser.get(path))
    wanted = next(link for link in asked.links if link.startswith("/sign-in/"))
    [form] = [form for form in Page(browser.get(wanted)).forms if "login" in form["fields"]]
    target = sign_in(browser, buyer, form["fields"]["next"])

    assert "Sign in or create an account to go on" in asked.text
    assert target == path
    chosen = Page(browser.get(target))
    offer = browser.post("/quotes/", chosen.form("/quotes/"))
    assert offer["Location"].startswith("/quotes/quo_")
    assert Quote.objects.get().plan_version_id == buyer.version.pk


def test_the_choice_is_remembered_where_nothing_says_where_to_go(buyer: Buyer) -> None:
    browser, path = visitor(), f"{CHECKOUT}?plan={buyer.version.plan_id}"
    browser.get(path)

    first = sign_in(browser, buyer)
    browser.get(first)
    browser.post("/sign-out/")
    second = sign_in(browser, buyer)

    assert first == path
    assert second == "/account/", "it has been shown: it need not come up again"


@pytest.mark.parametrize(
    "forged", ["pln_0000000000000", "//evil.example", "pln_0000000000000:1sXyz:AAAA", "", "a:b:c"]
)
def test_a_forged_choice_leads_nowhere(buyer: Buyer, forged: str) -> None:
    browser = visitor()
    browser.cookies["chosen-plan"] = forged

    assert sign_in(browser, buyer) == "/account/"


def test_an_offer_asked_for_after_the_session_ended_waits_for_sign_in(buyer: Buyer) -> None:
    browser = visitor()

    answer = browser.post("/quotes/", {"plan": buyer.version.plan_id, "line": buyer.line.id})

    assert answer["Location"] == f"{CHECKOUT}?plan={buyer.version.plan_id}&line={buyer.line.id}"
    page = Page(browser.get(answer["Location"]))
    assert "Sign in or create an account" in page.text
    assert "Holiday" not in page.text, "whose line it is stays unsaid"
    assert Quote.objects.count() == 0


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?plan=",
        "?plan=x",
        "?plan=//evil.example",
        "?plan=pln_0000000000000&line=evil",
        "?line=ln_0000000000000",
    ],
)
def test_a_checkout_without_a_plan_shows_plans(buyer: Buyer, query: str) -> None:
    for browser in (visitor(), buyer.client):
        answer = browser.get(f"{CHECKOUT}{query}")

        assert (answer.status_code, answer["Location"]) == (303, "/plans/")
    assert visitor().post("/quotes/", {"plan": "//evil.example"})["Location"] == "/plans/"


def test_a_checkout_for_another_persons_line_or_no_plan_is_not_there(buyer: Buyer, enter: Enter) -> None:
    stranger = enter(buyer.shop.customer())
    path = f"{CHECKOUT}?plan={buyer.version.plan_id}&line={buyer.line.id}"

    assert stranger.get(path).status_code == 404
    assert "Holiday" not in Page(stranger.get(path)).text
    assert buyer.client.get(path).status_code == 200
    assert buyer.client.get(f"{CHECKOUT}?plan=pln_0000000000000").status_code == 404
    assert (
        stranger.post("/quotes/", {"plan": buyer.version.plan_id, "line": buyer.line.id}).status_code == 404
    )
    assert Quote.objects.count() == 0
