"""Every hosted page: what may load, where forms lead, which language, and that no card number stays."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from everline.core import clock
from everline.sandbox.db import alias
from tests.sandbox.test_pages import Page
from tests.sandbox.world import RETURN_URL, Starter, in_database, pay, plan, post

pytestmark = in_database
SECRET = "4000002760003184"  # asks first, so that even the challenge could remember it
DECLINING = "4000000000009995"
MISTYPED = "4000000000009996"
#: What is typed beside the number, on its own: such digits within an id or a moment are there by chance.
TYPED_BESIDE = re.compile(r"(?<![\w./-])(?:9753|01/20|12/40)(?![\w/-])")
ORIGIN = "http://shop.example:8000"
Make = Callable[[Client, Starter, Client, str], Any]


def _open(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    return browser.get(f"/pay/{start(locale=locale)['id']}")


def _paypal(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    return browser.get(f"/pay/{start(locale=locale, method='paypal')['id']}")


def _mistake(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    return pay(browser, start(locale=locale), MISTYPED, cvc="x")


def _challenge(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    return browser.get(pay(browser, start(locale=locale), SECRET)["Location"])


def _abandoned(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    return browser.post(pay(browser, start(locale=locale), SECRET)["Location"], {"action": "abandon"})


def _paid(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    payment = start(locale=locale)
    pay(browser, payment)
    return browser.get(f"/pay/{payment['id']}")


def _declined(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    payment = start(locale=locale)
    pay(browser, payment, DECLINING)
    return browser.get(f"/pay/{payment['id']}")


def _cancelled(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    payment = start(locale=locale)
    post(shop_api, f"/provider/v1/payments/{payment['id']}/cancel", {}, key="c")
    return browser.get(f"/pay/{payment['id']}")


def _expired(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    payment = start(locale=locale)
    clock.set_offset(timedelta(hours=2))
    return browser.get(f"/pay/{payment['id']}")


def _replaced(browser: Client, start: Starter, shop_api: Client, locale: str) -> Any:
    payment = start(locale=locale)
    first = pay(browser, payment, SECRET)["Location"]
    pay(browser, payment, "4000002500003155")
    return browser.get(first)


#: Every page with its status, how many forms it has and a word of each language.
PAGES: dict[str, tuple[Make, int, int]] = {
    "open": (_open, 200, 1),
    "paypal": (_paypal, 200, 1),
    "mistake": (_mistake, 422, 1),
    "challenge": (_challenge, 200, 1),
    "abandoned": (_abandoned, 200, 0),
    "paid": (_paid, 200, 0),
    "declined": (_declined, 410, 0),
    "cancelled": (_cancelled, 410, 0),
    "expired": (_expired, 410, 0),
    "replaced": (_replaced, 409, 0),
}
page_kinds = pytest.mark.parametrize("kind", PAGES)


@page_kinds
def test_every_page_is_strict_and_leaves_nothing_behind(
    browser: Client, start: Starter, shop_api: Client, kind: str
) -> None:
    make, status, forms = PAGES[kind]

    answer = make(browser, start, shop_api, "en")

    assert answer.status_code == status
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == f"'self' {ORIGIN}"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert not {"unsafe-inline", "unsafe-eval", "*"} & set(answer["Content-Security-Policy"].split())
    assert answer["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer
    assert not browser.cookies
    page = Page(answer)
    assert len(page.all("form")) == forms
    assert not page.all("script")
    assert not page.all("iframe")
    assert all(form.get("method") == "post" for form in page.all("form"))
    assert all(not form.get("action") or str(form["action"]).startswith("/pay/") for form in page.all("form"))


@page_kinds
@pytest.mark.parametrize(("locale", "lang"), [("en", "en"), ("zh-hans", "zh-Hans")])
def test_every_page_speaks_the_payments_language_and_no_other(
    browser: Client, start: Starter, shop_api: Client, kind: str, locale: str, lang: str
) -> None:
    answer = PAGES[kind][0](browser, start, shop_api, locale)

    text = answer.content.decode()
    han = [char for char in text if "一" <= char <= "鿿"]
    assert answer["Content-Language"] == lang
    assert f'<html lang="{lang}">' in text
    assert bool(han) == (lang == "zh-Hans")
    if lang == "zh-Hans":
        words = {"Pay", "Cancel", "Approve", "Nothing was charged", "Back to the shop", "Card number"}
        assert not {word for word in words if f">{word}<" in text}


@page_kinds
def test_no_page_names_a_card_number_or_a_code(
    browser: Client, start: Starter, shop_api: Client, kind: str
) -> None:
    text = PAGES[kind][0](browser, start, shop_api, "en").content.decode()

    for number in (SECRET, DECLINING, MISTYPED):
        assert number not in text.replace(" ", "")
    assert 'value="x"' not in text


@pytest.mark.parametrize("locale", ["en", "zh-hans"])
def test_the_way_back_is_the_return_url_exactly(
    browser: Client, start: Starter, shop_api: Client, locale: str
) -> None:
    for kind in ("paid", "declined", "cancelled", "expired"):
        page = Page(PAGES[kind][0](browser, start, shop_api, locale))

        assert [link for link in page.all("a") if link.get("href") == RETURN_URL], kind
        clock.reset()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example/back", "https://shop.example"),
        ("https://shop.example:8443/back?x=1#y", "https://shop.example:8443"),
        ("http://[::1]:8000/back", "http://[::1]:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
    ],
)
def test_forms_may_lead_to_the_shop_that_asked_and_nowhere_else(
    browser: Client, start: Starter, url: str, origin: str
) -> None:
    payment = start(return_url=url, cancel_url="https://elsewhere.example/")

    page = browser.get(f"/pay/{payment['id']}")
    ended = pay(browser, payment)

    policy = page["Content-Security-Policy"]
    assert policy.endswith(f"form-action 'self' {origin}")
    assert "elsewhere" not in policy
    assert ended["Location"] == url


def cells() -> Iterator[tuple[str, str, str]]:
    """Every value of every column of every table of the sandbox's database, as text."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t')  # a name out of the catalogue
            for (row,) in cursor.fetchall():
                yield table, row, row.replace(" ", "").replace("-", "")


@pytest.mark.parametrize("typed", [SECRET, "4000 0027 6000 3184", "4000-0027-6000-3184"])
def test_no_column_of_any_table_keeps_a_card_number(
    browser: Client, start: Starter, shop_api: Client, control: Client, typed: str
) -> None:
    plan(control, {"at": "webhook", "fault": "duplicate"})
    asked = start()
    bank = pay(browser, asked, typed)["Location"]
    browser.post(bank, {"action": "abandon"})
    pay(browser, asked, typed, cvc="9753")
    pay(browser, start(), DECLINING, cvc="9753")
    pay(browser, start(), MISTYPED, cvc="9753")
    pay(browser, start(), typed, expiry="01/20")
    pay(browser, start(), typed, method="alipay")

    found = list(cells())

    assert {table for table, _row, _plain in found} >= {"sandbox_payment", "sandbox_webhook"}
    for table, row, plain in found:
        for number in (SECRET, DECLINING, MISTYPED):
            assert number not in plain, table
            assert number[:12] not in plain, table
            assert number[-8:] not in plain, table
        assert not TYPED_BESIDE.search(row), table


def test_the_search_finds_what_is_there(start: Starter) -> None:
    """A search that finds nothing anywhere proves nothing."""
    start(description="number 4242424242424242 in a description")
    start(description='{"cvc":"9753"}')
    start(description="until 01/20")

    found = list(cells())

    assert any("4242424242424242" in plain for _table, _row, plain in found)
    assert {match[0] for _table, row, _plain in found for match in TYPED_BESIDE.finditer(row)} == {
        "9753",
        "01/20",
    }


@pytest.mark.parametrize("random", ["912363699975352565", "pay_9753", "36.9753+00:00", "1b4e-9753-a1"])
def test_the_search_is_not_misled_by_chance(random: str) -> None:
    assert not TYPED_BESIDE.search(f'{{"id": "{random}"}}')


@pytest.mark.parametrize("number", [SECRET, DECLINING, MISTYPED, "x" * 16])
def test_no_log_line_names_a_card_number_or_a_code(
    browser: Client, start: Starter, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    caplog.set_level(logging.DEBUG)
    payment = start()

    pay(browser, payment, number, cvc="9753")
    pay(browser, payment, number, cvc="bad")

    assert number not in caplog.text
    assert "9753" not in caplog.text


def test_an_error_of_ours_shows_and_logs_no_card(
    browser: Client,
    start: Starter,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    """Even a bug behind the form: the report hides what was typed."""
    from everline.sandbox.provider import payments

    def broken(*_: Any) -> None:
        raise RuntimeError("a bug behind the form")

    settings.DEBUG = False
    monkeypatch.setattr(payments, "pay_by_card", broken)
    payment = start()

    answer = pay(browser, payment, SECRET, cvc="9753")

    assert answer.status_code == 500
    assert "a bug behind the form" in caplog.text
    assert SECRET not in answer.content.decode() + caplog.text
    assert "9753" not in answer.content.decode() + caplog.text
    assert "RuntimeError" not in answer.content.decode()
