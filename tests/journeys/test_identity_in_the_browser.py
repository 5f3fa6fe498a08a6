"""Who somebody is, in Chromium: passkeys made and used, the second step, recovery without scripts."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from everline.accounts.models import Customer
from tests.journeys import looks
from tests.portal.conftest import PASSWORD, Shop
from tests.portal.people import app_code, proven, read_code
from tests.portal.test_journey import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = "+447700900987"
FRESH = "a-new-quiet-lantern-43"
#: Width and language: a telephone in Chinese, a desk in English.
WINDOWS = [(390, "zh-CN"), (1280, "en-GB")]
#: A browser that offers no passkeys in the field: the finger of these tests would answer before the button.
NO_OFFER = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is missing: install it (Debian: apt-get install chromium)"
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop runs in this thread; the statements of these tests are still one after the other.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def owner(transactional_db: None) -> Customer:
    return proven(Shop(), phone=PHONE)


@pytest.fixture
def window(chromium: Browser, live_server: Any) -> Iterator[Open]:
    """Opens a page of the shop; whatever the browser complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(width: int = 390, locale: str = "en-GB", *, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 844},
            locale=locale,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None,
        )
        page.set_default_timeout(15_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@contextmanager
def authenticator(page: Page, *, verifies: bool = True) -> Iterator[None]:
    """A device with a fingerprint reader, and its owner's finger on it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": verifies,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield


def sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    page.goto("/sign-in/")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(password)
    page.locator("form[action='/sign-in/'] button").first.click()


def fits(page: Page) -> bool:
    """Nothing sticks out of the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def faults(page: Page) -> list[str]:
    """What bars anybody from a page that `looks` cannot reach: the telephone's is light, the desk's dark."""
    size = page.viewport_size
    assert size is not None
    page.emulate_media(color_scheme="light" if size["width"] < 1000 else "dark", reduced_motion="reduce")
    found = looks.barred(page) + looks.too_wide(page)
    page.set_viewport_size(size)
    return found


@pytest.mark.parametrize(("width", "locale"), WINDOWS)
def test_a_passkey_is_made_and_signs_in_until_it_is_removed(
    owner: Customer, window: Open, width: int, locale: str
) -> None:
    page = window(width, locale)
    page.add_init_script(NO_OFFER)
    sign_in(page, str(owner.email))
    page.wait_for_url("**/account/")
    page.goto("/settings/passkeys/")

    with authenticator(page):
        page.locator("form[data-passkey=add] [name=name]").fill("My <b>phone</b>")
        page.locator("form[data-passkey=add] button").click()
        expect(page.locator(".passkeys h2")).to_have_text("My <b>phone</b>")
        assert fits(page)

        page.context.clear_cookies()
        page.goto("/sign-in/?next=/settings/security/")
        page.locator("form[data-passkey=sign-in] button").click()
        page.wait_for_url("/settings/security/")  # whole: the door's own address ends like that too

        page.goto("/settings/passkeys/")
        page.locator(".passkeys a").click()
        page.wait_for_selector("form[action$='/remove/']")
        assert faults(page) == []
        page.locator("form[action$='/remove/'] button").click()
        expect(page.locator(".passkeys")).to_have_count(0)
        page.context.clear_cookies()
        page.goto("/sign-in/")
        page.locator("form[data-passkey=sign-in] button").click()
        expect(page.locator("[data-passkey-says].bad")).to_be_visible()
        assert page.url.endswith("/sign-in/")


def test_a_passkey_is_offered_in_the_login_field(owner: Customer, window: Open) -> None:
    page = window()
    sign_in(page, str(owner.email))
    page.wait_for_url("**/account/")
    page.goto("/settings/passkeys/")

    with authenticator(page):
        page.locator("form[data-passkey=add] button").click()
        page.wait_for_selector(".passkeys")
        page.context.clear_cookies()
        page.goto("/sign-in/?next=/orders/")

        page.wait_for_url("/orders/")  # whole: the door's own address ends like that too


def test_a_finger_that_is_not_known_makes_no_passkey(owner: Customer, window: Open) -> None:
    page = window()
    sign_in(page, str(owner.email))
    page.wait_for_url("**/account/")
    page.goto("/settings/passkeys/")

    with authenticator(page, verifies=False):
        page.locator("form[data-passkey=add] button").click()

        expect(page.locator("[data-passkey-says].bad")).to_contain_text("No passkey was made")
        expect(page.locator("form[data-passkey=add] button")).to_be_enabled()
    page.reload()
    expect(page.locator(".passkeys")).to_have_count(0)


@pytest.mark.parametrize(("width", "locale"), WINDOWS)
def test_the_second_step_from_setting_up_to_signing_in(
    owner: Customer, window: Open, width: int, locale: str
) -> None:
    page = window(width, locale)
    sign_in(page, str(owner.email))
    page.wait_for_url("**/account/")
    page.goto("/settings/second-factor/")
    secret = page.locator(".setup .copy code").inner_text()
    assert page.locator(".setup figure svg").is_visible()

    page.locator("[name=code]").fill(app_code(secret))
    page.locator(".setup > button").click()
    codes = page.locator("#recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    assert faults(page) == []
    with page.expect_download() as download:
        page.locator("[data-do=download]").click()
    kept = download.value.path().read_text().split()
    assert kept == codes

    page.context.clear_cookies()
    sign_in(page, str(owner.email))
    page.wait_for_url("**/sign-in/second/")
    assert faults(page) == []
    page.locator("[name=code]").fill(app_code(secret, 1))
    page.locator("form[action='/sign-in/second/'] button").click()
    page.wait_for_url("**/account/")

    page.context.clear_cookies()
    sign_in(page, str(owner.email))
    page.locator("[name=code]").fill(codes[3])
    page.locator("form[action='/sign-in/second/'] button").click()
    page.wait_for_url("**/account/")


@pytest.mark.parametrize(("width", "locale"), WINDOWS)
def test_a_new_address_counts_with_its_code(owner: Customer, window: Open, width: int, locale: str) -> None:
    page = window(width, locale)
    sign_in(page, str(owner.email))
    page.wait_for_url("**/account/")
    page.goto("/settings/email/")
    page.locator("[name=email]").fill("ann.elsewhere@example.com")
    page.locator("main form button").first.click()
    page.wait_for_url("**/settings/email/code/")
    assert faults(page) == []

    page.locator("[name=code]").fill(read_code("ann.elsewhere@example.com"))
    page.locator("form.sheet button").click()

    expect(page.locator("main")).to_contain_text("ann.elsewhere@example.com")
    assert page.url.endswith("/settings/security/")


@pytest.mark.parametrize(("width", "locale"), WINDOWS)
def test_recovery_by_phone_without_scripts(owner: Customer, window: Open, width: int, locale: str) -> None:
    page = window(width, locale, scripts=False)
    page.goto("/sign-in/")
    expect(page.locator("form[data-passkey]")).to_be_hidden()
    page.locator("a[href='/recover/']").click()
    page.locator("[name=login]").fill("+44 7700 900987")
    page.locator("form[action='/recover/'] button").click()

    page.wait_for_url("**/recover/enter/")
    page.locator("[name=code]").fill(read_code(PHONE))
    page.locator("[name=new_password]").fill("12345678")
    page.locator("form[action='/recover/enter/'] button").click()
    expect(page.locator("#error-new_password")).to_be_visible()
    expect(page.locator("[role=alert]")).to_be_focused()
    page.locator("[name=code]").fill(read_code(PHONE))
    page.locator("[name=new_password]").fill(FRESH)
    page.locator("form[action='/recover/enter/'] button").click()
    page.wait_for_url("**/sign-in/")

    sign_in(page, PHONE, FRESH)
    page.wait_for_url("**/account/")
