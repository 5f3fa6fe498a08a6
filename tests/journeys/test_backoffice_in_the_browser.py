"""The staff's first day, in Chromium: a second factor is set up, a number is searched, one action is done."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.admin.utils import quote
from playwright.sync_api import Page, expect, sync_playwright

from everline.accounts.roles import Role
from everline.accounts.services.staffing import create_staff
from everline.backoffice.roles import ensure_roles
from everline.core import clock
from everline.core.models import AuditEntry
from everline.orders.models import Order
from everline.orders.states import OrderStatus
from tests.accounts.factors import totp_now, wrong_totp
from tests.orders.conftest import shop as shop  # noqa: PLC0414 - the same shop, seen from the desk
from tests.orders.shop import Shop
from tests.portal.test_journey import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOGIN, PASSWORD = "desk@example.com", "quiet-lantern-42"
REASON = "asked by phone <b>today</b>"
#: What unfold's frame brings to the door: its switch of themes (docs/adr/0009-back-office.md).
FRAME = [("region", 1)]


@pytest.fixture
def desk(transactional_db: None, live_server: Any) -> Iterator[Page]:
    """A window of the back office for a newcomer; whatever the browser complains of fails the test."""
    ensure_roles()
    create_staff(
        email=LOGIN, password=PASSWORD, role=Role.SUPPORT, actor="test", reason="first day", now=clock.now()
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is missing: install it (Debian: apt-get install chromium)"
    complaints: list[str] = []
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop runs in this thread; the statements of this test are still one after the other.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_context(base_url=live_server.url, locale="en-GB").new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(15_000)
        yield page
        browser.close()
    # The refused code is answered with 400, which Chromium writes into its console as an error.
    assert [said for said in complaints if "status of 400" not in said] == []


def barriers(page: Page) -> list[tuple[str, int]]:
    """What axe finds by all of its rules: which rule, and on how many nodes."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], len(rule["nodes"])) for rule in found]


def test_a_first_day_at_the_desk(shop: Shop, desk: Page) -> None:
    order = shop.order(shop.line(shop.customer(email="buyer@example.com")))
    its_page = f"/backoffice/orders/order/{quote(order.id)}/change/"

    desk.goto("/backoffice/orders/order/")
    desk.wait_for_url("**/backoffice/sign-in/**")
    assert barriers(desk) == FRAME
    desk.locator("[name=login]").fill(LOGIN)
    desk.locator("[name=password]").fill(PASSWORD)
    desk.locator("main button[type=submit]").click()

    desk.wait_for_url("**/backoffice/sign-in/enrol/")
    secret = desk.locator("#secret").inner_text()
    desk.locator("[name=code]").fill(wrong_totp(secret))
    desk.locator("main button[type=submit]").click()
    expect(desk.locator("[role=alert]")).to_be_visible()
    assert barriers(desk) == FRAME
    assert desk.locator("#secret").inner_text() == secret
    desk.locator("[name=code]").fill(totp_now(secret))
    desk.locator("main button[type=submit]").click()
    expect(desk.locator(".bo-codes li")).to_have_count(10)
    desk.locator(".bo-button.primary").click()
    desk.wait_for_url("**/backoffice/orders/order/")

    desk.goto("/backoffice/find/")
    desk.locator("main [name=q]").fill(f" {order.number.lower()} ")
    desk.locator("main .bo-find button").click()
    desk.wait_for_url(f"**{its_page}")
    expect(desk.locator("main h1")).to_have_text(order.number)

    desk.locator(f"main a[href$='/act/cancel-order/{order.id}/']").click()
    desk.locator("main button[type=submit]").click()  # without a reason the browser does not even ask
    assert Order.objects.get(pk=order.pk).status == OrderStatus.AWAITING_PAYMENT
    desk.locator("[name=reason]").fill(REASON)
    desk.locator("main button[type=submit]").click()
    desk.wait_for_url(f"**{its_page}")
    expect(desk.locator("main .bo-head .bo-badge")).to_have_text("cancelled")
    expect(desk.locator("main a[href*='/act/cancel-order/']")).to_have_count(0)
    expect(desk.locator("main")).to_contain_text(REASON)
    written = AuditEntry.objects.get(object_kind="order", object_id=order.id)
    assert (written.actor, written.reason) == (LOGIN, REASON)

    desk.context.clear_cookies()
    desk.goto(its_page)
    desk.locator("[name=login]").fill(LOGIN)
    desk.locator("[name=password]").fill(PASSWORD)
    desk.locator("main button[type=submit]").click()
    desk.wait_for_url("**/backoffice/sign-in/code/")
    expect(desk.locator("#secret")).to_have_count(0)
