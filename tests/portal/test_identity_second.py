"""The second step at the door, passkeys as scripts meet them, and what attackers try with sessions."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from everline.accounts.models import Customer, WebSession
from tests.portal.conftest import PASSWORD, Page, Shop
from tests.portal.people import (
    SAFARI,
    app_code,
    browser,
    json_post,
    messages_to,
    proven,
    read_code,
    sign_in,
    switch_on,
)


@pytest.fixture
def owner(shop: Shop) -> Customer:
    return proven(shop, phone="+447700900987")


@pytest.fixture
def visitor() -> Client:
    return browser()


def half_in(customer: Customer, client: Client, wanted: str = "") -> Client:
    """A browser that gave the password and lacks the second factor."""
    answer = client.post("/sign-in/", {"login": str(customer.email), "password": PASSWORD, "next": wanted})
    assert answer["Location"] == "/sign-in/second/"
    return client


class TestSecondStep:
    def test_the_app_code_finishes_the_sign_in_under_a_new_key(
        self, owner: Customer, visitor: Client
    ) -> None:
        secret, _ = switch_on(sign_in(owner))
        half_in(owner, visitor, "/orders/")
        waiting = visitor.session.session_key

        answer = visitor.post("/sign-in/second/", {"code": app_code(secret)})

        assert answer["Location"] == "/orders/"
        assert visitor.session.session_key != waiting
        assert not Session.objects.filter(pk=waiting).exists()
        assert visitor.get("/account/").status_code == 200

    def test_a_recovery_code_works_once(self, owner: Customer, visitor: Client) -> None:
        _, codes = switch_on(sign_in(owner))

        first = half_in(owner, visitor).post("/sign-in/second/", {"code": codes[0]})
        again = half_in(owner, browser()).post("/sign-in/second/", {"code": codes[0]})

        assert first["Location"] == "/account/"
        assert again.status_code == 422
        assert "9 recovery codes left" in Page(visitor.get("/settings/security/")).text

    def test_without_it_nothing_is_open(self, owner: Customer, visitor: Client) -> None:
        switch_on(sign_in(owner))

        half_in(owner, visitor)

        assert visitor.get("/account/").status_code == 303
        assert visitor.get("/settings/security/").status_code == 303
        assert "_auth_user_id" not in visitor.session
        assert WebSession.objects.filter(user=owner.user, ended_at__isnull=True).count() == 1

    def test_a_code_by_mail_does_not_replace_it(self, owner: Customer, visitor: Client) -> None:
        secret, _ = switch_on(sign_in(owner))

        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        answer = visitor.post("/sign-in/code/enter/", {"code": read_code(str(owner.email))})

        assert answer["Location"] == "/sign-in/second/"
        assert visitor.post("/sign-in/second/", {"code": app_code(secret)})["Location"] == "/account/"

    def test_a_wrong_code_is_told_and_nothing_opens(self, owner: Customer, visitor: Client) -> None:
        switch_on(sign_in(owner))
        half_in(owner, visitor)

        answer = visitor.post("/sign-in/second/", {"code": "000000"})

        assert answer.status_code == 422
        assert 'id="error-code"' in Page(answer).html
        assert visitor.get("/account/").status_code == 303

    def test_guessing_is_ended(self, owner: Customer, visitor: Client) -> None:
        secret, _ = switch_on(sign_in(owner))
        half_in(owner, visitor)
        for _ in range(6):
            answer = visitor.post("/sign-in/second/", {"code": "000000"})

        assert answer.status_code == 429
        assert visitor.post("/sign-in/second/", {"code": app_code(secret)}).status_code == 429

    def test_it_does_not_wait_for_ever(self, owner: Customer, visitor: Client, shop: Shop) -> None:
        secret, _ = switch_on(sign_in(owner))
        half_in(owner, visitor)

        shop.wait(minutes=11)

        assert visitor.get("/sign-in/second/")["Location"] == "/sign-in/"
        assert visitor.post("/sign-in/second/", {"code": app_code(secret)})["Location"] == "/sign-in/"
        assert visitor.get("/account/").status_code == 303

    def test_a_new_password_ends_the_waiting(self, owner: Customer, visitor: Client) -> None:
        secret, _ = switch_on(sign_in(owner))
        half_in(owner, visitor)
        owner.user.set_password("another-quiet-lantern-1")
        owner.user.save()

        answer = visitor.post("/sign-in/second/", {"code": app_code(secret)})

        assert answer.status_code == 422
        assert visitor.get("/account/").status_code == 303

    def test_nobody_finishes_the_sign_in_of_another_session(
        self, owner: Customer, shop: Shop, visitor: Client
    ) -> None:
        switch_on(sign_in(owner))
        stranger = proven(shop)
        secret, codes = switch_on(sign_in(stranger))
        half_in(owner, visitor)

        answers = [
            visitor.post("/sign-in/second/", {"code": code, "user_id": str(stranger.user_id)})
            for code in (app_code(secret), codes[0])
        ]

        assert [answer.status_code for answer in answers] == [422, 422]

    def test_the_page_leads_nowhere_else(self, owner: Customer, visitor: Client) -> None:
        secret, _ = switch_on(sign_in(owner))
        half_in(owner, visitor, "https://evil.example/")

        answer = visitor.post("/sign-in/second/", {"code": app_code(secret)})

        assert answer["Location"] == "/account/"

    def test_nobody_waits_without_a_password(self, shop: Shop, owner: Customer, visitor: Client) -> None:
        assert visitor.get("/sign-in/second/")["Location"] == "/sign-in/"
        assert sign_in(owner).get("/sign-in/second/")["Location"] == "/account/"


class TestSessions:
    def test_a_planted_session_key_never_becomes_somebodys(self, owner: Customer) -> None:
        attacker = browser()
        attacker.post("/sign-in/code/", {"login": str(owner.email)})
        planted = attacker.session.session_key
        victim = browser()
        victim.cookies["sessionid"] = planted

        sign_in(owner, victim)

        assert victim.session.session_key != planted
        assert attacker.get("/account/").status_code == 303
        assert not Session.objects.filter(pk=planted).exists()

    def test_a_planted_code_request_signs_in_only_who_has_the_code(self, owner: Customer, shop: Shop) -> None:
        attacker, attackers = browser(), proven(shop)
        attacker.post("/sign-in/code/", {"login": str(attackers.email), "next": "//evil.example"})
        victim = browser()
        victim.cookies["sessionid"] = attacker.session.session_key

        victim.post("/sign-in/code/enter/", {"code": read_code(str(attackers.email))})

        assert attacker.get("/account/").status_code == 303

    def test_signing_in_as_somebody_else_ends_the_first_session(self, owner: Customer, shop: Shop) -> None:
        client, other = sign_in(owner), shop.customer()
        client.session["portal.address"] = {"kind": "email", "address": "x@example.com"}
        first = client.session.session_key

        sign_in(other, client)

        assert client.session["_auth_user_id"] == str(other.user_id)
        assert "portal.address" not in client.session
        assert not Session.objects.filter(pk=first).exists()
        assert WebSession.objects.get(user=owner.user).ended_at is not None

    def test_a_half_done_sign_in_signs_the_first_person_out(self, owner: Customer, shop: Shop) -> None:
        other = shop.customer()
        switch_on(sign_in(owner))
        client = sign_in(other)

        half_in(owner, client)

        assert client.get("/account/").status_code == 303

    def test_signing_out_is_noted(self, owner: Customer) -> None:
        client = sign_in(owner)

        client.post("/sign-out/")

        assert WebSession.objects.get(user=owner.user).ended_at is not None
        assert client.get("/account/").status_code == 303

    def test_a_new_device_is_told_and_a_known_one_is_not(self, owner: Customer) -> None:
        sign_in(owner)
        first = messages_to(str(owner.email))
        phone = sign_in(owner, browser(User_Agent=SAFARI))
        second = messages_to(str(owner.email))
        phone.post("/sign-out/")

        sign_in(owner, phone)

        assert len(second) == len(first) + 1
        assert messages_to(str(owner.email)) == second
        cookie = phone.cookies["everline_device"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

    def test_a_session_is_seen_every_few_minutes_only(self, owner: Customer, shop: Shop) -> None:
        client = sign_in(owner)
        seen = WebSession.objects.get(user=owner.user).last_seen_at

        client.get("/account/")
        assert WebSession.objects.get(user=owner.user).last_seen_at == seen
        shop.wait(minutes=6)
        client.get("/account/")

        assert WebSession.objects.get(user=owner.user).last_seen_at > seen

    @pytest.mark.parametrize(
        "path",
        [
            "/register/",
            "/sign-in/",
            "/sign-in/code/",
            "/sign-in/code/enter/",
            "/sign-in/code/again/",
            "/sign-in/second/",
            "/sign-in/passkey/",
            "/sign-in/passkey/options/",
            "/recover/",
            "/recover/enter/",
            "/recover/again/",
            "/sign-out/",
        ],
    )
    def test_a_form_of_another_site_does_nothing(self, owner: Customer, path: str) -> None:
        client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})

        answer = client.post(path, {"login": str(owner.email), "password": PASSWORD, "code": "123456"})

        assert answer.status_code == 403
        assert "sessionid" not in client.cookies
        assert messages_to(str(owner.email)) == []


class TestWelcomeLink:
    def test_its_address_is_told_to_nobody(self, shop: Shop, visitor: Client) -> None:
        answer = visitor.get("/welcome/some-token/")

        assert answer["Referrer-Policy"] == "strict-origin"
        assert "no-store" in answer["Cache-Control"]


class TestPasskeysOfScripts:
    """What scripts get; a browser makes and uses real passkeys in `test_identity_in_the_browser`."""

    def test_the_challenge_is_fresh_and_names_this_host(self, shop: Shop, visitor: Client) -> None:
        first, second = (json_post(visitor, "/sign-in/passkey/options/", {}).json() for _ in range(2))

        asked, again = first["publicKey"], second["publicKey"]
        assert asked["challenge"] != again["challenge"]
        assert asked["rpId"] == "testserver"
        assert asked["userVerification"] == "required"
        assert asked.get("allowCredentials", []) == []

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            "text",
            {"credential": None},
            {"credential": {"id": "x"}},
            {"credential": {"id": "x", "rawId": "x", "type": "public-key", "response": {}}},
        ],
    )
    def test_nonsense_is_refused_in_words(self, shop: Shop, visitor: Client, body: Any) -> None:
        json_post(visitor, "/sign-in/passkey/options/", {})

        answer = json_post(visitor, "/sign-in/passkey/", body)

        assert answer.status_code == 422
        assert answer.json()["code"] == "passkey_refused"
        assert answer.json()["message"]
        assert visitor.get("/account/").status_code == 303

    def test_what_is_no_json_is_refused_too(self, shop: Shop, visitor: Client) -> None:
        answer = visitor.post("/sign-in/passkey/", "{", content_type="application/json")

        assert answer.status_code == 422

    def test_an_answer_without_a_question_is_refused(self, shop: Shop, visitor: Client) -> None:
        credential = {"id": "eA", "rawId": "eA", "type": "public-key", "response": {"userHandle": "MQ"}}

        answer = json_post(visitor, "/sign-in/passkey/", {"credential": credential})

        assert answer.status_code == 422

    def test_a_passkey_is_added_only_after_a_recent_proof(self, owner: Customer, shop: Shop) -> None:
        client = sign_in(owner)
        shop.wait(minutes=16)

        answer = json_post(client, "/settings/passkeys/add/options/", {})

        assert answer.status_code == 403
        assert answer.json() == {"go": "/settings/confirm/?next=%2Fsettings%2Fpasskeys%2F"}

    def test_an_unconfirmed_address_gets_no_passkey(self, shop: Shop) -> None:
        client = sign_in(shop.customer())

        answer = json_post(client, "/settings/passkeys/add/options/", {})

        assert answer.status_code == 403
        assert answer.json()["code"] == "address_unverified"

    def test_the_options_name_the_owner_and_want_the_device_to_ask(self, owner: Customer) -> None:
        asked = json_post(sign_in(owner), "/settings/passkeys/add/options/", {}).json()["publicKey"]

        assert asked["user"]["name"] == owner.email
        assert asked["authenticatorSelection"]["userVerification"] == "required"
        assert asked["authenticatorSelection"]["residentKey"] == "required"

    @pytest.mark.parametrize(
        "path", ["/settings/passkeys/add/", "/settings/passkeys/add/options/", "/settings/confirm/passkey/"]
    )
    def test_visitors_have_none(self, shop: Shop, visitor: Client, path: str) -> None:
        answer = json_post(visitor, path, {})

        assert answer.status_code == 303
        assert answer["Location"] == "/sign-in/"

    def test_a_look_is_no_request(self, owner: Customer) -> None:
        assert sign_in(owner).get("/sign-in/passkey/options/").status_code == 405
