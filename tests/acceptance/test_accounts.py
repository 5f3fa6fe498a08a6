"""Customers, sessions, the profile; the welcome mail and what a taken address gets."""

import re
from datetime import datetime, timedelta

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import PASSWORD, Api, Person, Sandbox, good

pytestmark = pytest.mark.stack

CUSTOMER = {"id", "email", "phone", "locale", "timezone", "currency"}


def test_a_customer_registers_and_signs_in_at_once(anyone: Api) -> None:
    body = {"email": "First.Light@customer.example", "password": PASSWORD, "timezone": "Asia/Tokyo"}

    made = anyone.post("/customers", body)
    session = anyone.post("/sessions", {"login": "first.light@customer.example", "password": PASSWORD})

    assert made.keys() >= CUSTOMER
    assert made["id"].startswith("cus_")
    assert (made["locale"], made["timezone"], made["currency"]) == ("zh-hans", "Asia/Tokyo", "USD")
    assert session.keys() >= {"token", "expires_at", "customer"}
    assert session["customer"] == made
    me = good(anyone.call("GET", "/me", headers={"Authorization": f"Bearer {session['token']}"}), 200)
    assert me == made


def test_a_phone_number_is_a_login_too(anyone: Api) -> None:
    made = anyone.post("/customers", {"phone": "+4915112345601", "password": PASSWORD})

    session = anyone.post("/sessions", {"login": "+4915112345601", "password": PASSWORD})

    assert (made["phone"], made["email"]) == ("+4915112345601", None)
    assert session["customer"]["id"] == made["id"]


def test_a_session_lives_thirty_days_at_least_and_ends_when_told(sandbox: Sandbox, person: Person) -> None:
    lives = datetime.fromisoformat(person.session["expires_at"]) - datetime.fromisoformat(sandbox.now())
    assert lives >= timedelta(days=29, hours=23)
    sandbox.advance(29 * 86400)
    person.get("/me")

    answer = person.call("DELETE", "/sessions/current")

    assert answer.status_code == 204
    assert person.call("GET", "/me").status_code == 401
    again = Person(person.shop, person.http, person.email)
    assert again.customer["id"] == person.customer["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"email": "not an address", "password": PASSWORD},
        {"phone": "12345", "password": PASSWORD},
        {"email": "x1@customer.example", "password": "short"},
        {"email": "x2@customer.example", "password": PASSWORD, "currency": "XXY"},
        {"email": "x3@customer.example", "password": PASSWORD, "timezone": "Mars/Base"},
        {"email": "x4@customer.example", "password": PASSWORD, "locale": "tlh"},
        {"email": "x5@customer.example"},
    ],
)
def test_registrations_that_cannot_be(anyone: Api, body: dict[str, str]) -> None:
    answer = anyone.call("POST", "/customers", body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"], answer.text
    if "email" in body:
        login = {"login": body["email"], "password": body.get("password", PASSWORD)}
        assert anyone.call("POST", "/sessions", login).status_code in {401, 422}


def test_a_taken_address_gets_the_same_answer_and_its_owner_a_mail(
    anyone: Api, sandbox: Sandbox, person: Person
) -> None:
    body = {"email": person.email, "password": "another-Quiet-word-77", "locale": "en", "currency": "USD"}

    answer = anyone.call("POST", "/customers", {**body, "timezone": "UTC"})
    sandbox.drain()

    made = good(answer, 201)
    assert made.keys() == person.customer.keys()
    assert made["email"] == person.email
    assert made["id"] != person.customer["id"]
    assert {type(value) for value in made.values()} == {type(v) for v in person.customer.values()}
    refused = {"login": person.email, "password": "another-Quiet-word-77"}
    assert anyone.call("POST", "/sessions", refused).status_code == 401
    assert [mail["kind"] for mail in sandbox.messages(person.email)].count("welcome") == 1
    assert len(sandbox.messages(person.email)) == 2


def test_wrong_logins_are_all_the_same(anyone: Api, person: Person) -> None:
    known = anyone.call("POST", "/sessions", {"login": person.email, "password": "wrong"})
    unknown = anyone.call("POST", "/sessions", {"login": "nobody@customer.example", "password": "wrong"})

    assert known.status_code == unknown.status_code == 401
    strip = {"request_id"}
    one, other = ({k: v for k, v in each.json().items() if k not in strip} for each in (known, unknown))
    assert one == other


def test_guessing_is_slowed_down(world: World, anyone: Api) -> None:
    guessed = world.register()
    answers = [
        anyone.call("POST", "/sessions", {"login": guessed.email, "password": f"wrong-{n}"})
        for n in range(12)
    ]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "rate_limited"
    assert world.register().get("/me")


def test_the_profile_is_changed_by_what_was_sent(person: Person) -> None:
    before = person.get("/me")

    changed = good(person.call("PATCH", "/me", {"timezone": "Europe/Berlin", "locale": "zh-hans"}), 200)

    assert changed == {**before, "timezone": "Europe/Berlin", "locale": "zh-hans"}
    assert person.get("/me") == changed
    wrong: list[dict[str, object]] = [{"timezone": "Nowhere"}, {"currency": 5}, {"locale": "tlh"}]
    for body in wrong:
        assert person.call("PATCH", "/me", body).status_code == 422
    assert person.call("PATCH", "/me", {"email": "other@customer.example"}).status_code == 422
    assert person.get("/me") == changed


def test_the_welcome_link_verifies_signs_in_and_works_once(sandbox: Sandbox, person: Person) -> None:
    sandbox.drain()
    [mail] = sandbox.messages(person.email)
    assert mail.keys() >= {"id", "channel", "to", "kind", "subject", "text", "html", "attachments", "at"}
    assert (mail["channel"], mail["to"], mail["attachments"]) == ("email", person.email, [])
    assert person.get("/me")["email_verified"] is False
    [link] = re.findall(rf"{re.escape(person.shop)}/\S+", mail["text"])
    assert link in mail["html"].replace("&amp;", "&")

    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        if person.get("/me")["email_verified"] is False:  # a page that asks: mail scanners open links too
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            data = {"csrfmiddlewaretoken": token[1]} if token else {}
            page = browser.post(link, data=data, headers={"Referer": link})
        assert page.status_code == 200
        account = browser.get(f"{person.shop}/account/")

    assert person.get("/me")["email_verified"] is True
    assert account.status_code == 200
    with httpx.Client(follow_redirects=True) as stranger:
        page = stranger.get(link)
        assert not stranger.cookies.get("sessionid")
        assert page.status_code < 500


def test_the_welcome_link_ends_after_a_day(sandbox: Sandbox, person: Person) -> None:
    sandbox.drain()
    [mail] = sandbox.messages(person.email)
    [link] = re.findall(rf"{re.escape(person.shop)}/\S+", mail["text"])
    sandbox.advance(24 * 3600 + 60)

    with httpx.Client(follow_redirects=True) as late:
        page = late.get(link)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if token:
            late.post(link, data={"csrfmiddlewaretoken": token[1]}, headers={"Referer": link})

    assert person.get("/me")["email_verified"] is False


def test_the_demo_customers_that_were_printed_sign_in(world: World) -> None:
    logins = re.findall(r"sign in as (\S+) with the password (\S+)", world.product.log)

    assert logins
    for login, password in logins:
        demo = world.sign_in(login, password)
        assert demo.get("/lines")["data"], login
