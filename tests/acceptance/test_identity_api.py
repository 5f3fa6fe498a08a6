"""Signing in by code, recovery, and what strangers can learn or guess; codes are read where they land."""

import re
import uuid

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import PASSWORD, Api, Json, Person, Sandbox, problem

pytestmark = pytest.mark.stack

NEW = "tall-harbour-77-lantern"
DEMO_PHONE = "+447700900123"


def _messages(sandbox: Sandbox, to: str, kind: str) -> list[Json]:
    sandbox.drain()
    return [each for each in sandbox.messages(to) if each["kind"] == kind]


def _code(sandbox: Sandbox, to: str, kind: str = "sign_in_code") -> str:
    """The six digits of the newest message."""
    found = re.search(r"(?<!\d)\d{6}(?!\d)", _messages(sandbox, to, kind)[0]["text"])
    assert found
    return found.group()


def _proved(world: World, person: Person) -> Person:
    """The same customer, after the link of their welcome mail."""
    mail = _messages(world.sandbox, person.email, "welcome")[0]
    link = re.search(r"https?://\S+/welcome/\S+/", mail["text"])
    assert link
    world.http.get(link.group(), follow_redirects=True)
    assert person.get("/me")["email_verified"] is True
    return person


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_code_by_mail_signs_in_once(anyone: Api, sandbox: Sandbox, person: Person) -> None:
    assert anyone.post("/sessions/code", {"login": person.email}, status=202) == {"status": "accepted"}
    code = _code(sandbox, person.email)

    session = anyone.post("/sessions", {"login": person.email, "code": code})
    again = anyone.call("POST", "/sessions", {"login": person.email, "code": code})

    assert session["customer"]["id"] == person.customer["id"]
    assert problem(again, 401, "invalid_credentials")


def test_a_code_by_text_message_signs_in_and_proves_the_number(anyone: Api, sandbox: Sandbox) -> None:
    phone = f"+49151{uuid.uuid4().int % 10**8:08}"
    made = anyone.post("/customers", {"phone": phone, "password": PASSWORD, "locale": "en"})

    session = anyone.post("/sessions", {"login": phone, "code": _code(sandbox, phone)})

    [message] = sandbox.messages(phone)
    assert (message["channel"], message["kind"]) == ("sms", "sign_in_code")
    assert session["customer"] == {**made, "phone_verified": True}


def test_known_and_unknown_get_the_same_answer(anyone: Api, sandbox: Sandbox, person: Person) -> None:
    for path in ("/sessions/code", "/password/recover"):
        answers = [
            anyone.call("POST", path, {"login": login})
            for login in (person.email, "nobody@customer.example", "+4915100000000", "nonsense")
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"status":"accepted"}')}
        assert len({str(sorted(set(answer.headers) - {"x-request-id"})) for answer in answers}) == 1
    sandbox.drain()

    assert sandbox.messages("nobody@customer.example") == sandbox.messages("+4915100000000") == []


def test_a_forgotten_password_is_recovered_by_mail(world: World, anyone: Api, person: Person) -> None:
    _proved(world, person)
    anyone.post("/password/recover", {"login": person.email}, status=202)
    body = {"login": person.email, "code": _code(world.sandbox, person.email, "recovery_code")}

    wrong = anyone.call(
        "POST", "/password/reset", {**body, "code": _other(body["code"]), "new_password": NEW}
    )
    weak = anyone.call("POST", "/password/reset", {**body, "new_password": "1234567"})
    done = anyone.call("POST", "/password/reset", {**body, "new_password": NEW})
    again = anyone.call("POST", "/password/reset", {**body, "new_password": PASSWORD})

    assert problem(wrong, 422, "code_invalid")
    assert problem(weak, 422, "password_too_weak")
    assert (done.status_code, done.content) == (204, b"")
    assert problem(again, 422, "code_invalid")
    assert person.call("GET", "/me").status_code == 401, "every session has ended"
    assert world.sign_in(person.email, NEW).customer["id"] == person.customer["id"]
    assert anyone.call("POST", "/sessions", {"login": person.email, "password": PASSWORD}).status_code == 401
    assert len(_messages(world.sandbox, person.email, "security_notice")) == 1


def test_a_forgotten_password_is_recovered_by_phone(anyone: Api, sandbox: Sandbox) -> None:
    phone = f"+49152{uuid.uuid4().int % 10**8:08}"
    anyone.post("/customers", {"phone": phone, "password": PASSWORD, "locale": "en"})
    anyone.post("/password/recover", {"login": phone}, status=202)

    body = {"login": phone, "code": _code(sandbox, phone, "recovery_code"), "new_password": NEW}
    done = anyone.call("POST", "/password/reset", body)

    assert done.status_code == 204
    assert anyone.post("/sessions", {"login": phone, "password": NEW})["customer"]["phone"] == phone


def test_recovery_needs_a_verified_address(anyone: Api, sandbox: Sandbox, person: Person) -> None:
    anyone.post("/password/recover", {"login": person.email}, status=202)

    assert _messages(sandbox, person.email, "recovery_code") == []
    assert len(_messages(sandbox, person.email, "welcome")) == 2, "a link that verifies, and signs in"


def test_every_bad_code_is_refused_alike(world: World, anyone: Api, person: Person) -> None:
    _proved(world, person)
    anyone.post("/password/recover", {"login": person.email}, status=202)
    to_recover = _code(world.sandbox, person.email, "recovery_code")
    anyone.post("/sessions/code", {"login": person.email}, status=202)
    code = _code(world.sandbox, person.email)
    tries = [
        {"login": "nobody@customer.example", "code": code},
        {"login": person.email, "code": _other(code)},
        {"login": person.email, "code": to_recover if to_recover != code else ""},
        {"login": person.email, "code": "nonsense"},
    ]

    answers = [anyone.call("POST", "/sessions", body) for body in tries]
    world.sandbox.advance(601)
    answers.append(anyone.call("POST", "/sessions", {"login": person.email, "code": code}))

    told = [{**problem(each, 401, "invalid_credentials"), "request_id": ""} for each in answers]
    assert all(each == told[0] for each in told)


def test_five_wrong_guesses_end_a_code(anyone: Api, sandbox: Sandbox, person: Person) -> None:
    anyone.post("/sessions/code", {"login": person.email}, status=202)
    code = _code(sandbox, person.email)
    for _ in range(5):
        anyone.call("POST", "/sessions", {"login": person.email, "code": _other(code)})

    dead = anyone.call("POST", "/sessions", {"login": person.email, "code": code})

    assert problem(dead, 401, "invalid_credentials")
    anyone.post("/sessions/code", {"login": person.email}, status=202)
    assert anyone.post("/sessions", {"login": person.email, "code": _code(sandbox, person.email)})["token"]


def test_asking_and_guessing_without_end_is_slowed_for_a_while(
    anyone: Api, sandbox: Sandbox, person: Person
) -> None:
    asked = [anyone.call("POST", "/sessions/code", {"login": person.email}) for _ in range(6)]
    strangers = [anyone.call("POST", "/sessions/code", {"login": "noone@customer.example"}) for _ in range(6)]

    assert [each.status_code for each in asked] == [each.status_code for each in strangers]
    assert problem(asked[-1], 429, "rate_limited")
    sandbox.advance(int(asked[-1].headers["Retry-After"]))
    assert anyone.call("POST", "/sessions/code", {"login": person.email}).status_code == 202


def test_the_number_of_the_demo_recovers_too(anyone: Api, sandbox: Sandbox) -> None:
    before = len(_messages(sandbox, DEMO_PHONE, "recovery_code"))

    anyone.post("/password/recover", {"login": DEMO_PHONE}, status=202)

    found = _messages(sandbox, DEMO_PHONE, "recovery_code")
    assert len(found) == before + 1
    assert found[0]["channel"] == "sms"
