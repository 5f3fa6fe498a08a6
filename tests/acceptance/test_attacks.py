"""What strangers try with a browser: other people's things, scripts in texts, redirects, planted sessions."""

import re
import uuid
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import PASSWORD, TIMEOUT, Json, Person, Window, new_key

pytestmark = pytest.mark.stack

SCRIPT = "<script>alert('x')</script>"
QUOTES = "\"'><img src=x onerror=alert(1)>"
ESCAPED = "&lt;script&gt;alert("


class Alive(HTMLParser):
    """What of a page would run: scripts without a file, handlers, pictures that nobody put there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        told = values.get("type") == "application/ld+json"
        if tag == "script" and "src" not in values and not told:
            self.found.append(tag)
        if values.get("src") == "x" or any(name.startswith("on") for name in values):
            self.found.append(self.get_starttag_text() or tag)
        if any((values.get(name) or "").startswith("javascript:") for name in ("href", "action")):
            self.found.append(self.get_starttag_text() or tag)


def alive(html: str) -> list[str]:
    """The same for any text."""
    return Alive(html).found


@dataclass(frozen=True)
class Victim:
    """A customer with a paid line, an open payment and an offer."""

    person: Person
    line: str
    paid: Json
    waiting: Json
    attempt: Json
    quote: Json

    @property
    def pages(self) -> list[str]:
        """Every page that names one of these things."""
        order = f"/orders/{self.waiting['id']}/"
        return [
            f"/lines/{self.line}/",
            f"/lines/{self.line}/renew/",
            f"/lines/{self.line}/renew/compare/",
            f"/quotes/{self.quote['id']}/",
            f"/quotes/new/?plan={self.quote['plan']}&line={self.line}",
            order,
            f"{order}events/",
            f"{order}pay/",
            f"{order}return/",
            f"{order}return/{self.attempt['id']}/",
            f"/orders/{self.paid['id']}/",
            f"/orders/{self.paid['id']}/receipt/",
        ]

    @property
    def forms(self) -> list[str]:
        """Where its owner's forms lead."""
        order = f"/orders/{self.waiting['id']}/"
        return [
            f"/lines/{self.line}/",
            f"/quotes/{self.quote['id']}/",
            f"{order}pay/",
            f"{order}cancel/",
            f"{order}attempts/{self.attempt['id']}/cancel/",
        ]


@pytest.fixture(scope="module")
def victim(world: World) -> Victim:
    person = world.register()
    paid = world.buy(person)
    [line] = person.get("/lines")["data"]
    waiting = person.order(line["id"])
    attempt = person.attempt(waiting)
    return Victim(person, line["id"], paid, waiting, attempt, person.quote(line["id"], paid["plan"]))


@pytest.fixture(scope="module")
def stranger(world: World) -> Window:
    return Window(world.product.url).sign_in(world.register().email)


def test_other_peoples_pages_are_not_there(victim: Victim, stranger: Window) -> None:
    visitor = Window(stranger.shop)
    for path in victim.pages:
        theirs = stranger.open(path)
        assert theirs.status_code == 404, path
        for secret in (victim.person.email, victim.paid["number"], "LPA:1$"):
            assert secret not in theirs.text, path
        asked = visitor.open(path)
        if path.startswith("/quotes/new/"):
            assert asked.status_code in {200, 404}
        else:
            assert (asked.status_code, asked.headers["Location"][:14]) == (303, "/sign-in/?next"), path


def test_nobody_acts_for_somebody_else(world: World, victim: Victim, stranger: Window) -> None:
    stranger.open("/account/")
    secret = stranger.http.cookies["csrftoken"]
    form = {"csrfmiddlewaretoken": secret, "label": "mine", "method": "card", "token": "t"}

    for path in victim.forms:
        assert stranger.http.post(path, data=form).status_code == 404, path
        assert stranger.http.post(path, data={"label": "mine"}).status_code == 403, path
    form |= {"plan": victim.quote["plan"], "line": victim.line, "quantity": "1"}
    assert stranger.http.post("/quotes/", data=form).status_code == 404

    after = victim.person.read(victim.waiting)
    assert (after["status"], len(after["attempts"])) == ("awaiting_payment", 1)
    assert after["attempts"][0]["status"] == "requires_action"
    assert victim.person.get(f"/lines/{victim.line}")["label"] == ""
    assert [each["captured"] for each in world.sandbox.charges(victim.waiting)] == [0]


def test_a_receipt_is_its_owners_alone(world: World, victim: Victim, person: Person) -> None:
    path = f"/orders/{victim.paid['id']}/receipt"

    person.refused("not_found", 404, "GET", path)
    world.anyone.refused("login_required", 401, "GET", path)

    mine = victim.person.call("GET", path)
    assert mine.content.startswith(b"%PDF")
    assert b"/JavaScript" not in mine.content


def test_a_browsers_session_is_no_key_to_the_api(victim: Victim) -> None:
    window = Window(victim.person.shop).sign_in(victim.person.email)

    calls = [("GET", "/me"), ("GET", "/orders"), ("POST", "/quotes"), ("DELETE", "/sessions/current")]
    for method, path in calls:
        answer = window.http.request(method, f"/api/v1{path}", headers={"Idempotency-Key": new_key()})
        assert answer.status_code == 401, path
    assert window.open("/account/").status_code == 200


def test_a_script_in_any_text_stays_a_text(world: World, person: Person) -> None:
    agent = f"{SCRIPT} {QUOTES}"
    window = Window(person.shop, User_Agent=agent).sign_in(person.email)
    world.buy(person)
    [line] = person.get("/lines")["data"]
    label = f"{SCRIPT}{QUOTES}"[:60]
    assert window.submit(f"/lines/{line['id']}/", label=label).status_code == 303
    order = person.order(line["id"])
    quote = person.quote(line["id"], order["plan"])

    shown = {
        path: window.open(path).text
        for path in (
            "/account/",
            f"/lines/{line['id']}/",
            f"/lines/{line['id']}/renew/",
            f"/quotes/{quote['id']}/",
            f"/orders/{order['id']}/",
            f"/orders/{order['id']}/pay/",
            "/orders/",
            "/settings/sessions/",
            "/settings/security/",
        )
    }

    assert [path for path, html in shown.items() if alive(html)] == []
    for path in ("/account/", f"/lines/{line['id']}/", f"/orders/{order['id']}/"):
        assert ESCAPED in shown[path], path
    for mail in world.sandbox.messages(person.email):
        assert alive(mail["html"]) == [], mail["kind"]
    assert person.get(f"/lines/{line['id']}")["label"] == label


@pytest.mark.parametrize("text", [SCRIPT, QUOTES])
def test_a_script_that_was_typed_or_linked_comes_back_as_text(person: Person, text: str) -> None:
    window = Window(person.shop)
    tries = [
        ("/register/", "/register/", {"email": text, "phone": text, "password": PASSWORD, "timezone": text}),
        ("/sign-in/", "/sign-in/", {"login": text, "password": text, "next": text}),
        ("/sign-in/code/", "/sign-in/code/", {"login": text}),
        ("/recover/", "/recover/", {"login": text}),
    ]
    answers = [window.submit(path, action, **form) for path, action, form in tries]
    signed = Window(person.shop).sign_in(person.email)
    answers += [
        signed.submit("/settings/", "/settings/", timezone=text, locale=text, currency=text),
        signed.submit("/settings/email/", "/settings/email/", email=text),
        signed.submit("/settings/phone/", "/settings/phone/", phone=text),
    ]
    links = [
        "/destinations/?q={}",
        "/destinations/suggest/?q={}",
        "/plans/?term={}&country={}&volume={}&sort={}&compare={}",
        "/plans/compare/?compare={}",
        "/sign-in/?next={}",
        "/register/?next={}",
        "/quotes/new/?plan={}",
        "/?term={}",
        "/{}",
    ]
    answers += [window.open(link.replace("{}", str(httpx.QueryParams({"": text}))[1:])) for link in links]

    for answer in answers:
        assert answer.status_code < 500, answer.url
        assert alive(answer.text) == [], answer.url
    assert sum("&lt;" in answer.text or "&quot;" in answer.text for answer in answers) > 4, "it was shown"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_link_of_ours_leads_elsewhere(person: Person, wanted: str) -> None:
    window = Window(person.shop)
    first = window.submit("/sign-in/", "/sign-in/", login=person.email, password=PASSWORD, next=wanted)
    again = window.http.get("/sign-in/", params={"next": wanted})
    language = window.submit("/account/", "/language/", language="en", next=wanted)
    theme = window.submit("/account/", "/theme/", theme="dark", next=wanted)

    places = [answer.headers["Location"] for answer in (first, again, language, theme)]

    assert places == ["/account/", "/account/", "/", "/"]


def test_a_host_that_a_proxy_names_is_not_believed(person: Person) -> None:
    window = Window(person.shop, X_Forwarded_Host="evil.example", Forwarded="host=evil.example")

    pages = [window.open(path) for path in ("/", "/plans/", "/register/", "/robots.txt", "/sitemap.xml")]

    assert all("evil.example" not in page.text + str(page.headers) for page in pages)
    assert httpx.get(person.shop, headers={"Host": "evil.example"}, timeout=TIMEOUT).status_code == 400


def test_a_planted_session_never_becomes_somebodys(person: Person) -> None:
    planted = uuid.uuid4().hex
    window = Window(person.shop)
    window.http.cookies.set("sessionid", planted)
    window.sign_in(person.email)

    thief = httpx.get(f"{person.shop}/account/", headers={"Cookie": f"sessionid={planted}"}, timeout=TIMEOUT)

    keys = {cookie.value for cookie in window.http.cookies.jar if cookie.name == "sessionid"}
    assert keys - {planted}
    assert thief.status_code == 303
    assert thief.headers["Location"].startswith("/sign-in/")


def test_pages_tell_nobody_who_has_an_account(world: World, person: Person) -> None:
    logins = [person.email, f"{uuid.uuid4().hex[:12]}@customer.example"]
    forms: list[tuple[str, dict[str, str], str]] = [
        ("/sign-in/", {"password": "not-the-password-42"}, "login"),
        ("/sign-in/code/", {}, "login"),
        ("/recover/", {}, "login"),
        ("/register/", {"password": PASSWORD}, "email"),
    ]

    for path, form, name in forms:
        told = []
        for login in logins:
            window = Window(world.product.url)
            answer = window.submit(path, path, **form, **{name: login})
            page = window.open(answer.headers["Location"]) if answer.is_redirect else answer
            text = re.sub(r'name="(csrfmiddlewaretoken|token)" value="[^"]*"', "", page.text)
            told.append((answer.status_code, answer.headers.get("Location"), text.replace(login, "LOGIN")))
        assert told[0] == told[1], path
