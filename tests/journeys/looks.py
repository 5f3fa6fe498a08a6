"""Which pages there are, and what is asked of every one of them; the list is central, so none is forgotten.

Each page is looked at in both languages and both themes, at 320 pixels, at twice the text size, and while it
loads for the first time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.portal.stack import Stack

PASSWORD: Final = "everline-demo"
#: Language → what browsers ask for, a demo customer who speaks it and has a line in service, and a theme.
#: Pages are the same in both themes but for their colours, so that each of them needs one language.
LANGUAGES: Final[dict[str, tuple[str, str, Literal["light", "dark"]]]] = {
    "zh-Hans": ("zh-CN", "demo@example.com", "light"),
    "en": ("en-US", "sam@example.com", "dark"),
}
LARGEST_LOAD: Final = 100_000
PHONE, NARROW = {"width": 390, "height": 844}, {"width": 320, "height": 640}

#: Counts what moves while a page loads; a page is calm if it stays at 0.
WATCH_SHIFTS: Final = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput && entry.value >= 0.00005) {
      const names = entry.sources.map((source) => source.node?.outerHTML?.slice(0, 80) ?? "");
      window.shifts.push(`${entry.value.toFixed(4)} ${names.join(" | ")}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""
_SETTLED = """async () => {
  await document.fonts.ready;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return window.shifts;
}"""
_LOADED = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .map((entry) => [new URL(entry.name).pathname, entry.encodedBodySize])"""
_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const rolls = (node) => {
    for (let up = node.parentElement; up; up = up.parentElement) {
      if (/auto|scroll|hidden/.test(getComputedStyle(up).overflowX)) return true;
    }
    return false;
  };
  const found = [...document.body.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().right > width + 0.5 && !rolls(node))
    .map((node) => node.outerHTML.slice(0, 90));
  return found.slice(-3).concat(`${document.documentElement.scrollWidth} > ${width}`);
}"""


@dataclass(frozen=True, slots=True)
class Screen:
    """One page. `path` may hold places like `{line}`; `first` is a page whose form leads there."""

    name: str
    path: str
    own: bool = False
    first: tuple[str, Mapping[str, str]] | None = None
    status: int = 200


#: Every page of the portal by its route; more than one screen where a page has faces of its own.
SCREENS: Final = (
    Screen("landing", "/"),
    Screen("destinations", "/destinations/"),
    Screen("destinations found", "/destinations/?q=a"),
    Screen("destinations none", "/destinations/?q=atlantis"),
    Screen("plans", "/plans/"),
    Screen("plans filtered", "/plans/?term=month&country=JP&volume=3"),
    Screen("plans none", "/plans/?term=year&country=JP&volume=500"),
    Screen("place", "/plans/japan/"),
    Screen("compare", "/plans/compare/?compare={plan}&compare={other}"),
    Screen("register", "/register/"),
    Screen(
        "register refused", "/register/", first=("/register/", {"email": "ann@", "password": "x"}), status=422
    ),
    Screen("registered", "/register/done/"),
    Screen("welcome refused", "/welcome/no-such-token/", status=422),
    Screen("sign-in", "/sign-in/"),
    Screen(
        "sign-in refused", "/sign-in/", first=("/sign-in/", {"login": "ann", "password": "x"}), status=422
    ),
    Screen("code", "/sign-in/code/"),
    Screen("code-enter", "/sign-in/code/enter/", first=("/sign-in/code/", {"login": "nobody@example.com"})),
    Screen("recover", "/recover/"),
    Screen("recover-enter", "/recover/enter/", first=("/recover/", {"login": "nobody@example.com"})),
    Screen("account", "/account/", own=True),
    Screen("line", "/lines/{line}/", own=True),
    Screen("line usage", "/lines/{line}/?by=month", own=True),
    Screen("new-line", "/lines/new/", own=True),
    Screen("compare-new", "/lines/new/compare/?compare={plan}&compare={other}", own=True),
    Screen("renew", "/lines/{line}/renew/", own=True),
    Screen("compare-renew", "/lines/{line}/renew/compare/?compare={plan}&compare={other}", own=True),
    Screen("quote", "/quotes/{quote}/", own=True),
    Screen("pay", "/orders/{unpaid}/pay/", own=True),
    Screen("order unpaid", "/orders/{unpaid}/", own=True),
    Screen("order paying", "/orders/{paying}/", own=True),
    Screen("order declined", "/orders/{declined}/", own=True),
    Screen("order fulfilled", "/orders/{fulfilled}/", own=True),
    Screen("orders", "/orders/", own=True),
    Screen("settings", "/settings/", own=True),
    Screen("security", "/settings/security/", own=True),
    Screen("password", "/settings/password/", own=True),
    Screen("sessions", "/settings/sessions/", own=True),
    Screen("confirm", "/settings/confirm/", own=True),
    Screen("email", "/settings/email/", own=True),
    Screen("phone", "/settings/phone/", own=True),
    Screen("second-factor", "/settings/second-factor/", own=True),
    Screen("passkeys", "/settings/passkeys/", own=True),
    Screen("gallery", "/ui/"),
    Screen("mails", "/ui/mails/"),
    Screen("mail", "/ui/mails/welcome/en/"),
    *(Screen(f"error {code}", f"/ui/errors/{code}/", status=code) for code in (400, 403, 404, 429, 500, 503)),
    Screen("sandbox index", "{sandbox}/"),
    Screen("sandbox missing", "{sandbox}/nowhere", status=404),
    Screen("sandbox pay", "{pay}"),
    Screen("sandbox pay refused", "{pay}", first=("{pay}", {"number": "4242"}), status=422),
    Screen("sandbox wallet", "{wallet}"),
    Screen("sandbox paypal", "{paypal}"),
    Screen("sandbox 3-D Secure", "{challenge}"),
    Screen("sandbox abandoned", "{challenge}", first=("{challenge}", {"action": "abandon"})),
    Screen("sandbox paid", "{paid}"),
)
#: Routes that show no page of their own: forms' targets, files, streams, and steps that need a secret.
NO_PAGES: Final = {
    "language": "form",
    "theme": "form",
    "sign-out": "form",
    "quotes": "form",
    "checkout": "form",
    "cancel-order": "form",
    "cancel-attempt": "form",
    "code-again": "form",
    "recover-again": "form",
    "sessions-end": "form",
    "session-end": "form",
    "address-again": "form",
    "second-factor-off": "form",
    "passkey": "for a script",
    "passkey-options": "for a script",
    "passkey-add": "for a script",
    "passkey-add-options": "for a script",
    "proof": "for a script",
    "proof-options": "for a script",
    "suggest": "a piece of a page",
    "robots": "file",
    "sitemap": "file",
    "receipt": "file",
    "brand-css": "file",
    "brand-logo": "file",
    "mail-document": "a mail, whose look is its own",
    "order-events": "stream",
    "return": "leads on to the order",
    "return-attempt": "leads on to the order",
    "second": "after a password: the identity journeys",
    "address-code": "after an address: the identity journeys",
    "address-confirm": "after an address: the identity journeys",
    "recovery-codes": "after a proof: the identity journeys",
    "passkey-edit": "after a passkey: the identity journeys",
    "passkey-remove": "after a passkey: the identity journeys",
}


def route_names(patterns: Any) -> set[str]:
    """The names of these routes."""
    return {pattern.name for pattern in patterns}


def shown(screen: Screen) -> str:
    """The route that a screen shows."""
    return re.sub(r" .*", "", screen.name) if not screen.name.startswith("error ") else "error-page"


@dataclass(slots=True)
class Scene:
    """A customer's things in every state, made through the API, by the places of `Screen.path`."""

    stack: Stack
    login: str
    places: dict[str, str] = field(default_factory=dict)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))
    _keys: int = 0

    def make(self) -> dict[str, str]:
        """Everything that a screen may ask for."""
        session = self._post("/sessions", {"login": self.login, "password": PASSWORD})
        self._client.headers["Authorization"] = f"Bearer {session['token']}"
        plans = self._get("/plans?term=month")
        lines = [line for line in self._get("/lines") if line["service_state"] == "active"]
        self.places |= {"sandbox": self.stack.sandbox_url, "line": lines[0]["id"]}
        self.places |= {"plan": plans[0]["id"], "other": plans[1]["id"]}
        self.places["quote"] = self._quote()
        self.places["unpaid"] = self._order()
        self.places["paying"], self.places["pay"] = self._attempt("card")
        _, self.places["wallet"] = self._attempt("apple_pay")
        _, self.places["paypal"] = self._attempt("paypal")
        self.places["declined"], hosted = self._attempt("card")
        self._card(hosted, "4000000000009995")
        _, hosted = self._attempt("card")
        self.places["challenge"] = self._card(hosted, "4000002500003155")
        self.places["fulfilled"], self.places["paid"] = self._attempt("card")
        self._card(self.places["paid"], "4242424242424242")
        self.stack.control("POST", "/drain")
        self._client.close()
        return self.places

    def _quote(self) -> str:
        return str(self._post("/quotes", {"line": None, "plan": self.places["plan"]})["id"])

    def _order(self) -> str:
        return str(self._post("/orders", {"quote": self._quote()})["id"])

    def _attempt(self, method: str) -> tuple[str, str]:
        order = self._order()
        wanted = {"method": method, "return_url": f"{self.stack.url}/orders/{order}/return/"}
        attempt = self._post(f"/orders/{order}/attempts", wanted)
        return order, str(attempt["next_action"]["url"])

    def _card(self, url: str, number: str) -> str:
        answer = self._client.post(
            url, data={"method": "card", "number": number, "expiry": "12/40", "cvc": "123", "action": "pay"}
        )
        assert answer.status_code == 303, answer.text
        return str(httpx.URL(url).join(answer.headers["Location"]))

    def _get(self, path: str) -> Any:
        return self._answer(self._client.get(f"{self.stack.url}/api/v1{path}"))["data"]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        self._keys += 1
        headers = {"Idempotency-Key": f"look-{self.login}-{self._keys}"}
        return self._answer(self._client.post(f"{self.stack.url}/api/v1{path}", json=body, headers=headers))

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        assert answer.is_success, (answer.request.url, answer.status_code, answer.text)
        return answer.json()


def enter(context: BrowserContext, stack: Stack, login: str) -> None:
    """Sign in through the page, as people do."""
    page = context.new_page()
    page.goto(f"{stack.url}/sign-in/")
    page.fill("main input[name=login]", login)
    page.fill("main input[name=password]", PASSWORD)
    page.locator("main form:has(input[name=password]) button[type=submit]").first.click()
    page.wait_for_url("**/account/")
    page.close()


def open_screen(page: Page, stack: Stack, screen: Screen, places: Mapping[str, str]) -> list[str]:
    """Go there, over its first page where it has one; answers what was wrong on the way."""
    address = _address(stack, screen.path, places)
    answer = page.goto(address if screen.first is None else _address(stack, screen.first[0], places))
    if screen.first is not None:
        answer = _submit(page, screen.first[1])
    assert answer is not None
    wrong = [] if answer.status == screen.status else [f"answered {answer.status}"]
    if "{" not in screen.path and page.url.split("?")[0] != address.split("?")[0]:
        wrong.append(f"led to {page.url}")
    return wrong


def _submit(page: Page, values: Mapping[str, str]) -> Any:
    form = (
        page.locator("main form[method=post]").filter(has=page.locator(f"[name={next(iter(values))}]")).first
    )
    for name, value in values.items():
        if name != "action":
            form.locator(f"input[name={name}]").fill(value)
    action = f"button[value={values['action']}]" if "action" in values else "button[type=submit]"
    with page.expect_navigation() as arrived:
        form.locator(action).first.click()
    return arrived.value


def _address(stack: Stack, path: str, places: Mapping[str, str]) -> str:
    filled = path.format_map(dict(places))
    return filled if filled.startswith("http") else f"{stack.url}{filled}"


def moved(page: Page) -> list[str]:
    """What jumped while the page was loaded."""
    return [f"moved by {shift}" for shift in page.evaluate(_SETTLED)]


def heavy(page: Page) -> list[str]:
    """The parts of a load that is too large."""
    parts: list[tuple[str, int]] = page.evaluate(_LOADED)
    total = sum(size for _, size in parts)
    largest = sorted(parts, key=lambda part: -part[1])[:4]
    return [f"loads {total} bytes: {largest}"] if total > LARGEST_LOAD else []


def barred(page: Page) -> list[str]:
    """What axe finds, by all of its rules."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"axe {rule['id']}: {node['html'][:110]} {node['failureSummary'].splitlines()[-1].strip()[:160]}"
        for rule in found
        for node in rule["nodes"][:3]
    ]


def too_wide(page: Page) -> list[str]:
    """What sticks out at 320 pixels, and at 390 with letters twice as large."""
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    narrow = [f"320 px: {what}" for what in page.evaluate(_TOO_WIDE)]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    large = [f"200 %: {what}" for what in page.evaluate(_TOO_WIDE)]
    page.evaluate("document.documentElement.style.fontSize = ''")
    return narrow + large
