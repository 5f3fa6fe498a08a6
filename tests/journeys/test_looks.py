"""Every page of the portal and the sandbox, looked at by a browser: nothing bars, breaks, jumps or weighs."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from everline.portal.urls import urlpatterns
from tests.journeys import looks
from tests.journeys.looks import LANGUAGES, NO_PAGES, SCREENS, Screen
from tests.portal.stack import Stack, running_stack
from tests.portal.test_journey import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@dataclass(slots=True)
class Visitor:
    """One language: a stranger's window and a customer's, and the customer's things."""

    stranger: BrowserContext
    customer: BrowserContext
    places: dict[str, str]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is missing: install it (Debian: apt-get install chromium) to look at the pages"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def visitors(stack: Stack, browser: Browser) -> dict[str, Visitor]:
    found = {}
    for language, (locale, login, theme) in LANGUAGES.items():
        windows = [
            browser.new_context(
                viewport=looks.PHONE,  # type: ignore[arg-type]
                locale=locale,
                color_scheme=theme,
                reduced_motion="reduce",
            )
            for _ in range(2)
        ]
        for window in windows:
            window.add_init_script(looks.WATCH_SHIFTS)
        looks.enter(windows[1], stack, login)
        found[language] = Visitor(*windows, looks.Scene(stack, login).make())
    return found


def test_the_list_knows_every_page() -> None:
    shown = {looks.shown(screen) for screen in SCREENS}
    routes = looks.route_names(urlpatterns)

    assert routes - shown - set(NO_PAGES) == set()
    assert set(NO_PAGES) - routes == set()
    assert shown & set(NO_PAGES) == set()


@pytest.mark.parametrize("screen", SCREENS, ids=[screen.name for screen in SCREENS])
def test_a_page_can_be_read_by_everybody(stack: Stack, visitors: dict[str, Visitor], screen: Screen) -> None:
    wrong = []
    for language, visitor in visitors.items():
        page = (visitor.customer if screen.own else visitor.stranger).new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error, kept=complaints: kept.append(f"script: {error}"))
        page.on("console", lambda said, kept=complaints: _note(said.text, kept))
        found = looks.open_screen(page, stack, screen, visitor.places)
        found += _look_at(page)
        if page.locator("html").get_attribute("lang") != language and screen.name != "sandbox missing":
            found.append("another language")
        page.close()
        wrong += [f"[{language}] {what}" for what in found + complaints]

    assert not wrong, "\n".join(wrong)


def _note(text: str, kept: list[str]) -> None:
    if "Content Security Policy" in text:
        kept.append(text)


def _look_at(page: Page) -> list[str]:
    return looks.moved(page) + looks.heavy(page) + looks.barred(page) + looks.too_wide(page)
