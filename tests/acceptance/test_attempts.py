"""Payments: what ends them, which of the ends are mailed, and what may be tried next."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.product import eventually
from tests.acceptance.web import (
    DECLINED,
    GOOD_RENEWAL,
    NO_FUNDS,
    THREE_D_SECURE,
    Browser,
    Json,
    Person,
    Sandbox,
    good,
    new_key,
    problem,
)

pytestmark = pytest.mark.stack


def mails_about(sandbox: Sandbox, person: Person, order: Json) -> list[Json]:
    """Mails that carry the order's number or its address, oldest first."""
    found = sandbox.messages(person.email)[::-1]
    return [each for each in found if order["number"] in each["text"] or order["id"] in each["text"]]


def ended(person: Person, order: Json) -> tuple[str, str]:
    attempt = person.read(order)["attempts"][-1]
    assert attempt["next_action"] is None
    return attempt["status"], attempt["failure"]["code"] if attempt["failure"] else ""


def test_an_attempt_leads_to_the_hosted_page(guest: Person, browser: Browser) -> None:
    order = guest.order()

    attempt = guest.attempt(order)

    assert attempt.keys() >= {"id", "status", "method", "amount", "next_action", "failure"}
    assert (attempt["status"], attempt["method"], attempt["failure"]) == ("requires_action", "card", None)
    assert attempt["amount"] == order["total"]
    assert attempt["next_action"].keys() == {"type", "url"}
    assert attempt["next_action"]["type"] == "redirect"
    form = browser.form(attempt["next_action"]["url"])
    assert form.choices.keys() >= {"method", "number", "expiry", "cvc", "action"}
    assert form.choices["action"] >= {"pay", "cancel"}
    assert guest.read(order)["attempts"] == [attempt]


@pytest.mark.parametrize(
    ("number", "code"), [(DECLINED, "generic_decline"), (NO_FUNDS, "insufficient_funds")]
)
def test_a_decline_ends_the_attempt_and_mails_once(
    world: World, sandbox: Sandbox, person: Person, number: str, code: str
) -> None:
    order = person.order()

    back = world.browser.pay(person.attempt(order), number)
    sandbox.drain()
    sandbox.advance(3600)
    sandbox.drain()

    assert back == person.return_url
    assert ended(person, order) == ("failed", code)
    assert person.read(order)["status"] == "awaiting_payment"
    assert person.read(order)["attempts"][0]["failure"]["message"]
    [mail] = mails_about(sandbox, person, order)
    assert mail["kind"] == "payment_failed"
    assert [(each["captured"], each["amount"]) for each in sandbox.charges(order)] == [(0, 0)]
    assert person.events(order) == ["order.placed", "payment.started", "payment.failed"]


def test_the_retry_link_of_the_failure_mail_works(world: World, sandbox: Sandbox, person: Person) -> None:
    order = person.order()
    world.browser.pay(person.attempt(order), DECLINED)
    sandbox.drain()
    [mail] = mails_about(sandbox, person, order)
    links = re.findall(rf"{re.escape(person.shop)}/\S+", mail["text"])
    [link] = [each for each in links if order["id"] in each]

    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        assert page.status_code == 200
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.url
        sign_in = {
            "csrfmiddlewaretoken": token[1],
            "login": person.email,
            "password": "quiet-lantern-42-harbour",
        }
        page = browser.post(str(page.url), data=sign_in, headers={"Referer": str(page.url)})

    assert page.status_code == 200
    assert order["number"] in page.text
    world.browser.pay(person.attempt(order))
    sandbox.drain()
    assert person.read(order)["status"] == "fulfilled"


def test_after_a_decline_another_method_pays(world: World, sandbox: Sandbox, person: Person) -> None:
    order = person.order()
    world.browser.pay(person.attempt(order), DECLINED)
    sandbox.drain()

    second = person.attempt(order, "paypal")
    form = world.browser.form(second["next_action"]["url"])
    assert form.choices["action"] == {"approve", "cancel"}
    back = world.browser.leads_to(second["next_action"]["url"], action="approve")
    sandbox.drain()

    assert back == person.return_url
    after = person.read(order)
    assert [each["status"] for each in after["attempts"]] == ["failed", "captured"]
    assert after["status"] == "fulfilled"
    assert sorted(each["captured"] for each in sandbox.charges(order)) == [0, order["total"]["amount"]]


@pytest.mark.parametrize("method", ["apple_pay", "google_pay", "alipay", "wechat_pay"])
def test_wallet_sheets_pay(world: World, guest: Person, method: str) -> None:
    order = guest.order(unit="day")

    attempt = guest.attempt(order, method)
    world.browser.leads_to(attempt["next_action"]["url"], method=method)
    world.sandbox.drain()

    assert guest.read(order)["status"] == "fulfilled"
    assert guest.read(order)["attempts"][0]["method"] == method


def three_d_secure(world: World, person: Person, order: Json) -> tuple[Json, str]:
    attempt = person.attempt(order)
    page = world.browser.pay(attempt, THREE_D_SECURE)
    assert page.startswith(world.sandbox.url)
    assert world.browser.form(page).choices["action"] == {"approve", "fail", "abandon"}
    return attempt, page


def test_an_approved_3d_secure_payment_fulfils(world: World, guest: Person) -> None:
    order = guest.order()
    _attempt, page = three_d_secure(world, guest, order)

    assert world.browser.leads_to(page, action="approve") == guest.return_url
    world.sandbox.drain()

    assert guest.events(order) == GOOD_RENEWAL


def test_a_failed_3d_secure_is_mailed(world: World, sandbox: Sandbox, person: Person) -> None:
    order = person.order()
    _attempt, page = three_d_secure(world, person, order)

    assert world.browser.leads_to(page, action="fail") == person.return_url
    sandbox.drain()

    assert ended(person, order) == ("failed", "authentication_failed")
    assert [mail["kind"] for mail in mails_about(sandbox, person, order)] == ["payment_failed"]


def test_an_abandoned_3d_secure_stays_open_until_cancelled(
    world: World, sandbox: Sandbox, person: Person
) -> None:
    order = person.order()
    attempt, page = three_d_secure(world, person, order)

    answer = world.browser.send(page, action="abandon")
    sandbox.drain()
    sandbox.advance(600)
    sandbox.drain()

    assert answer.status_code < 400
    assert person.return_url not in answer.headers.get("Location", "")
    assert person.read(order)["attempts"][0]["status"] in {"requires_action", "processing"}
    pay = {"method": "card", "return_url": person.return_url}
    path = f"/orders/{order['id']}/attempts"
    refusal = person.refused("attempt_open", 409, "POST", path, pay, key=new_key())
    assert attempt["id"] in refusal.values()
    cancelled = person.post(f"{path}/{attempt['id']}/cancel", status=200)
    assert (cancelled["status"], cancelled["failure"]["code"]) == ("failed", "cancelled")
    assert mails_about(sandbox, person, order) == []
    assert person.attempt(order)["status"] == "requires_action"


def test_cancelling_on_the_page_and_by_the_api_mail_nothing(
    world: World, sandbox: Sandbox, person: Person
) -> None:
    order = person.order()
    first = person.attempt(order)
    back = world.browser.leads_to(first["next_action"]["url"], action="cancel")
    sandbox.drain()
    assert back == person.return_url
    assert ended(person, order) == ("failed", "cancelled")

    second = person.attempt(order)
    path = f"/orders/{order['id']}/attempts/{second['id']}/cancel"
    cancelled = person.post(path, status=200)
    assert person.post(path, status=200) == cancelled

    assert ended(person, order) == ("failed", "cancelled")
    assert world.browser.open(second["next_action"]["url"]).status_code == 410
    sandbox.drain()
    assert mails_about(sandbox, person, order) == []
    assert person.read(order)["status"] == "awaiting_payment"


def test_cancelling_asks_the_provider_first(world: World, sandbox: Sandbox, person: Person) -> None:
    order = person.order()
    attempt = person.attempt(order)
    sandbox.fail("webhook", "lose", 3)
    world.browser.pay(attempt)

    answer = person.call("POST", f"/orders/{order['id']}/attempts/{attempt['id']}/cancel")
    sandbox.drain()

    assert answer.status_code in {200, 409}
    if answer.status_code == 200:
        assert good(answer, 200)["status"] == "captured"
    assert person.read(order)["status"] == "fulfilled"


def test_an_open_attempt_expires_with_its_order(sandbox: Sandbox, person: Person) -> None:
    order = person.order()
    person.attempt(order)

    sandbox.advance(24 * 3600 + 120)
    sandbox.drain()

    assert ended(person, order) == ("failed", "expired")
    assert person.read(order)["status"] == "expired"
    assert "payment_failed" not in {mail["kind"] for mail in mails_about(sandbox, person, order)}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "/relative",
        "",
        "http://localhost@evil.example/",
        "http://localhost.evil.example/",
        "ftp://localhost/",
        "x" * 5000,
    ],
)
def test_return_urls_of_others_are_refused(guest: Person, url: str) -> None:
    order = guest.order(unit="day")

    answer = guest.call(
        "POST", f"/orders/{order['id']}/attempts", {"method": "card", "return_url": url}, key=new_key()
    )

    assert answer.status_code == 422, answer.text
    assert guest.read(order)["attempts"] == []


def test_methods_that_nobody_has_are_refused(guest: Person) -> None:
    order = guest.order(unit="day")

    for method in ("cash", "", "pm_0000000000000", "CARD"):
        body = {"method": method, "return_url": guest.return_url}
        answer = guest.call("POST", f"/orders/{order['id']}/attempts", body, key=new_key())
        assert answer.status_code in {404, 409, 422}, answer.text
    assert guest.read(order)["attempts"] == []


def test_a_changed_total_is_not_asked_for_within_the_quotes_time(world: World, guest: Person) -> None:
    order = guest.order()
    stale = {"amount": order["total"]["amount"] + 1, "currency": "USD"}
    body = {"method": "card", "return_url": guest.return_url, "accept_total": stale}

    attempt = guest.post(f"/orders/{order['id']}/attempts", body, key=new_key())

    assert attempt["amount"] == order["total"]


def test_after_the_quotes_time_an_unchanged_total_is_paid(
    world: World, sandbox: Sandbox, guest: Person
) -> None:
    order = guest.order()
    sandbox.advance(45 * 60)

    attempt = guest.attempt(order)
    world.browser.pay(attempt)
    sandbox.drain()

    assert attempt["amount"] == order["total"]
    assert guest.events(order) == GOOD_RENEWAL


def test_ten_failed_attempts_an_hour(sandbox: Sandbox, guest: Person) -> None:
    order = guest.order(unit="day")
    sandbox.fail("charge", "decline", 12)
    path, body = f"/orders/{order['id']}/attempts", {"method": "card", "return_url": guest.return_url}
    statuses = [guest.call("POST", path, body, key=new_key()).status_code for _ in range(10)]

    refused = guest.call("POST", path, body, key=new_key())

    assert statuses == [201] * 10
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    sandbox.ask("DELETE", "/faults")
    sandbox.advance(int(refused.headers["Retry-After"]))
    assert guest.attempt(order)["status"] == "requires_action"


def test_payments_that_the_customer_ended_count_as_failed_too(guest: Person) -> None:
    order = guest.order(unit="day")
    for _payment in range(10):
        attempt = guest.attempt(order)
        guest.post(f"/orders/{order['id']}/attempts/{attempt['id']}/cancel", status=200)

    body = {"method": "card", "return_url": guest.return_url}
    refused = guest.call("POST", f"/orders/{order['id']}/attempts", body, key=new_key())

    assert refused.status_code == 429


def test_a_key_at_work_says_so(sandbox: Sandbox, guest: Person) -> None:
    order, key = guest.order(unit="day"), new_key()
    path, body = f"/orders/{order['id']}/attempts", {"method": "card", "return_url": guest.return_url}
    sandbox.fail("charge", "slow", 1, seconds=2)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(guest.call, "POST", path, body, key=key)
        assert eventually(lambda: bool(guest.read(order)["attempts"]))
        busy = guest.call("POST", path, body, key=key)
        answer = slow.result()
    again = guest.call("POST", path, body, key=key)

    problem(busy, 409, "idempotency_in_progress")
    assert (answer.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == answer.json()


def test_a_provider_that_declines_at_once_is_a_failed_attempt(sandbox: Sandbox, person: Person) -> None:
    order = person.order(unit="day")
    sandbox.fail("charge", "decline")

    attempt = person.attempt(order)
    sandbox.drain()

    assert (attempt["status"], attempt["next_action"]) == ("failed", None)
    assert attempt["failure"].keys() == {"code", "message"}
    assert [mail["kind"] for mail in mails_about(sandbox, person, order)] == ["payment_failed"]


def test_an_unknown_outcome_is_an_open_attempt_that_its_key_retries(
    world: World, sandbox: Sandbox, person: Person
) -> None:
    order, key = person.order(unit="day"), new_key()
    sandbox.fail("charge", "drop_after")

    first = person.attempt(order, key=key)
    shown = person.read(order)
    second = person.attempt(order, key=key)

    assert first["status"] == "unknown"
    assert shown["attempts"][0]["status"] == "unknown"
    assert (second["id"], second["status"]) == (first["id"], "requires_action")
    world.browser.pay(second)
    sandbox.drain()
    assert person.read(order)["status"] == "fulfilled"
    [charge] = sandbox.charges(order)
    assert charge["captured"] == order["total"]["amount"]
    assert {mail["kind"] for mail in mails_about(sandbox, person, order)} == {"order_confirmation"}
