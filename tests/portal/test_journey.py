"""One customer, one browser, the whole running product: from sign-in to confirmation."""

import re
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.portal.stack import Stack, running_stack

LOGIN, PASSWORD = "anna@example.com", "everline-demo"
#: No first-run pages, no updates, no look-ups; names other than this machine's do not resolve.
FLAGS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
LOOPBACK = {"localhost", "127.0.0.1"}

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is missing: install it (Debian: apt-get install chromium) to run this journey"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A telephone's window; every request and every complaint of the browser is looked at."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    page = context.new_page()
    hosts: set[str | None] = set()
    complaints: list[str] = []
    context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield page
    context.close()
    assert hosts <= LOOPBACK, hosts
    assert complaints == []


def test_from_sign_in_to_confirmation(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.url}/account/")
    page.get_by_label("E-mail address or mobile number").fill(LOGIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="My lines")).to_be_visible()

    page.get_by_role("link", name="Renew").first.click()
    page.get_by_label("Months").check()
    page.get_by_label("Country or region").select_option(label="Japan")
    page.get_by_role("button", name="Show plans").click()
    dated = page.locator(".expiry", has_text="New expiry").locator("time")
    card = page.locator("#plans-found").get_by_role("article").filter(has=dated).first
    card.get_by_role("button", name="Choose").click()

    expect(page.get_by_role("heading", name="Your offer")).to_be_visible()
    new_expiry = _value(page, "New expiry")
    assert new_expiry != _value(page, "Works until now")
    page.get_by_role("button", name="Place the order").click()

    expect(page.get_by_role("heading", name="Pay")).to_be_visible()
    page.get_by_label("Credit or debit card").check()
    page.get_by_role("button", name="Pay").dblclick()
    _fill_card(page, "4000000000009995")
    expect(page.get_by_text("There is not enough money on the card")).to_be_visible(timeout=30_000)

    page.get_by_role("link", name="Try again").click()
    page.get_by_role("button", name="Pay").click()
    _fill_card(page, "4242424242424242")

    expect(page.locator("[data-event='confirmation.sent']")).to_be_visible(timeout=60_000)
    heading = page.get_by_role("heading", level=1).inner_text()
    number = heading.removeprefix("Order ")
    assert re.fullmatch(r"LEB-\d\d-[0-9A-Z]{6}", number)
    expect(page.get_by_text("Paid and set up")).to_be_visible()
    page.reload()
    steps = page.locator("ol.timeline li").evaluate_all("items => items.map(item => item.dataset.event)")
    assert steps == [
        "order.placed",
        "payment.started",
        "payment.failed",
        "payment.started",
        "payment.captured",
        "fulfilment.started",
        "period.opened",
        "order.fulfilled",
        "confirmation.sent",
    ]

    page.get_by_role("link", name="To the line").click()
    expect(page.get_by_text(f"until {new_expiry.split(' (')[0]}")).to_be_visible()
    page.get_by_role("link", name="My lines").click()
    expect(page.get_by_text("1 plan queued")).to_be_visible()

    mails = stack.control("GET", "/messages", params={"to": LOGIN})["data"]
    naming = [mail["kind"] for mail in mails if number in mail["text"]]
    assert sorted(naming) == ["order_confirmation", "payment_failed"]


def _value(page: Page, term: str) -> str:
    row = page.locator(".span-ends li").filter(has=page.get_by_text(term, exact=True))
    return row.locator("time").inner_text()


def _fill_card(page: Page, number: str) -> None:
    page.locator("[name=number]").fill(number)
    page.locator("[name=expiry]").fill("12/40")
    page.locator("[name=cvc]").fill("123")
    page.locator("button[name=action][value=pay]").click()
