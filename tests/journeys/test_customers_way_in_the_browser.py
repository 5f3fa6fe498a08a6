"""The customer's way through the whole running product in Chromium: from nobody to a line that works."""

import io
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pypdfium2
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from everline.accounts.demo_brand import DEMO_BRAND_HOST
from tests.acceptance.product import environment
from tests.journeys.customer import DECLINED, GOOD, PASSWORD, THREE_D_SECURE, Customer, window
from tests.portal.stack import ROOT, Stack, running_stack
from tests.portal.test_journey import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.stack]

#: Every language on a telephone and at a desk.
WINDOWS = [("zh-Hans", 390), ("zh-Hans", 1280), ("en", 390), ("en", 1280)]
JAPAN = {"zh-Hans": "日本", "en": "Japan"}
DECLINED_WORDS = {"zh-Hans": "银行拒绝", "en": "declined"}
DONE = [
    "payment.captured",
    "fulfilment.started",
    "period.opened",
    "order.fulfilled",
    "confirmation.sent",
]
FRESH = "tall-harbour-77-lantern"
#: A brand's host under localhost is this machine too.
HOSTS = [flag.replace("EXCLUDE localhost", "EXCLUDE *.localhost, EXCLUDE localhost") for flag in FLAGS]
Come = Callable[..., Customer]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The product; when all have gone, every invariant holds."""
    with running_stack() as running:
        yield running
        running.control("POST", "/drain")
        checked = subprocess.run(
            [sys.executable, "-m", "everline.config", "check"],
            env=environment(running.data_dir) | {"PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is missing: install it (Debian: apt-get install chromium) to run this journey"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=HOSTS)
        yield started
        started.close()


@pytest.fixture
def come(stack: Stack, browser: Browser) -> Iterator[Come]:
    """A new person opens a window; what the browser complains of fails the test."""
    windows: list[BrowserContext] = []
    people: list[Customer] = []

    def opened(language: str = "en", width: int = 390, *, scripts: bool = True, home: str = "") -> Customer:
        windows.append(window(browser, language, width, scripts=scripts))
        email = f"{uuid.uuid4().hex[:12]}@customer.example"
        people.append(Customer(stack, windows[-1].new_page(), language, email, home=home))
        return people[-1]

    yield opened
    for each in windows:
        each.close()
    assert [said for person in people for said in person.complaints] == []


@pytest.mark.parametrize(("language", "width"), WINDOWS)
def test_from_nobody_to_a_line(come: Come, language: str, width: int) -> None:
    customer = come(language, width)
    page = customer.page
    page.goto(customer.home)
    customer.seen(r"/$")
    page.fill("#find-place", JAPAN[language])
    page.locator("form.find button").click()
    customer.seen(r"/plans/japan/")
    page.goto(f"{page.url}?term=month&sort=price")
    customer.seen(r"/plans/japan/")
    plan = page.locator("article.plan h3 a").first.inner_text()
    customer.choose()

    customer.seen(r"/quotes/new/")
    expect(page.locator("#chosen")).to_have_text(plan)
    page.locator("main a.button[href^='/register/']").click()
    customer.register()
    assert customer.letters("order_confirmation") == []
    customer.follow_welcome_link()
    customer.seen(r"/quotes/new/")
    page.locator("main form[action='/quotes/'] button").click()
    expect(page.locator("main .sheet h2").first).to_have_text(plan)
    customer.order()

    customer.start_paying()
    customer.give_card(DECLINED)
    failed = customer.situation("failed")
    customer.seen(r"/orders/ord_")
    expect(failed).to_contain_text(DECLINED_WORDS[language])
    assert [charge["captured"] for charge in customer.charges()] == [0]
    failed.locator("a[href$='/pay/']").click()

    customer.seen(r"/pay/")
    expect(page.locator("main .notice.bad")).to_contain_text(DECLINED_WORDS[language])
    customer.start_paying()
    customer.give_card(THREE_D_SECURE)
    customer.approve()
    customer.situation("done")
    expect(page.locator("[data-event='confirmation.sent']")).to_be_visible(timeout=60_000)
    customer.seen(r"/orders/ord_")
    assert customer.steps()[-5:] == DONE
    assert sorted(charge["captured"] > 0 for charge in customer.charges()) == [False, True]

    number = customer.number()
    _check_letters(customer, number)
    page.locator("main a[href$='#install']").click()
    customer.seen(r"/lines/ln_")
    _check_install(customer)
    page.goto(f"{customer.home}/account/")
    customer.seen(r"/account/")
    expect(page.locator("article.line")).to_have_count(1)
    expect(page.locator("main")).to_contain_text(number)


def _check_letters(customer: Customer, number: str) -> None:
    """One letter about the payment that failed, one about the end, and the receipt as the letter had it."""
    [failed], [confirmed] = customer.letters("payment_failed"), customer.letters("order_confirmation")
    chinese = customer.language == "zh-Hans"
    for letter in (failed, confirmed):
        assert number in letter["text"]
        assert bool(re.search(r"[\u4e00-\u9fff]{4}", letter["subject"] + letter["text"])) is chinese
    [attached] = confirmed["attachments"]
    assert attached["type"] == "application/pdf"
    assert number in attached["name"]
    with customer.page.expect_download() as download:
        customer.page.evaluate(
            "(url) => { const a = document.createElement('a'); a.href = url; a.download = ''; a.click(); }",
            f"{customer.page.url.split('?')[0]}receipt/",
        )
    content = download.value.path().read_bytes()
    assert content.startswith(b"%PDF")
    assert len(content) == attached["size"], "what the letter carried is what the page gives"
    text = words_of(content)
    assert number in text
    assert ("收据" in text) is chinese


def words_of(pdf: bytes) -> str:
    """All text of a document."""
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        return " ".join("".join(page.get_textpage().get_text_range() for page in document).split())
    finally:
        document.close()


def _check_install(customer: Customer) -> None:
    page = customer.page
    expect(page.locator(".qr svg")).to_be_visible()
    page.locator("#install details.box summary").first.click()
    codes = page.locator("#install .copy code").all_inner_texts()
    [lpa] = [code for code in codes if code.startswith("LPA:1$")]
    _, server, activation, *_ = lpa.split("$")
    assert server in codes
    assert activation in codes


def test_by_number_alone_and_back_in_without_the_password(come: Come) -> None:
    customer = come("zh-Hans", 390)
    page = customer.page
    phone = customer.email = f"+44770090{uuid.uuid4().int % 10_000:04}"
    page.goto(f"{customer.home}/register/")
    customer.seen(r"/register/")
    customer.send("/register/", phone=phone, password=PASSWORD)
    customer.seen(r"/sign-in/code/enter/")
    customer.send("/sign-in/code/enter/", code=_text_code(customer, "sign_in_code"))
    page.wait_for_url("**/account/")
    page.context.clear_cookies()

    page.goto(f"{customer.home}/sign-in/")
    page.locator("a[href='/recover/']").click()
    customer.seen(r"/recover/")
    customer.send("/recover/", login=f"{phone[:3]} {phone[3:7]} {phone[7:]}")
    customer.seen(r"/recover/enter/")
    code = _text_code(customer, "recovery_code")
    customer.send("/recover/enter/", code=code, new_password=FRESH)
    customer.seen(r"/sign-in/")
    customer.sign_in(password=FRESH)
    customer.seen(r"/account/")

    assert page.locator("article.line").count() == 0
    [notice] = customer.letters("security_notice")
    assert notice["channel"] == "sms"
    page.goto(f"{customer.home}/settings/security/")
    customer.seen(r"/settings/security/")


def _text_code(customer: Customer, kind: str) -> str:
    """The six digits of the newest text message."""
    letter = customer.letters(kind)[0]
    assert letter["channel"] == "sms"
    found = re.search(r"(?<!\d)\d{6}(?!\d)", letter["text"])
    assert found, letter["text"]
    return found[0]


@pytest.mark.parametrize(("language", "width"), [("zh-Hans", 390), ("en", 1280)])
def test_everything_works_without_scripts(come: Come, language: str, width: int) -> None:
    customer = come(language, width, scripts=False)
    page = customer.page
    page.goto(f"{customer.home}/plans/?term=month&country=JP")
    customer.seen(r"/plans/")
    customer.choose()
    customer.seen(r"/quotes/new/")
    page.locator("main a.button[href^='/register/']").click()
    customer.register()
    customer.follow_welcome_link()
    page.locator("main form[action='/quotes/'] button").click()
    customer.order()
    customer.start_paying()
    customer.give_card(THREE_D_SECURE)
    customer.approve()

    customer.situation("done")
    expect(page.locator("[data-event='confirmation.sent']")).to_be_visible(timeout=60_000)
    customer.seen(r"/orders/ord_")
    page.locator("main a[href$='#install']").click()
    customer.seen(r"/lines/ln_")
    expect(page.locator(".qr svg")).to_be_visible()
    page.goto(f"{customer.home}/orders/")
    customer.seen(r"/orders/")


def test_another_brand_is_another_shop(come: Come, stack: Stack) -> None:
    ours = urlsplit(stack.url)
    customer = come("en", 1280, home=f"{ours.scheme}://{DEMO_BRAND_HOST}:{ours.port}")
    page = customer.page
    page.goto(f"{customer.home}/lines/new/")
    customer.seen(r"/sign-in/")
    expect(page.locator("header .brand")).to_have_text("Tidewren")
    page.goto(f"{customer.home}/register/")
    customer.register()
    customer.follow_welcome_link()
    page.wait_for_url(f"{customer.home}/account/")
    page.goto(f"{customer.home}/lines/new/?term=month&country=JP")
    customer.choose()
    customer.order()
    customer.start_paying()
    customer.give_card(GOOD)
    customer.situation("done")
    assert page.url.startswith(customer.home)

    assert customer.number().startswith("TDW-")
    letters = customer.letters("welcome") + customer.letters("order_confirmation")
    assert len(letters) == 2
    for letter in letters:
        assert "Tidewren" in letter["text"]
        assert "hello@tidewren.example" in letter["from"]
        assert customer.home in letter["text"]
        assert "leb" not in f"{letter['subject']} {letter['text']} {letter['html']}".lower()
    expect(page.locator("body")).not_to_contain_text(re.compile("leb card|leb卡"))


def test_a_renewal_keeps_its_word_and_charges_once(come: Come) -> None:
    customer = come("zh-Hans", 1280)
    page = customer.page
    customer.sign_in("demo@example.com", "everline-demo")
    customer.seen(r"/account/")
    page.locator("article.line", has=page.locator(".badge.good")).first.locator("a[href$='/renew/']").click()
    customer.seen(r"/lines/ln_\w+/renew/")
    line = page.url.split("/renew/")[0]
    page.goto(f"{page.url}?term=month&country=JP")
    customer.seen(r"/lines/ln_\w+/renew/")
    card = page.locator("#plans-found article.plan", has=page.locator(".expiry time")).first
    told = card.locator(".expiry time").get_attribute("datetime")
    card.locator(".choose form button").click()
    assert page.locator(".span .until time").get_attribute("datetime") == told
    customer.order()
    assert page.locator("dl.pairs time").first.get_attribute("datetime") == told

    page.locator("main form.sheet > button").dblclick()
    customer.on_the_hosted_page()
    for name, value in {"number": GOOD, "expiry": "12/40", "cvc": "123"}.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("button[name=action][value=pay]").dblclick()
    customer.situation("done")
    tracking = page.url.split("?")[0]
    for _ in range(3):
        page.go_back()
    page.goto(f"{tracking}pay/")
    assert page.url.split("?")[0] == tracking, "there is nothing to pay any more"
    customer.situation("done")

    [charge] = customer.charges()
    assert charge["captured"] == charge["amount"] > 0
    page.goto(f"{line}/")
    customer.seen(r"/lines/ln_")
    ends = page.locator("main time").evaluate_all("times => times.map((time) => time.dateTime)")
    assert told in ends
