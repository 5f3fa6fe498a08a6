from datetime import timedelta
from typing import Any

import pytest

from everline.accounts.models import AccessToken, Customer, User
from everline.core import clock
from everline.notifications.models import Message
from tests.api.world import Api, World, faulty_fields, refusal, rows_of_business

PASSWORD = "quiet-lantern-42"
NEW = {"email": "Li@Example.com", "password": PASSWORD}


def test_somebody_registers_and_signs_in_at_once(world: World, anyone: Api) -> None:
    made = anyone.post("/customers", {**NEW, "locale": "en", "timezone": "Asia/Tokyo", "currency": "EUR"})
    session = anyone.post("/sessions", {"login": "li@example.com", "password": PASSWORD})

    assert made.status_code == 201
    person = made.json()
    assert person["id"].startswith("cus_")
    assert (person["email"], person["phone"]) == ("li@example.com", None)
    assert (person["locale"], person["timezone"], person["currency"]) == ("en", "Asia/Tokyo", "EUR")
    assert person["email_verified"] is False
    assert session.status_code == 201
    assert session.json()["customer"] == person
    assert session.json()["expires_at"] > made.json()["created_at"]
    assert "password" not in str(person)


def test_registering_by_phone_takes_defaults_of_the_shop(world: World, anyone: Api) -> None:
    made = anyone.post("/customers", {"phone": "+86 138 0013 8000", "password": PASSWORD})

    assert made.json()["phone"] == "+8613800138000"
    assert (made.json()["locale"], made.json()["currency"]) == ("zh-hans", "USD")


def test_a_taken_address_gets_the_same_answer(world: World, anyone: Api) -> None:
    first = anyone.post("/customers", NEW)

    second = anyone.post("/customers", {**NEW, "password": "another-lantern-43"})

    assert second.status_code == 201
    assert second.json().keys() == first.json().keys()
    assert second.json()["id"] != first.json()["id"]
    assert Customer.objects.count() == User.objects.count() == 1
    assert list(Message.objects.order_by("id").values_list("kind", flat=True)) == ["welcome", "address_taken"]


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"email": None}, "address_required", "email"),
        ({"email": "not an address"}, "email_invalid", "email"),
        ({"phone": "12345"}, "phone_invalid", "phone"),
        ({"password": "short"}, "password_too_weak", "password"),
        ({"password": "x" * 300}, "password_too_weak", "password"),
        ({"locale": "fr"}, "locale_unsupported", "locale"),
        ({"timezone": "Mars/Base"}, "timezone_unknown", "timezone"),
        ({"currency": "XXX"}, "unknown_currency", "currency"),
        ({"email": 7}, "validation_failed", "email"),
        ({"password": None}, "validation_failed", "password"),
        ({"email": "a\x00b@example.com"}, "validation_failed", "email"),
        ({"timezone": "\ud800"}, "validation_failed", "timezone"),
    ],
)
def test_a_registration_that_cannot_be_right(
    world: World, anyone: Api, nothing_written: None, wrong: dict[str, object], code: str, field: str
) -> None:
    answer = anyone.post("/customers", {**NEW, **wrong})

    assert refusal(answer) == (422, code)
    assert field in faulty_fields(answer)


def test_a_missing_password_is_named(world: World, anyone: Api, nothing_written: None) -> None:
    answer = anyone.post("/customers", {"email": "li@example.com"})

    assert refusal(answer) == (422, "validation_failed")
    assert faulty_fields(answer) == {"password": "required"}


@pytest.mark.parametrize(
    "login", ["{email}", "nobody@example.com", "+8613800138000", "no address at all", ""]
)
def test_known_or_not_a_wrong_password_looks_the_same(world: World, anyone: Api, login: str) -> None:
    customer = world.customer()
    before = rows_of_business()

    answer = anyone.post("/sessions", {"login": login.format(email=customer.email), "password": "wrong"})

    assert refusal(answer) == (401, "invalid_credentials")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert rows_of_business() == before


def test_guessing_is_slowed_down(world: World, anyone: Api) -> None:
    customer = world.customer()
    guess = {"login": str(customer.email), "password": "wrong"}

    answers = [anyone.post("/sessions", guess) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert refusal(answers[-1]) == (429, "rate_limited")
    assert int(answers[-1]["Retry-After"]) > 0
    right = anyone.post("/sessions", {**guess, "password": PASSWORD})
    assert right.status_code == 429, "nor does the right password help then"


def test_a_session_ends(world: World) -> None:
    api, customer = world.signed_in()
    other, _ = world.signed_in(customer)

    ended = api.delete("/sessions/current")

    assert (ended.status_code, ended.content) == (204, b"")
    assert refusal(api.get("/me")) == (401, "login_required")
    assert refusal(api.delete("/sessions/current")) == (401, "login_required")
    assert other.get("/me").status_code == 200, "other sessions go on"


def test_a_token_is_good_for_thirty_days_at_least(world: World, anyone: Api) -> None:
    customer = world.customer()
    token = anyone.post("/sessions", {"login": str(customer.email), "password": PASSWORD}).json()["token"]

    clock.set_offset(timedelta(days=31))
    after_a_month = Api(token).get("/me")
    clock.set_offset(timedelta(days=91))
    after_a_quarter = Api(token).get("/me")

    assert after_a_month.status_code == 200
    assert refusal(after_a_quarter) == (401, "login_required")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "bearer \xff"])
def test_no_token_no_profile(world: World, anyone: Api, header: str) -> None:
    answer = anyone.get("/me", headers={"Authorization": header} if header else {})

    assert refusal(answer) == (401, "login_required")
    assert answer["WWW-Authenticate"].startswith('Bearer realm="everline"')


def test_the_profile_shows_and_changes(world: World) -> None:
    api, customer = world.signed_in()

    changed = api.patch(
        "/me", {"locale": "zh-hans", "timezone": "Europe/Berlin", "notifications": {"announcements": ["sms"]}}
    )

    assert changed.status_code == 200
    assert changed.json() == api.get("/me").json()
    assert changed.json()["timezone"] == "Europe/Berlin"
    assert changed.json()["notifications"]["announcements"] == ["sms"]
    assert changed.json()["notifications"]["expiry_reminders"] == ["email"], "topics not named stay"
    assert changed.json()["currency"] == customer.currency


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"currency": "BTC"}, "unknown_currency"),
        ({"locale": "EN"}, "locale_unsupported"),
        ({"timezone": ""}, "timezone_unknown"),
        ({"notifications": {"expiry_reminders": ["pigeon"]}}, "notifications_invalid"),
        ({"notifications": {"expiry_reminders": "email"}}, "validation_failed"),
        ({"email": "new@example.com"}, "validation_failed"),
        ([], "validation_failed"),
        ("text", "validation_failed"),
        (None, "validation_failed"),
    ],
)
def test_settings_that_do_not_exist_change_nothing(world: World, wrong: object, code: str) -> None:
    api, customer = world.signed_in()
    before = Customer.objects.filter(pk=customer.pk).values().get()

    assert refusal(api.patch("/me", wrong)) == (422, code)
    assert Customer.objects.filter(pk=customer.pk).values().get() == before


def test_verified_data_is_not_changed_silently(world: World) -> None:
    api, customer = world.signed_in()

    answer = api.patch("/me", {"email": "new@example.com"})

    assert faulty_fields(answer) == {"email": "unknown_field"}
    customer.user.refresh_from_db()
    assert customer.user.email != "new@example.com"


def test_asking_who_i_am_costs_one_statement(world: World, django_assert_num_queries: Any) -> None:
    api, _ = world.signed_in()

    with django_assert_num_queries(1):
        api.get("/me")


def test_a_closed_account_has_no_session(world: World) -> None:
    api, customer = world.signed_in()
    User.objects.filter(pk=customer.user_id).update(is_active=False)

    assert refusal(api.get("/me")) == (401, "login_required")
    assert AccessToken.objects.count() == 1
