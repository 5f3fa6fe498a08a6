"""Codes, recovery and the second factor over the API: the same answers and the same work for everybody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import AccessToken, Customer, OneTimeCode, User
from everline.core import clock
from everline.notifications.models import Message
from tests.accounts.conftest import newest_code, other_than
from tests.accounts.factors import enrol, totp_now, wrong_totp
from tests.api.world import Api, World, faulty_fields, refusal, rows_of_business

PASSWORD = "quiet-lantern-42"
NEW = "tall-harbour-77"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def known(world: World) -> Customer:
    """A customer with a proved address."""
    return world.customer(email_verified_at=clock.now())


@pytest.fixture
def guarded(known: Customer) -> Customer:
    """One with a second factor on."""
    enrol(known, SECRET)
    return known


def _code(anyone: Api, customer: Customer, path: str = "/sessions/code") -> str:
    anyone.post(path, {"login": str(customer.email)})
    return newest_code(str(customer.email))


def _told(answer: HttpResponse) -> tuple[object, ...]:
    """What a stranger can tell an answer by, but for the request's own id."""
    document = {**answer.json(), "request_id": ""} if answer.content else {}  # type: ignore[attr-defined]
    headers = sorted(set(answer.headers) - {"X-Request-Id"})
    return answer.status_code, document, headers


# Codes


def test_a_code_signs_in(anyone: Api, known: Customer) -> None:
    code = _code(anyone, known)

    opened = anyone.post("/sessions", {"login": str(known.email), "code": code})

    assert opened.status_code == 201
    assert opened.json()["customer"]["id"] == known.id
    assert Api(opened.json()["token"]).get("/me").status_code == 200
    assert AccessToken.objects.get().method == "code"


@pytest.mark.parametrize("path", ["/sessions/code", "/password/recover"])
def test_the_answer_is_the_same_for_everybody(anyone: Api, world: World, known: Customer, path: str) -> None:
    closed = world.customer(email_verified_at=clock.now())
    User.objects.filter(pk=closed.user_id).update(is_active=False)
    User.objects.create_superuser("boss@example.com", PASSWORD)
    unproved = world.customer()
    logins = [known.email, closed.email, unproved.email, "boss@example.com", "nobody@example.com", "x", ""]

    answers = [anyone.post(path, {"login": login}) for login in logins]

    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].json() == {"status": "accepted"}
    assert len({str(_told(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/sessions/code", "/password/recover"])
def test_the_work_is_the_same_for_known_and_unknown(anyone: Api, known: Customer, path: str) -> None:
    def work(login: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            anyone.post(path, {"login": login})
        return len(seen)

    assert work(str(known.email)) == work("nobody@example.com")


@pytest.mark.parametrize("way", ["unknown", "wrong", "used", "expired", "recovery", "killed", "nonsense"])
def test_every_bad_code_gets_one_answer(anyone: Api, known: Customer, way: str) -> None:
    code = _code(anyone, known, "/password/recover" if way == "recovery" else "/sessions/code")
    login = str(known.email)
    if way == "used":
        anyone.post("/sessions", {"login": login, "code": code})
    if way == "expired":
        clock.set_offset(timedelta(minutes=10))
    if way == "killed":
        for _ in range(5):
            anyone.post("/sessions", {"login": login, "code": other_than(code)})
    typed = {"wrong": other_than(code), "nonsense": " <b>"}.get(way, code)
    tokens = AccessToken.objects.count()

    answer = anyone.post(
        "/sessions", {"login": "nobody@example.com" if way == "unknown" else login, "code": typed}
    )

    assert refusal(answer) == (401, "invalid_credentials")
    assert answer.json()["detail"] == (
        "This code is wrong or no longer valid. Check it, or ask for a new one."
    )
    assert "errors" not in answer.json()
    assert AccessToken.objects.count() == tokens


def test_a_session_needs_a_password_or_a_code(anyone: Api, known: Customer) -> None:
    answer = anyone.post("/sessions", {"login": str(known.email)})

    assert refusal(answer) == (401, "invalid_credentials")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("path", ["/sessions/code", "/password/recover"])
def test_asking_often_is_slowed_alike(anyone: Api, known: Customer, path: str) -> None:
    def ask(login: str) -> list[int]:
        return [anyone.post(path, {"login": login}).status_code for _ in range(6)]

    assert ask(str(known.email)) == ask("nobody@example.com") == [202] * 5 + [429]
    slowed = anyone.post(path, {"login": str(known.email)})
    assert refusal(slowed) == (429, "rate_limited")
    assert 0 < int(slowed["Retry-After"]) <= 601
    clock.set_offset(timedelta(seconds=int(slowed["Retry-After"])))
    assert anyone.post(path, {"login": str(known.email)}).status_code == 202


@pytest.mark.parametrize("path", ["/sessions/code", "/password/recover"])
@pytest.mark.parametrize("body", [{}, {"login": 7}, {"login": None}, [], "x", None])
def test_what_names_nobody_is_not_valid(anyone: Api, path: str, body: Any) -> None:
    before = rows_of_business()

    assert refusal(anyone.post(path, body)) == (422, "validation_failed")
    assert rows_of_business() == before


# Recovery


def test_a_forgotten_password_is_replaced(anyone: Api, world: World, known: Customer) -> None:
    inside, _ = world.signed_in(known)
    code = _code(anyone, known, "/password/recover")

    answer = anyone.post("/password/reset", {"login": str(known.email), "code": code, "new_password": NEW})

    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(inside.get("/me")) == (401, "login_required")
    old = anyone.post("/sessions", {"login": str(known.email), "password": PASSWORD})
    new = anyone.post("/sessions", {"login": str(known.email), "password": NEW})
    assert (old.status_code, new.status_code) == (401, 201)


@pytest.mark.parametrize("way", ["unknown", "wrong", "used", "expired", "to sign in", "nonsense"])
def test_every_bad_recovery_code_gets_one_answer(anyone: Api, known: Customer, way: str) -> None:
    code = _code(anyone, known, "/sessions/code" if way == "to sign in" else "/password/recover")
    login = str(known.email)
    if way == "used":
        anyone.post("/password/reset", {"login": login, "code": code, "new_password": NEW})
    if way == "expired":
        clock.set_offset(timedelta(minutes=10))
    typed = {"wrong": other_than(code), "nonsense": ""}.get(way, code)
    stored = User.objects.get(email=login).password

    answer = anyone.post(
        "/password/reset",
        {
            "login": "nobody@example.com" if way == "unknown" else login,
            "code": typed,
            "new_password": "low-meadow-31",
        },
    )

    assert refusal(answer) == (422, "code_invalid")
    assert faulty_fields(answer) == {"code": "code_invalid"}
    assert User.objects.get(email=login).password == stored


def test_a_weak_password_is_named_and_the_code_stays_good(anyone: Api, known: Customer) -> None:
    code = _code(anyone, known, "/password/recover")
    body = {"login": str(known.email), "code": code}

    weak = anyone.post("/password/reset", {**body, "new_password": "1234567"})
    good = anyone.post("/password/reset", {**body, "new_password": NEW})

    assert refusal(weak) == (422, "password_too_weak")
    assert faulty_fields(weak) == {"new_password": "password_too_weak"}
    assert good.status_code == 204


def test_guessing_codes_is_slowed(anyone: Api, known: Customer) -> None:
    body = {"login": str(known.email), "code": "x", "new_password": NEW}

    answers = [anyone.post("/password/reset", body).status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]


# The second factor


def test_a_second_factor_is_asked_for_and_taken(anyone: Api, guarded: Customer) -> None:
    body = {"login": str(guarded.email), "password": PASSWORD}

    without = anyone.post("/sessions", body)
    wrong = anyone.post("/sessions", {**body, "otp": wrong_totp(SECRET)})
    right = anyone.post("/sessions", {**body, "otp": totp_now(SECRET)})
    replayed = anyone.post("/sessions", {**body, "otp": totp_now(SECRET)})

    assert refusal(without) == (401, "second_factor_required")
    assert refusal(wrong) == refusal(replayed) == (401, "second_factor_wrong")
    assert right.status_code == 201
    assert AccessToken.objects.count() == 1


def test_no_way_in_leads_around_it(anyone: Api, guarded: Customer) -> None:
    login = str(guarded.email)
    by_code = anyone.post("/sessions", {"login": login, "code": _code(anyone, guarded)})
    recovered = anyone.post(
        "/password/reset",
        {"login": login, "code": _code(anyone, guarded, "/password/recover"), "new_password": NEW},
    )
    by_new_password = anyone.post("/sessions", {"login": login, "password": NEW})

    assert recovered.status_code == 204
    assert refusal(by_code) == refusal(by_new_password) == (401, "second_factor_required")
    assert not AccessToken.objects.exists()


def test_a_stranger_learns_of_no_second_factor(anyone: Api, guarded: Customer) -> None:
    known = anyone.post("/sessions", {"login": str(guarded.email), "password": "wrong", "otp": "123456"})
    unknown = anyone.post("/sessions", {"login": "nobody@example.com", "password": "wrong", "otp": "123456"})

    assert _told(known) == _told(unknown)
    assert refusal(known) == (401, "invalid_credentials")


def test_a_code_waits_for_the_second_factor(anyone: Api, guarded: Customer) -> None:
    body = {"login": str(guarded.email), "code": _code(anyone, guarded)}

    first = anyone.post("/sessions", body)
    second = anyone.post("/sessions", {**body, "otp": totp_now(SECRET)})
    third = anyone.post("/sessions", {**body, "otp": totp_now(SECRET, 1)})

    assert [each.status_code for each in (first, second, third)] == [401, 201, 401]
    assert OneTimeCode.objects.get().used_at is not None


# What stays as it was


def test_a_registered_number_gets_a_code_that_signs_in(anyone: Api, world: World) -> None:
    made = anyone.post("/customers", {"phone": "+8613800138000", "password": PASSWORD}).json()
    code = newest_code("+8613800138000")

    opened = anyone.post("/sessions", {"login": "+8613800138000", "code": code})

    assert made["phone_verified"] is False
    assert opened.json()["customer"] == {**made, "phone_verified": True}
    assert [each.channel for each in Message.objects.all()] == ["sms"]


def test_a_token_is_still_looked_up_in_one_statement(
    world: World, django_assert_num_queries: Callable[..., Any]
) -> None:
    api, _ = world.signed_in()

    with django_assert_num_queries(1):
        api.get("/me")


def test_the_description_has_the_calls(anyone: Api) -> None:
    paths = anyone.get("/api/v1/openapi.json").json()["paths"]

    for path, operation, status in (
        ("/api/v1/sessions/code", "requestSignInCode", "202"),
        ("/api/v1/password/recover", "recoverPassword", "202"),
        ("/api/v1/password/reset", "resetPassword", "204"),
    ):
        described = paths[path]["post"]
        assert described["operationId"] == operation
        assert {status, "422", "429"} <= described["responses"].keys()
        assert "401" not in described["responses"]
