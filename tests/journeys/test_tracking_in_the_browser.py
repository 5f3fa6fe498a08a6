"""An order's page in a real browser: it moves by itself, and survives what people do to pages."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from everline.core import clock, streams
from everline.orders.live import listener
from everline.orders.models import Order
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.timeline import Step
from tests.portal.conftest import Shop

pytestmark = pytest.mark.browser
MOBILE = {"width": 390, "height": 844}


class Tracked:
    """An order that a test moves on, and where its page is."""

    def __init__(self, url: str, locale: str) -> None:
        self.shop = Shop()
        self.customer = self.shop.customer(locale=locale)
        self.line = self.shop.line(self.customer)
        self.order = self.shop.order(self.customer, self.line, self.shop.plan())
        self.url = f"{url}/orders/{self.order.id}/"

    def move(self, status: str, *steps: Step, **changes: Any) -> None:
        Order.objects.filter(pk=self.order.pk).update(status=status, **changes)
        write_timeline([Note(self.order.id, step) for step in steps], now=clock.now())

    def cookie(self, url: str) -> Any:
        client = Client()
        client.force_login(self.customer.user, backend="everline.accounts.backends.CustomerBackend")
        return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream notices soon that its reader has gone. Playwright runs a loop in this thread, harmlessly."""
    monkeypatch.setattr(streams, "SLOW_POLL", 0.3)
    monkeypatch.setattr(streams, "FAST_POLL", 0.3)
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is missing: install it (Debian: apt-get install chromium) to run this journey"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def context(
    _quick: None, transactional_db: None, live_server: Any, browser: Browser, settings: Any
) -> Iterator[BrowserContext]:
    """A telephone; afterwards every stream has given its slot back."""
    settings.EVERLINE_PAYMENT_PROVIDERS = ["tests.portal.bank.build"]
    opened = browser.new_context(viewport=MOBILE, locale="en-US")
    yield opened
    opened.close()
    ends = time.monotonic() + 20
    while streams.slots.open and time.monotonic() < ends:
        time.sleep(0.05)  # the server hears of a closed window when it next writes to it
    listener.stop()
    assert streams.slots.open == 0


def _open(context: BrowserContext, tracked: Tracked, url: str) -> Page:
    context.add_cookies([tracked.cookie(url)])
    page = context.new_page()
    page.goto(tracked.url)
    page.evaluate("window.untouched = true")
    return page


def _situation(page: Page, key: str) -> None:
    expect(page.locator(f"[data-situation='{key}']")).to_be_visible(timeout=15_000)


def test_tracking_moves_by_itself_and_survives_what_people_do(
    context: BrowserContext, live_server: Any
) -> None:
    tracked = Tracked(live_server.url, "en")
    page = _open(context, tracked, live_server.url)
    _situation(page, "unpaid")

    now = clock.now()
    tracked.move("fulfilling", Step.PAYMENT_CAPTURED, Step.FULFILMENT_STARTED, paid_at=now, deliver_by=now)
    _situation(page, "setting_up")
    tracked.move("fulfilling", Step.FULFILMENT_DELAYED)
    _situation(page, "delayed")
    page.get_by_role("link", name="Write to us").focus()
    expect(page.get_by_role("status").filter(has_text="Setting up takes longer")).to_be_visible()
    expect(page).to_have_title(
        f"Setting up takes longer than usual · Order {tracked.order.number} · leb card"
    )
    tracked.move(
        "fulfilled", Step.PERIOD_OPENED, Step.FULFILLED, line_id=tracked.line.id, fulfilled_at=clock.now()
    )
    _situation(page, "done")
    focused = page.evaluate("document.activeElement.id")
    tracked.move("fulfilled", Step.CONFIRMED)
    expect(page.locator("[data-event='confirmation.sent']")).to_be_visible(timeout=15_000)

    assert page.evaluate("window.untouched"), "nothing was loaded anew"
    assert focused == "now", "whoever stood on a button that is gone stands on the news"
    expect(page.locator("#tracking[data-live]")).to_have_count(0)
    expect(page.locator(".stages .done")).to_have_count(4)

    page.reload()
    _situation(page, "done")
    page.get_by_role("link", name="Orders").first.click()
    page.go_back()
    _situation(page, "done")
    page.close()
    again = context.new_page()
    again.goto(tracked.url)
    _situation(again, "done")


def test_without_a_free_stream_the_page_looks_by_itself(
    context: BrowserContext, live_server: Any, settings: Any
) -> None:
    settings.EVERLINE_MAX_STREAMS = 0
    tracked = Tracked(live_server.url, "zh-hans")
    tracked.move("fulfilling", Step.PAYMENT_CAPTURED, paid_at=clock.now())
    page = _open(context, tracked, live_server.url)
    _situation(page, "setting_up")

    tracked.move("needs_attention", Step.ATTENTION)

    _situation(page, "attention")
    assert page.evaluate("window.untouched")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert streams.slots.open == 0


def test_the_usage_chart_switches_in_place(context: BrowserContext, live_server: Any) -> None:
    tracked = Tracked(live_server.url, "en")
    tracked.shop.serve(tracked.line, tracked.shop.plan())
    complaints: list[str] = []
    context.add_cookies([tracked.cookie(live_server.url)])
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.goto(f"{live_server.url}/lines/{tracked.line.id}/")
    page.evaluate("window.untouched = true")

    page.get_by_role("link", name="24 hours").click()
    expect(page.get_by_role("link", name="24 hours")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Calls").click()
    expect(page.get_by_role("link", name="Calls")).to_have_attribute("aria-current", "true")

    assert page.evaluate("window.untouched"), "nothing was loaded anew"
    assert "by=hour" in page.url
    assert "service=voice" in page.url
    assert page.locator("#usage").count() == 1
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert tracked.line.matching_id not in kept, "no page is remembered with its codes"
    page.reload()
    expect(page.get_by_role("link", name="Calls")).to_have_attribute("aria-current", "true")
    assert complaints == []
