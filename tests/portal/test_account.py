"""The account page and a line's page: figures, states, queue, and what they cost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Customer, User
from everline.catalog.services import withdraw_plan
from everline.core import clock
from everline.core.states import transition
from everline.lines.models import Line
from everline.lines.states import ServiceState
from everline.orders.models import Order, Quote
from everline.payments.models import Attempt
from everline.usage.services import record_usage
from everline.usage.types import UsageInput
from tests.portal.bank import Bank
from tests.portal.conftest import GB, Page, Shop

Enter = Callable[[Customer], Client]
BUDGET = 12


@pytest.mark.parametrize("number", [1, 30])
def test_the_account_page_costs_the_same_for_any_number_of_lines(
    shop: Shop, enter: Enter, bank: Bank, number: int
) -> None:
    customer, version = shop.customer(), shop.plan()
    for position in range(number):
        line = shop.line(customer, f"Line {position}")
        shop.serve(line, version, 2)
        shop.order(customer, line, version)
    client = enter(customer)

    with CaptureQueriesContext(
        connection,
    ) as statements:
        response = client.get("/account/")

    assert response.status_code == 200
    assert Page(response).html.count("<article") == number
    assert len(statements) <= BUDGET


@pytest.mark.parametrize("path", ["/lines/{}/", "/lines/{}/renew/", "/lines/new/", "/orders/", "/settings/"])
def test_other_pages_stay_within_the_same_budget(shop: Shop, enter: Enter, bank: Bank, path: str) -> None:
    customer, version = shop.customer(), shop.plan()
    for _ in range(10):
        shop.plan("day", 7, 900)
    line = shop.line(customer)
    shop.serve(line, version, 5)
    for _ in range(10):
        shop.order(customer, line, version)
    client = enter(customer)

    with CaptureQueriesContext(connection) as statements:
        response = client.get(path.format(line.id))

    assert response.status_code == 200
    assert len(statements) <= BUDGET


def test_a_line_shows_plan_allowances_validity_and_as_of(shop: Shop, enter: Enter) -> None:
    customer = shop.customer(timezone="Asia/Tokyo")
    line = shop.line(customer)
    shop.serve(line, shop.plan("day", 10))
    used = UsageInput(
        source="test", id="r1", service="data", quantity=GB, at=clock.now(), line=line.id, plmn="44010"
    )
    record_usage([used], clock.now())

    page = Page(enter(customer).get("/account/"))

    assert "Holiday" in page.text
    assert "Japan trip" in page.text
    assert "4 GB of 5 GB Data left" in page.text
    assert "100 min of 100 min Calls left" in page.text
    assert "As of" in page.text
    assert "10 days left" in page.text
    assert "Active" in page.text
    assert 'stroke-dasharray="80 100"' in page.html
    assert 'stroke-dasharray="100 100"' in page.html
    assert f"/lines/{line.id}/renew/" in page.links
    assert "queued" not in page.text


def test_what_is_queued_is_listed(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    shop.serve(shop.line(customer), shop.plan("day", 1), 3)

    page = Page(enter(customer).get("/account/"))

    assert "2 plans queued" in page.text
    assert "3 days left" in page.text


@pytest.mark.parametrize(
    ("days", "says", "renewable"),
    [
        (0, "2 days left", True),
        (3, "Expired, number kept", True),
        (40, "This line has ended", False),
    ],
)
def test_states_by_the_clock(shop: Shop, enter: Enter, days: int, says: str, renewable: bool) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    shop.serve(line, shop.plan("day", 2))
    client = enter(customer)
    shop.wait(days=days)

    page = Page(client.get("/account/"))

    assert says in page.text
    assert (f"/lines/{line.id}/renew/" in page.links) is renewable


def test_a_suspended_line_offers_no_renewal(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    shop.serve(line, shop.plan())
    transition(line, to=ServiceState.SUSPENDED, reason="test", now=clock.now())

    account = Page(enter(customer).get("/account/"))
    renew = Page(enter(customer).get(f"/lines/{line.id}/renew/"))

    assert "Please contact support" in account.text
    assert f"/lines/{line.id}/renew/" not in account.links
    assert [form["action"] for form in renew.forms if form["action"] == "/quotes/"] == []


def test_a_customer_without_lines_is_led_to_the_first(shop: Shop, enter: Enter) -> None:
    page = Page(enter(shop.customer()).get("/account/"))

    assert "You have no line yet" in page.text
    assert "/lines/new/" in page.links


@pytest.mark.parametrize(
    ("days", "says", "not_says"),
    [
        (9, "Expires within a day.", "Expires in"),
        (3, "Expires in 7 days.", "within a day"),
        (2, "8 days left", "Expires"),
    ],
)
def test_an_end_that_is_near_is_told(shop: Shop, enter: Enter, days: int, says: str, not_says: str) -> None:
    customer = shop.customer()
    shop.serve(shop.line(customer), shop.plan("day", 10))
    client = enter(customer)
    shop.wait(days=days)

    page = Page(client.get("/account/"))

    assert says in page.text
    assert not_says not in page.text


@pytest.mark.parametrize(
    ("used", "says", "tone"),
    [
        (79, "", ""),
        (80, "Data: 80% used.", "warn"),
        (99, "Data: 99% used.", "warn"),
        (100, "all used up", "bad"),
    ],
)
def test_an_allowance_that_runs_out_is_told(
    shop: Shop, enter: Enter, used: int, says: str, tone: str
) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    shop.serve(line, shop.plan())
    record = UsageInput(
        source="test", id="r", service="data", quantity=5 * GB * used // 100, at=clock.now(), line=line.id
    )
    record_usage([record], clock.now())

    page = Page(enter(customer).get("/account/"))

    assert says in page.text
    assert [each for each in ("warn", "bad") if f'class="ring {each}' in page.html] == (
        [tone] if tone else []
    )
    assert ("% used" in page.text or "used up" in page.text) is bool(says)


def test_the_number_of_an_expired_line_is_kept_until_a_date(shop: Shop, enter: Enter) -> None:
    customer = shop.customer(timezone="UTC")
    line = shop.line(customer)
    shop.serve(line, shop.plan("day", 2))
    client = enter(customer)
    shop.wait(days=3)
    kept = line.number_kept_until
    assert kept is not None

    page = Page(client.get("/account/"))

    assert f"kept for you until {kept.strftime('%b')} {kept.day}, {kept.year}" in page.text


def test_one_tap_offers_the_same_plan_again(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    version = shop.plan()
    shop.serve(line, version)
    client = enter(customer)

    answer = client.post("/quotes/", Page(client.get("/account/")).form("/quotes/"))

    quote = Quote.objects.get()
    assert answer["Location"] == f"/quotes/{quote.id}/"
    assert (quote.line_id, quote.plan_version_id) == (line.id, version.pk)
    assert quote.starts_at == line.valid_until, "the new expiry is shown before anybody pays"
    assert Order.objects.count() == 0


def test_a_plan_that_is_not_sold_any_more_is_not_offered_again(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    version = shop.plan()
    shop.serve(line, version)
    withdraw_plan(plan=version.plan, now=clock.now())

    page = Page(enter(customer).get("/account/"))

    assert [form for form in page.forms if form["action"] == "/quotes/"] == []
    assert f"/lines/{line.id}/renew/" in page.links


def test_an_unlimited_allowance_is_shown_with_its_rule(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    shop.serve(shop.line(customer), shop.plan(data_bytes=None))

    page = Page(enter(customer).get("/account/"))

    assert "Unlimited 0 B used Data" in page.text
    assert "Full speed for the first 1 GB each day" in page.text


def _pay(order: Order, status: str) -> None:
    Attempt.objects.create(
        payable=order.id,
        provider="bank",
        method="card",
        amount_minor=order.total_minor,
        currency=order.currency,
        status=status,
        redirect_url="https://pay.example/x",
        locale="en",
        created_at=clock.now(),
        expires_at=clock.now(),
        next_check_at=clock.now(),
    )


@pytest.mark.parametrize(
    ("attempt", "offers", "leads"),
    [
        ("", "Pay", "/orders/{}/pay/"),
        ("requires_action", "Continue payment", "/orders/{}/"),
        ("unknown", "Follow", "/orders/{}/"),
        ("failed", "Pay", "/orders/{}/pay/"),
    ],
)
def test_orders_that_wait_are_shown_with_what_to_do(
    shop: Shop, enter: Enter, bank: Bank, attempt: str, offers: str, leads: str
) -> None:
    customer = shop.customer()
    order = shop.order(customer, None, shop.plan())
    if attempt:
        _pay(order, attempt)

    page = Page(enter(customer).get("/account/"))

    assert f"{offers} {order.number}" in page.text
    assert leads.format(order.id) in page.links
    assert "https://pay.example/x" not in page.html
    assert "Recent orders" not in page.text, "told once is enough"


def test_an_order_that_nobody_can_pay_any_more_does_not_wait(shop: Shop, enter: Enter, bank: Bank) -> None:
    customer = shop.customer()
    order = shop.order(customer, None, shop.plan())
    client = enter(customer)
    shop.wait(hours=25)

    page = Page(client.get("/account/"))

    assert "On its way" not in page.text
    assert f"/orders/{order.id}/" in page.links


def test_orders_of_others_do_not_wait_for_me(shop: Shop, enter: Enter, bank: Bank) -> None:
    order = shop.order(shop.customer(), None, shop.plan())

    assert order.number not in Page(enter(shop.customer()).get("/account/")).text


def test_an_address_that_is_not_proven_is_mentioned(shop: Shop, enter: Enter) -> None:
    proven, unproven, by_phone = shop.customer(), shop.customer(), shop.customer()
    Customer.objects.filter(pk=proven.pk).update(email_verified_at=clock.now())
    User.objects.filter(pk=by_phone.user_id).update(email=None, phone="+41791234567")

    told = [
        "confirm your e-mail" in Page(enter(each).get("/account/")).text
        for each in (proven, unproven, by_phone)
    ]

    assert told == [False, True, False]


@pytest.mark.parametrize(
    "after", ["nonsense", "%00", "ord_0000000000000", "ln_0000000000000", "1' OR '1'='1"]
)
def test_garbage_in_the_lists_addresses(shop: Shop, enter: Enter, after: str) -> None:
    client = enter(shop.customer())

    assert client.get(f"/account/?after={after}").status_code == 200
    assert client.get(f"/orders/?before={after}").status_code == 200


def test_an_empty_list_of_orders_leads_on(shop: Shop, enter: Enter) -> None:
    client = enter(shop.customer())

    first, older = Page(client.get("/orders/")), Page(client.get("/orders/?before=ord_0000000000000"))

    assert "No orders yet" in first.text
    assert "No older orders" in older.text
    assert "/orders/" in older.links


def test_a_paid_order_offers_its_receipt(shop: Shop, enter: Enter, bank: Bank) -> None:
    customer = shop.customer()
    paid, unpaid = (shop.order(customer, None, shop.plan()) for _ in range(2))
    Order.objects.filter(pk=paid.pk).update(status="fulfilling", paid_at=clock.now())

    page = Page(enter(customer).get("/orders/"))

    assert f"/orders/{paid.id}/receipt/" in page.links
    assert f"/orders/{unpaid.id}/receipt/" not in page.links


def test_many_lines_come_in_pages(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    lines = [shop.line(customer, f"Line {number:02d}") for number in range(52)]
    client = enter(customer)

    first = Page(client.get("/account/"))
    second = Page(client.get(f"/account/?after={lines[49].id}"))

    assert f"?after={lines[49].id}" in first.links
    assert "Line 49" in first.text
    assert "Line 50" not in first.text
    assert "Line 51" in second.text
    assert client.get("/account/?after=nonsense").status_code == 200


def test_the_line_page_says_how_to_install(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer, confirmation_code="778899")
    install = line.install
    assert install is not None

    page = Page(enter(customer).get(f"/lines/{line.id}/"))

    assert 'class="qr"' in page.html
    assert install.lpa in page.text
    assert "smdp.example" in page.text
    assert "778899" in page.text
    assert "everline" in page.text
    assert install.ios_url in page.links
    assert install.android_url in page.links
    assert line.iccid in page.text
    assert "data roaming" in page.text


def test_an_add_on_does_not_widen_where_the_plan_works(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    shop.serve(line, shop.plan())
    shop.serve(line, shop.plan(renewal_policy="start_now", networks=(("JP", "44010"), ("KR", "45005"))))

    page = Page(enter(customer).get(f"/lines/{line.id}/"))

    assert "Works in Japan" in page.text
    assert "Korea" not in page.text
    assert "Add-on" in page.text


def test_a_line_without_activation_data_says_so(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer, smdp_address="", matching_id="")

    page = Page(enter(customer).get(f"/lines/{line.id}/"))

    assert "being prepared" in page.text
    assert 'class="qr"' not in page.html


def test_renaming_a_line(shop: Shop, enter: Enter) -> None:
    customer = shop.customer()
    line = shop.line(customer)
    client = enter(customer)

    answer = client.post(f"/lines/{line.id}/", {"label": "<b>Tokyo</b> & more"})

    assert answer.status_code == 303
    line.refresh_from_db()
    assert line.label == "<b>Tokyo</b> & more"
    page = Page(client.get(answer["Location"]))
    assert "The name is saved" in page.text
    assert "<b>Tokyo" not in page.html


@pytest.mark.parametrize("label", ["x" * 61, "a\x00b", "a\nb"])
def test_a_name_that_cannot_be_is_told_and_kept_in_the_field(shop: Shop, enter: Enter, label: str) -> None:
    customer = shop.customer()
    line = shop.line(customer)

    answer = enter(customer).post(f"/lines/{line.id}/", {"label": label})

    assert answer.status_code == 422
    assert "at most 60 characters" in Page(answer).text
    assert Line.objects.get().label == "Holiday"


def test_dates_are_told_in_the_lines_zone(shop: Shop, enter: Enter) -> None:
    customer = shop.customer(timezone="Asia/Tokyo")
    line = shop.line(customer)
    shop.serve(line, shop.plan("day", 1))
    customer.timezone = "America/New_York"
    customer.save()
    assert line.valid_until is not None

    page = Page(enter(customer).get(f"/lines/{line.id}/"))

    tokyo = (line.valid_until + timedelta(hours=9)).strftime("%H:%M")
    assert tokyo in page.text
    assert "Asia/Tokyo" in page.text


def test_settings_are_saved_and_speak_at_once(shop: Shop, enter: Enter) -> None:
    customer = shop.customer(locale="en")
    shop.plan()
    client = enter(customer)

    answer = client.post("/settings/", {"locale": "zh-hans", "timezone": "Europe/Berlin", "currency": "CNY"})

    customer.refresh_from_db()
    assert (customer.locale, customer.timezone, customer.currency) == ("zh-hans", "Europe/Berlin", "CNY")
    page = Page(client.get(answer["Location"]))
    assert page.language == "zh-Hans"
    assert "设置已保存" in page.text


@pytest.mark.parametrize(
    ("field", "value"), [("locale", "xx"), ("timezone", "Mars/Base"), ("currency", "XXX"), ("currency", "")]
)
def test_settings_that_make_no_sense_are_refused(shop: Shop, enter: Enter, field: str, value: str) -> None:
    customer = shop.customer(locale="en")
    values = {"locale": "en", "timezone": "Europe/Berlin", "currency": "USD", field: value}

    answer = enter(customer).post("/settings/", values)

    page = Page(answer)
    assert answer.status_code == 422
    assert f'id="error-{field}"' in page.html
    customer.refresh_from_db()
    assert customer.timezone == "Asia/Shanghai"
