"""Whose shop front a page is, and what strangers cannot make of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from everline.accounts.addresses import parse_login
from everline.accounts.models import Brand, Customer
from everline.accounts.selectors import customer_of_user, users_at
from everline.accounts.services import save_brand
from everline.config.hosts import Hosts, known_hosts
from everline.core import clock
from everline.notifications.models import Message
from tests.portal.conftest import Page, Shop

HOST = "tern.localhost"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#6929c4" d="M0 0h8v8z"/></svg>'


@pytest.fixture(autouse=True)
def _only_our_hosts(settings: Any) -> None:
    """As a shop has them; the suite's other tests accept every host."""
    settings.ALLOWED_HOSTS = Hosts(["localhost", "testserver"], "everline.accounts.selectors.brand_hosts")
    settings.EVERLINE_PUBLIC_URL = "http://localhost:8000"


@pytest.fixture
def tern(shop: Shop) -> Brand:
    return save_brand(
        brand_id="tern",
        fields={
            "name_en": "Tern",
            "name_zh": "燕鸥",
            "order_prefix": "TRN",
            "default_currency": "EUR",
            "default_locale": "en",
            "domains": [HOST],
            "mail_from": "hello@tern.example",
            "support_email": "help@tern.example",
            "accent_light": "#6929c4",
            "accent_dark": "#d4bbff",
            "logo": SVG,
        },
        now=clock.now(),
    )


def registered(login: str) -> Customer:
    address = parse_login(login)
    assert address is not None
    [user] = users_at([address])
    customer = customer_of_user(user.pk)
    assert customer is not None
    return customer


def test_visitors_see_the_brand_whose_host_they_asked(tern: Brand) -> None:
    here = Page(Client().get("/sign-in/", HTTP_HOST=HOST, HTTP_ACCEPT_LANGUAGE="en"))
    there = Page(Client().get("/sign-in/", HTTP_HOST="localhost", HTTP_ACCEPT_LANGUAGE="en"))

    assert "Tern" in here.title
    assert f"/brand/tern.{tern.look}.css" in here.html
    assert f"/brand/tern.{tern.look}.svg" in here.html
    assert "help@tern.example" in here.html
    assert "leb" not in here.text
    assert "leb card" in there.title
    assert "Tern" not in there.html


def test_customers_see_their_own_brand_whatever_the_host(
    tern: Brand, shop: Shop, enter: Callable[[Customer], Client]
) -> None:
    customer = shop.customer()
    Customer.objects.filter(pk=customer.pk).update(brand=tern)
    other = shop.customer()

    own = enter(customer).get("/account/", HTTP_HOST="localhost")
    others = enter(other).get("/account/", HTTP_HOST=HOST)

    assert "Tern" in Page(own).title
    assert "leb card" in Page(others).title
    assert "Tern" not in Page(others).html


def test_the_brand_speaks_first_where_the_browser_names_no_language_of_ours(tern: Brand) -> None:
    def language(host: str, **headers: str) -> str:
        return Page(Client().get("/sign-in/", HTTP_HOST=host, **headers)).language

    assert language(HOST) == "en"
    assert language(HOST, HTTP_ACCEPT_LANGUAGE="fr,*;q=0.1") == "en"
    assert language(HOST, HTTP_ACCEPT_LANGUAGE="zh-CN") == "zh-Hans"
    assert language(HOST, HTTP_COOKIE="django_language=zh-hans") == "zh-Hans"
    assert language("localhost") == "zh-Hans"


def test_whoever_registers_at_a_brand_becomes_its_customer(tern: Brand) -> None:
    client = Client(headers={"host": HOST, "accept-language": "en"})
    wishes = {"email": "finch@example.com", "password": "quiet-lantern-42", "timezone": "Europe/Berlin"}

    answer = client.post("/register/", wishes)

    assert answer.status_code == 303
    customer = registered("finch@example.com")
    assert customer.brand == tern
    assert customer.currency == "EUR"
    [mail] = Message.objects.filter(to="finch@example.com")
    assert mail.brand["mail_from"] == "hello@tern.example"
    assert str(mail.private["link"]).startswith(f"http://{HOST}:8000/welcome/")


def test_the_api_registers_by_host_too(tern: Brand) -> None:
    body = {"email": "wren@example.com", "password": "quiet-lantern-42"}

    answer = Client().post("/api/v1/customers", body, content_type="application/json", HTTP_HOST=HOST)

    assert answer.status_code == 201
    assert answer.json()["locale"] == "en"
    assert registered("wren@example.com").brand == tern


def test_an_order_of_a_brand_carries_its_letters(tern: Brand, shop: Shop) -> None:
    customer = shop.customer()
    Customer.objects.filter(pk=customer.pk).update(brand=tern)
    customer.refresh_from_db()

    order = shop.order(customer, None, shop.plan())

    assert order.number.startswith("TRN-")
    assert len(order.number) == len("LEB-26-7K3M9Q")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "tern.localhost.evil.example",
        "evil.tern.localhost",
        "tern.localhost@evil.example",
        "tern.localhost:80@evil.example",
        "tern.localhost/evil",
        "",
        "*",
    ],
)
@pytest.mark.parametrize("path", ["/", "/sign-in/", "/register/", "/api/v1/plans"])
def test_a_host_that_is_nobodys_is_refused(tern: Brand, host: str, path: str) -> None:
    answer = Client(raise_request_exception=False).get(path, HTTP_HOST=host)

    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_no_mail_leads_to_a_host_that_a_stranger_named(tern: Brand) -> None:
    body = {"email": "victim@example.com", "password": "quiet-lantern-42"}
    refused = Client(raise_request_exception=False).post(
        "/api/v1/customers", body, content_type="application/json", HTTP_HOST="evil.example"
    )
    told = {
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_FORWARDED": "host=evil.example",
        "HTTP_ORIGIN": "https://evil.example",
        "HTTP_REFERER": "https://evil.example/",
    }
    taken = Client().post(
        "/api/v1/customers", body, content_type="application/json", HTTP_HOST="localhost:666", **told
    )

    assert refused.status_code == 400
    assert taken.status_code == 201
    [mail] = Message.objects.filter(to="victim@example.com")
    assert str(mail.private["link"]).startswith("http://localhost:8000/welcome/")
    assert "evil" not in f"{mail.context} {mail.private} {mail.brand}"
    assert "666" not in f"{mail.context} {mail.private} {mail.brand}"


def test_one_brands_page_may_not_post_to_another(tern: Brand) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": HOST})
    client.get("/sign-in/")
    token = client.cookies["csrftoken"].value
    fields = {"csrfmiddlewaretoken": token, "login": "nobody@example.com", "password": "no-such-password"}

    own = client.post("/sign-in/", fields, HTTP_ORIGIN=f"http://{HOST}")
    others = client.post("/sign-in/", fields, HTTP_ORIGIN="http://localhost")

    assert own.status_code != 403
    assert others.status_code == 403


def test_a_changed_domain_counts_at_once(tern: Brand) -> None:
    save_brand(brand_id="tern", fields={"domains": ["gull.localhost"]}, now=clock.now())

    answers = [
        Client(raise_request_exception=False).get("/sign-in/", HTTP_HOST=host)
        for host in (HOST, "gull.localhost")
    ]

    assert [answer.status_code for answer in answers] == [400, 200]


def test_the_brands_colours_are_a_file_for_both_themes(tern: Brand) -> None:
    answer = Client().get(f"/brand/tern.{tern.look}.css")
    sheet = answer.content.decode()

    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer
    assert sheet == (
        ":root { --brand-accent: #6929c4; --brand-accent-ink: #ffffff; "
        "--brand-accent-dark: #d4bbff; --brand-accent-dark-ink: #0d1513; }\n"
    )


def test_the_brands_logo_is_a_picture_that_does_nothing(tern: Brand) -> None:
    answer = Client().get(f"/brand/tern.{tern.look}.svg")

    assert answer["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"].endswith("immutable")
    assert 'fill="#6929c4"' in answer.content.decode()


def test_a_logo_that_came_past_the_checks_is_not_served(tern: Brand) -> None:
    Brand.objects.filter(pk="tern").update(logo=SVG.replace("<path", "<script>alert(1)</script><path"))
    tern.refresh_from_db()

    answer = Client(raise_request_exception=False).get(f"/brand/tern.{tern.look}.svg")

    assert answer.status_code == 200
    assert "script" not in answer.content.decode()
    assert "<path" in answer.content.decode()


def test_colours_that_came_past_the_checks_are_not_served(tern: Brand) -> None:
    Brand.objects.filter(pk="tern").update(accent_light="#0b6;}*")
    tern.refresh_from_db()

    answer = Client(raise_request_exception=False).get(f"/brand/tern.{tern.look}.css")

    assert answer.status_code == 200
    assert "}*" not in answer.content.decode()
    assert "--brand-accent: #0b6b60;" in answer.content.decode()


def test_a_brand_without_a_logo_has_a_card_in_its_colour(shop: Shop) -> None:
    answer = Client().get(f"/brand/leb.{shop.brand.look}.svg")

    assert 'fill="#0b6b60"' in answer.content.decode()


@pytest.mark.parametrize("kind", ["css", "svg"])
def test_the_address_of_an_earlier_look_leads_to_todays(tern: Brand, kind: str) -> None:
    answer = Client().get(f"/brand/tern.0123456789ab.{kind}")

    assert answer.status_code == 302
    assert answer["Location"] == f"/brand/tern.{tern.look}.{kind}"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/brand/gull.0123456789ab.css", "/brand/gull.x.svg", "/brand/tern..css"])
def test_the_look_of_nobody_is_not_found(tern: Brand, path: str) -> None:
    assert Client().get(path).status_code == 404
    assert Client().post(f"/brand/tern.{tern.look}.css").status_code == 405


def test_the_hosts_of_the_settings_hold_the_address_that_customers_use() -> None:
    assert known_hosts(["localhost"], "https://shop.example:444") == ["localhost", "shop.example"]
    assert known_hosts(["localhost"], "http://localhost:8000") == ["localhost"]
    assert known_hosts([], "http://[::1]:8000") == ["[::1]"]
    assert known_hosts(["a.example"], "") == ["a.example"]


def test_known_hosts_ask_no_database(settings: Any, db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert "localhost" in settings.ALLOWED_HOSTS
        assert any(host == "localhost" for host in settings.ALLOWED_HOSTS)
