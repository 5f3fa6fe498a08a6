"""A customer at a browser: finds things by what they are, in either language, and lets nothing wrong pass.

Every page that `seen` looks at is in the customer's language down to the hidden labels, fits the window, and
has one heading; whatever the browser itself complains of is kept in `complaints`.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect

from tests.portal.stack import Stack

PASSWORD: Final = "quiet-lantern-42-harbour"
GOOD, DECLINED, THREE_D_SECURE = "4242424242424242", "4000000000000002", "4000002500003155"
#: Language of the page → what the browser asks for, and where it is.
PLACES: Final = {"zh-Hans": ("zh-CN", "Asia/Shanghai"), "en": ("en-GB", "Europe/London")}
#: What is called the same in Chinese: marks, standards, units.
SAME_IN_CHINESE: Final = re.compile(
    r"\bAsia/Shanghai\b|US\$|\b(?:Alipay|Android|APN|Apple|au|CVC|docomo|EID|English|eSIM|GB|Google|https"
    r"|ICCID|iPad|iPhone|kbit|leb|LPA|MB|Pay|PayPal|PDF|QR|SIM|SM-DP|TB|Visa|Wi-Fi)\b"
)
#: Names, addresses and codes are the same in every language; so is what somebody typed.
_NAMES: Final = "code, .networks, .network-list, .coverage, [lang]:not(html), select[name=timezone]"
_WORDS: Final = """(names) => {
  const found = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, within = node.parentElement;
    if (within.closest("script, style, noscript, template") || within.closest(names)) continue;
    found.push(node.data);
  }
  for (const node of document.querySelectorAll("[aria-label], [title], [alt], [placeholder]")) {
    if (node.closest("[lang]:not(html)")) continue;
    for (const name of ["aria-label", "title", "alt", "placeholder"]) {
      found.push(node.getAttribute(name) || "");
    }
  }
  return found.map((text) => text.trim()).filter(Boolean);
}"""
_PLAIN: Final = re.compile(
    r"\S+@\S+|https?://\S+|\bLEB-\S+|\bTDW-\S+|\b[a-z]+_[a-z0-9_]+\b|\b(?:ln|ord|pln)_\w+"
)
_LATIN: Final = re.compile(r"[A-Za-z]{2,}")
#: Within a Chinese sentence a capital letter begins a name; nothing else is to be English.
_SMALL: Final = re.compile(r"\b[a-z]{2,}\b")
_HAN: Final = re.compile(r"[\u3400-\u9fff]+")


@dataclass
class Customer:
    """One person, one browser window, and the product they use."""

    stack: Stack
    page: Page
    language: str
    email: str
    complaints: list[str] = field(default_factory=list)
    #: Where the shop is entered; a brand has a host of its own.
    home: str = ""

    def __post_init__(self) -> None:
        self.home = self.home or self.stack.url
        self.page.set_default_timeout(30_000)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("console", self._note)
        self.page.on("response", self._look)

    def _note(self, said: Any) -> None:
        if said.type == "error":
            self.complaints.append(f"console of {self.page.url}: {said.text}")

    def _look(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.request.method} {response.url}")

    # Looking

    def seen(self, address: str, heading: str | None = None) -> None:
        """Be on this page, and look at all that is said on it."""
        self.page.wait_for_url(re.compile(address))
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)
        expect(self.page.locator("h1")).to_have_count(1)
        if heading is not None:
            expect(self.page.locator("h1")).to_have_text(heading)
        assert (self.page.url, self.foreign_words()) == (self.page.url, [])
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), self.page.url

    def foreign_words(self) -> list[str]:
        """What stands on the page in the other language, seen or only read aloud."""
        texts = [_PLAIN.sub(" ", text) for text in self.page.evaluate(_WORDS, _NAMES)]
        if self.language == "en":
            return [text for text in texts if _HAN.search(text)]
        texts = [SAME_IN_CHINESE.sub(" ", text) for text in texts]
        return [text for text in texts if (_SMALL if _HAN.search(text) else _LATIN).search(text)]

    def letters(self, kind: str) -> list[dict[str, Any]]:
        """What reached the customer's address, newest first, once everything due is done."""
        self.stack.control("POST", "/drain")
        found = self.stack.control("GET", "/messages", params={"to": self.email})["data"]
        return [letter for letter in found if letter["kind"] == kind]

    def charges(self) -> list[dict[str, Any]]:
        """The provider's books for the order on the page."""
        order = re.search(r"/orders/(ord_\w+)/", self.page.url)
        assert order, self.page.url
        found: list[dict[str, Any]] = self.stack.control("GET", "/charges", params={"order": order[1]})[
            "data"
        ]
        return found

    # Doing

    def send(self, form: str, **values: str) -> None:
        """Fill in the form with this target, and press its first button."""
        sent = self.page.locator(f"main form[method=post][action$='{form}']").first
        for name, value in values.items():
            sent.locator(f"[name={name}]").fill(value)
        sent.locator("button[type=submit], button:not([type])").first.click()

    def register(self) -> None:
        """By e-mail, as far as the page that sends one to the letter box."""
        self.seen(r"/register/")
        self.send("/register/", email=self.email, password=PASSWORD)
        self.seen(r"/register/done/")

    def follow_welcome_link(self) -> None:
        """Open the newest welcome mail and press its link."""
        letter = self.letters("welcome")[0]
        link = re.search(r"https?://\S+/welcome/[\w-]+/", letter["text"])
        assert link, letter["text"]
        self.page.goto(link[0])

    def sign_in(self, login: str = "", password: str = PASSWORD) -> None:
        """By password."""
        self.page.goto(f"{self.home}/sign-in/")
        self.send("/sign-in/", login=login or self.email, password=password)
        self.page.wait_for_url("**/account/")

    def choose(self) -> None:
        """Take the first plan on the page that tells a new expiry or works from now on."""
        card = self.page.locator("article.plan").first
        card.locator(".choose form button, .choose a.button").click()

    def order(self) -> None:
        """Agree with the offer."""
        self.seen(r"/quotes/quo_")
        confirmed = self.page.locator("[name=confirmed]")
        if confirmed.count():
            confirmed.check()
        self.page.locator("form:has([name=token]) button").click()
        self.seen(r"/orders/ord_\w+/pay/")

    def start_paying(self) -> None:
        """Choose the card; leads to the payment service's page."""
        self.page.locator("[name=method][value=card]").check()
        self.page.locator("main form.sheet > button").click()
        self.on_the_hosted_page()

    def on_the_hosted_page(self) -> None:
        """The payment service speaks the customer's language too."""
        self.page.wait_for_url(f"{self.stack.sandbox_url}/**")
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile(f"^{self.language[:2]}"))
        assert self.foreign_words() == []

    def give_card(self, number: str) -> None:
        """Fill in the hosted page."""
        for name, value in {"number": number, "expiry": "12/40", "cvc": "123"}.items():
            self.page.locator(f"[name={name}]").fill(value)
        self.page.locator("button[name=action][value=pay]").click()

    def approve(self) -> None:
        """Say yes to the bank."""
        self.on_the_hosted_page()
        self.page.locator("button[name=action][value=approve]").click()

    # Tracking

    def situation(self, key: str) -> Locator:
        """The order's page says so, by itself."""
        self.page.wait_for_url(re.compile(r"/orders/ord_\w+/(\?|$)"))
        found = self.page.locator(f"[data-situation='{key}']")
        expect(found).to_be_visible(timeout=60_000)
        return found

    def number(self) -> str:
        """The order's number, from the heading."""
        found = re.search(r"[A-Z]{3}-\d\d-[0-9A-Z]{6}", self.page.locator("h1").inner_text())
        assert found
        return found[0]

    def steps(self) -> list[str]:
        """The order's steps, as the page lists them."""
        listed = self.page.locator("ol.timeline li")
        return list(listed.evaluate_all("items => items.map(item => item.dataset.event)"))


def window(browser: Browser, language: str, width: int, *, scripts: bool = True) -> BrowserContext:
    """A private window of this width, on a computer that speaks this language."""
    locale, zone = PLACES[language]
    return browser.new_context(
        viewport={"width": width, "height": 844},
        locale=locale,
        timezone_id=zone,
        java_script_enabled=scripts,
    )
