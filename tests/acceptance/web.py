"""A stranger's tools: an HTTP client of the shop, one of the sandbox, a browser without script or cookie."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

Json = dict[str, Any]
TIMEOUT = httpx.Timeout(90.0, connect=5.0)
PASSWORD = "quiet-lantern-42-harbour"
GOOD = "4242424242424242"
DECLINED = "4000000000000002"
NO_FUNDS = "4000000000009995"
THREE_D_SECURE = "4000002500003155"
GOOD_RENEWAL = [
    "order.placed",
    "payment.started",
    "payment.captured",
    "fulfilment.started",
    "period.opened",
    "order.fulfilled",
    "confirmation.sent",
]


def new_key() -> str:
    """An idempotency key that nobody used."""
    return uuid.uuid4().hex


class Api:
    """Calls of `/api/v1` with or without a token; English unless another language is asked for."""

    def __init__(self, shop: str, http: httpx.Client, token: str = "") -> None:
        self.shop = shop
        self.http = http
        self.token = token

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> httpx.Response:
        """One call and its answer, whatever it is."""
        sent = {"Accept-Language": "en", **(headers or {})}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        url = path if path.startswith("http") else f"{self.shop}/api/v1{path}"
        return self.http.request(method, url, json=body, headers=sent, params=query or None)

    def get(self, path: str, **query: Any) -> Json:
        """The body of a 200."""
        return good(self.call("GET", path, **query), 200)

    def post(self, path: str, body: Any = None, *, key: str | None = None, status: int = 201) -> Json:
        """The body of a success."""
        return good(self.call("POST", path, body, key=key), status)

    def refused(self, code: str, status: int, method: str, path: str, body: Any = None, **more: Any) -> Json:
        """The problem document of a refusal with this code and status."""
        return problem(self.call(method, path, body, **more), status, code)

    def all(self, path: str, **query: Any) -> list[Json]:
        """A whole list, page by page."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            found += page["data"]
            cursor = page["next_cursor"]
        return found


class Person(Api):
    """A customer with a token, and what a customer does."""

    def __init__(self, shop: str, http: httpx.Client, email: str, password: str = PASSWORD) -> None:
        super().__init__(shop, http)
        self.email = email
        self.session = self.post("/sessions", {"login": email, "password": password})
        self.token = self.session["token"]
        self.customer: Json = self.session["customer"]

    def plan(self, unit: str = "month", **query: Any) -> Json:
        """A plan of one such term that prolongs."""
        wanted = (1, "extend", "on_purchase")
        for plan in self.all("/plans", term=unit, **query):
            if (plan["term"]["count"], plan["renewal_policy"], plan["start_policy"]) == wanted:
                return plan
        raise AssertionError(f"no plan of one {unit}")

    def quote(self, line: str | None, plan: str, quantity: int = 1, **more: Any) -> Json:
        """What it would cost, and until when the line would work."""
        return self.post("/quotes", {"line": line, "plan": plan, "quantity": quantity, **more})

    def order(self, line: str | None = None, unit: str = "month") -> Json:
        """An order that waits for its payment."""
        quote = self.quote(line, self.plan(unit)["id"])
        return self.post("/orders", {"quote": quote["id"]}, key=new_key())

    def attempt(self, order: Json, method: str = "card", key: str | None = None) -> Json:
        """A started payment."""
        body = {"method": method, "return_url": self.return_url}
        return self.post(f"/orders/{order['id']}/attempts", body, key=key or new_key())

    @property
    def return_url(self) -> str:
        """A page of the shop that need not exist."""
        return f"{self.shop}/back/from?payment=1"

    def read(self, order: Json) -> Json:
        """The order as it is now."""
        return self.get(f"/orders/{order['id']}")

    def events(self, order: Json) -> list[str]:
        """The names of the order's steps."""
        return [step["event"] for step in self.read(order)["timeline"]]


class Sandbox:
    """The control API."""

    def __init__(self, url: str, http: httpx.Client, token: str) -> None:
        self.url = url
        self.http = http
        self.headers = {"X-Sandbox-Token": token}
        self.moved = 0

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """One call and its answer, whatever it is."""
        url = f"{self.url}/control{path}"
        return self.http.request(method, url, json=body, params=query or None, headers=self.headers)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Json:
        """The body of a success."""
        answer = self.call(method, path, body, **query)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}

    def drain(self) -> list[Any]:
        """Everything due is done; what that was."""
        return list(self.ask("POST", "/drain")["executed"])

    def fail(self, at: str, fault: str, times: int = 1, **more: Any) -> None:
        """A fault plan with one entry."""
        self.ask("POST", "/faults", {"seed": 7, "plan": [{"at": at, "fault": fault, "times": times, **more}]})

    def advance(self, seconds: int) -> str:
        """Move the clock; the instant it shows."""
        self.moved += seconds
        return str(self.ask("POST", "/clock", {"advance_seconds": seconds})["now"])

    def rest(self) -> None:
        """No faults, and the clock where it was before it was moved: back, that is, all at once."""
        self.ask("DELETE", "/faults")
        if self.moved:
            self.advance(-self.moved)

    def now(self) -> str:
        """The instant that the business has."""
        return str(self.ask("GET", "/clock")["now"])

    def messages(self, to: str) -> list[Json]:
        """What reached an address, newest first."""
        return list(self.ask("GET", "/messages", to=to)["data"])

    def charges(self, order: Json) -> list[Json]:
        """The provider's own books for an order."""
        return list(self.ask("GET", "/charges", order=order["id"])["data"])


def good(answer: httpx.Response, status: int) -> Json:
    """The body, when the status is this one."""
    where = f"{answer.request.method} {answer.request.url}"
    assert answer.status_code == status, f"{where}: {answer.status_code} {answer.text}"
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    found: Json = answer.json()
    return found


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem document, when it is one of this status and code."""
    where = f"{answer.request.method} {answer.request.url}"
    assert answer.status_code == status, f"{where}: {answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json", where
    document: Json = answer.json()
    assert {"type", "title", "status", "code", "detail", "request_id"} <= document.keys(), document
    assert (document["status"], document["code"]) == (status, code), document
    assert document["request_id"] == answer.headers["X-Request-Id"]
    assert isinstance(document["type"], str)
    assert document["title"]
    assert document["detail"]
    for each in document.get("errors", []):
        assert {"field", "code", "message"} <= each.keys(), document
    return document


@dataclass
class Form:
    """A form's target and its fields with the values they have."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, set[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], values.get("name", "")
        if tag == "select":
            self._select = name
        if tag == "option" and self._select:
            form.choices.setdefault(self._select, set()).add(values.get("value", ""))
        if tag in {"input", "select", "button", "textarea"} and name:
            form.choices.setdefault(name, set()).add(values.get("value", ""))
            if values.get("type") in {"hidden", "text"} or "checked" in values:
                form.fields.setdefault(name, values.get("value", ""))


class Browser:
    """Neither cookies nor script. It follows no redirect by itself: where to is what tests want to know."""

    def open(self, url: str) -> httpx.Response:
        """A page."""
        return httpx.get(url, timeout=TIMEOUT)

    def form(self, url: str) -> Form:
        """The one form of a page."""
        page = self.open(url)
        assert page.status_code == 200, f"{url}: {page.status_code} {page.text[:500]}"
        assert "set-cookie" not in page.headers
        reader = _Reader()
        reader.feed(page.text)
        assert len(reader.forms) == 1, f"{len(reader.forms)} forms at {url}"
        form = reader.forms[0]
        assert form.method == "post"
        form.action = urljoin(url, form.action) if form.action else url
        return form

    def send(self, url: str, **values: str) -> httpx.Response:
        """The page's form with these values."""
        form = self.form(url)
        return httpx.post(form.action, data={**form.fields, **values}, timeout=TIMEOUT)

    def leads_to(self, url: str, **values: str) -> str:
        """Where the page's form leads."""
        answer = self.send(url, **values)
        assert answer.status_code == 303, f"{url}: {answer.status_code} {answer.text[:500]}"
        return urljoin(url, answer.headers["Location"])

    def pay(self, attempt: Json, number: str = GOOD, **values: str) -> str:
        """Pay by card on the hosted page; where it leads."""
        card = {"method": "card", "number": number, "expiry": "12/40", "cvc": "123"}
        return self.leads_to(attempt["next_action"]["url"], **{**card, **values})


class Window:
    """A browser of one person: cookies, a language, forms with the secrets of their pages; no script."""

    def __init__(self, shop: str, language: str = "en", **headers: str) -> None:
        self.shop = shop
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self.http = httpx.Client(
            base_url=shop,
            timeout=TIMEOUT,
            headers={"Accept-Language": language, **named},
            limits=httpx.Limits(max_keepalive_connections=0),  # nothing stays open that nobody closes
        )

    def open(self, path: str) -> httpx.Response:
        """A page, or where it leads."""
        return self.http.get(path)

    def page(self, path: str) -> str:
        """The words of a page that is there, one blank between them."""
        answer = self.open(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.headers.get('Location')}"
        return words(answer.text)

    def submit(self, path: str, action: str = "", **values: str) -> httpx.Response:
        """The page's form with this target (its own address if none is given), filled in."""
        reader = _Reader()
        reader.feed(self.open(path).text)
        wanted = action or path
        found = [form for form in reader.forms if form.method == "post" and (form.action or path) == wanted]
        assert found, f"no such form on {path}: {[form.action for form in reader.forms]}"
        return self.http.post(wanted, data={**found[0].fields, **values})

    def sign_in(self, login: str, password: str = PASSWORD) -> "Window":
        """By password."""
        answer = self.submit("/sign-in/", "/sign-in/", login=login, password=password)
        assert answer.status_code == 303, words(answer.text)
        return self


def words(html: str) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"(?s)<(script|style|svg|title)\b.*?</\1>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
