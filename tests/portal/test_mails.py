"""The previews of messages, and receipts as files."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from everline.accounts.models import Customer
from everline.core import clock
from everline.notifications.types import LOCALES, Kind
from everline.orders.models import Order
from everline.orders.services import settlement
from everline.orders.services.paying import PaymentRequest, start_payment
from tests.portal.bank import Bank
from tests.portal.conftest import Page, Shop

PAGES = ["/ui/mails/", "/ui/mails/welcome/en/", "/ui/mails/welcome/en/html/"]


def test_the_list_leads_to_every_kind_in_every_language(shop: Shop, client: Client) -> None:
    page = Page(client.get("/ui/mails/"))

    for kind in Kind:
        for locale in LOCALES:
            assert f"/ui/mails/{kind}/{locale}/" in page.links
    assert page.forbidden == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_message_is_shown_in_all_its_forms(shop: Shop, client: Client, kind: Kind, locale: str) -> None:
    answer = client.get(f"/ui/mails/{kind}/{locale}/")

    page = Page(answer)
    assert answer.status_code == 200
    assert page.forbidden == []
    assert f'src="/ui/mails/{kind}/{locale}/html/?theme=light"' in page.html
    assert {"en": "leb card", "zh-hans": "leb卡"}[locale] in page.text
    assert "style-src 'self'" in answer["Content-Security-Policy"]
    assert "frame-src 'self'" in answer["Content-Security-Policy"]


def test_the_mail_itself_may_bring_styles_and_nothing_else(shop: Shop, client: Client) -> None:
    answer = client.get("/ui/mails/order_confirmation/zh-hans/html/")

    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "<script" not in answer.content.decode()
    assert "LEB-26-7K3M9Q" in answer.content.decode()


@pytest.mark.parametrize(
    ("theme", "shown"),
    [("dark", "@media all"), ("light", "@media not all"), ("", "@media (prefers-color-scheme: dark)")],
)
def test_a_theme_can_be_forced(shop: Shop, client: Client, theme: str, shown: str) -> None:
    html = client.get(f"/ui/mails/welcome/en/html/?theme={theme}").content.decode()

    assert f"{shown} {{" in html
    assert html.count("@media") == 1


@pytest.mark.parametrize(
    "path",
    ["/ui/mails/spam/en/", "/ui/mails/welcome/de/", "/ui/mails/WELCOME/en/html/", "/ui/mails/welcome/"],
)
def test_what_does_not_exist_is_not_shown(shop: Shop, client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_a_live_shop_has_no_previews(shop: Shop, client: Client, settings: Any, path: str) -> None:
    settings.EVERLINE_MODE = "live"

    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_a_preview_sends_nothing_and_takes_no_form(shop: Shop, client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


# Receipts


@pytest.fixture
def paid(shop: Shop, bank: Bank) -> Order:
    customer = shop.customer()
    order = shop.order(customer, shop.line(customer), shop.plan())
    started = start_payment(
        customer=customer,
        request=PaymentRequest(order.id, "card", "http://localhost:8000/back"),
        key="pay",
        now=clock.now(),
    )
    bank.capture(started.object_id)
    settlement.close_open_attempt(order_id=order.id, now=clock.now())
    return order


def test_a_receipt_is_downloaded(paid: Order, enter: Callable[[Customer], Client]) -> None:
    answer = enter(paid.customer).get(f"/orders/{paid.id}/receipt/")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="receipt-{paid.number}.pdf"'
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.content.startswith(b"%PDF-")


def test_an_unpaid_order_says_why_there_is_none(
    shop: Shop, bank: Bank, enter: Callable[[Customer], Client]
) -> None:
    customer = shop.customer()
    order = shop.order(customer, shop.line(customer), shop.plan())

    answer = enter(customer).get(f"/orders/{order.id}/receipt/")

    assert answer.status_code == 409
    assert "There is no receipt yet" in Page(answer).text


def test_a_stranger_finds_no_receipt(
    paid: Order, shop: Shop, enter: Callable[[Customer], Client], client: Client
) -> None:
    assert enter(shop.customer()).get(f"/orders/{paid.id}/receipt/").status_code == 404
    asked = client.get(f"/orders/{paid.id}/receipt/")
    assert (asked.status_code, asked["Location"].split("?")[0]) == (303, "/sign-in/")
