"""The profile: language, zone, currency and notifications; passwords and devices; who may see all that."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from everline.accounts import services
from everline.accounts.models import AccessToken, Customer, WebSession
from everline.core import clock
from tests.portal.conftest import PASSWORD, Page, Shop
from tests.portal.people import SAFARI, browser, json_post, messages_to, proven, read_code, sign_in, switch_on

FRESH = "a-new-quiet-lantern-43"
PAGES = [
    "/settings/",
    "/settings/security/",
    "/settings/email/",
    "/settings/phone/",
    "/settings/password/",
    "/settings/passkeys/",
    "/settings/second-factor/",
    "/settings/sessions/",
    "/settings/confirm/",
]
FORMS = [
    "/settings/email/code/",
    "/settings/email/again/",
    "/settings/phone/confirm/",
    "/settings/second-factor/off/",
    "/settings/second-factor/codes/",
    "/settings/passkeys/1/remove/",
    "/settings/sessions/end/",
    "/settings/sessions/ses_0000000000000/end/",
]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def owner(shop: Shop) -> Customer:
    return proven(shop, phone="+447700900987")


class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize(("locale", "language"), [("en", "en"), ("zh-hans", "zh-Hans")])
    def test_speaks_the_customers_language_and_is_kept_by_no_cache(
        self, shop: Shop, path: str, locale: str, language: str
    ) -> None:
        client = sign_in(proven(shop, locale=locale))

        with CaptureQueriesContext(connection) as statements:
            answer = client.get(path)

        page = Page(answer)
        assert answer.status_code == 200
        assert page.language == language
        assert page.html.count("<h1>") == 1
        assert page.forbidden == []
        assert "no-store" in answer["Cache-Control"]
        assert len(statements) <= 12

    @pytest.mark.parametrize("path", PAGES)
    def test_asks_visitors_to_sign_in_first(self, shop: Shop, path: str) -> None:
        answer = browser().get(path)

        assert answer.status_code == 303
        assert answer["Location"].startswith("/sign-in/?next=%2Fsettings%2F")

    @pytest.mark.parametrize("path", FORMS)
    def test_no_form_serves_visitors(self, shop: Shop, path: str) -> None:
        assert browser().post(path)["Location"] == "/sign-in/"

    @pytest.mark.parametrize("path", [*PAGES[2:7], *FORMS])
    def test_a_form_of_another_site_does_nothing(self, owner: Customer, path: str) -> None:
        client = sign_in(owner, Client(enforce_csrf_checks=False))
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies

        answer = strict.post(path, {"email": "x@example.com", "new_password": FRESH, "code": "1"})

        assert answer.status_code == 403
        assert client.get("/account/").status_code == 200

    @pytest.mark.parametrize("path", PAGES)
    def test_staff_see_none(self, owner: Customer, path: str) -> None:
        client = sign_in(owner)
        owner.user.is_staff = True
        owner.user.is_active = False
        owner.user.save()

        assert client.get(path).status_code == 303


class TestProfile:
    def test_shows_what_there_is(self, owner: Customer) -> None:
        html = Page(sign_in(owner).get("/settings/")).html

        assert 'value="en" selected' in html
        assert 'value="Asia/Shanghai" selected' in html
        assert 'name="notify_usage_alerts" value="email" checked' in html
        assert 'name="notify_announcements" value="email">' in html

    def test_saves_everything_at_once(self, owner: Customer) -> None:
        form = {
            "locale": "zh-hans",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "topics": "shown",
            "notify_usage_alerts": ["email", "sms"],
            "notify_announcements": "email",
        }
        client = sign_in(owner)

        answer = client.post("/settings/", form)

        owner.refresh_from_db()
        assert answer["Location"] == "/settings/"
        assert (owner.locale, owner.timezone, owner.currency) == ("zh-hans", "Europe/Berlin", "EUR")
        assert owner.notification_choices == {
            "expiry_reminders": [],
            "usage_alerts": ["email", "sms"],
            "announcements": ["email"],
        }
        assert Page(client.get("/settings/")).language == "zh-Hans"

    def test_a_channel_that_the_page_does_not_offer_stays(self, owner: Customer) -> None:
        services.update_profile(customer=owner, notifications={"usage_alerts": ["email", "push"]})

        sign_in(owner).post(
            "/settings/",
            {"locale": "en", "timezone": "UTC", "currency": "USD", "topics": "shown"},
        )

        owner.refresh_from_db()
        assert owner.notification_choices["usage_alerts"] == ["push"]

    def test_a_form_without_the_topics_leaves_them(self, owner: Customer) -> None:
        sign_in(owner).post("/settings/", {"locale": "en", "timezone": "UTC", "currency": "USD"})

        owner.refresh_from_db()
        assert owner.notification_choices["usage_alerts"] == ["email"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("locale", "fr"), ("timezone", SCRIPT), ("currency", "XXQ"), ("notify_usage_alerts", SCRIPT)],
    )
    def test_nonsense_changes_nothing(self, owner: Customer, field: str, value: str) -> None:
        form: dict[str, Any] = {
            "locale": "zh-hans",
            "timezone": "UTC",
            "currency": "USD",
            "topics": "shown",
        }

        answer = sign_in(owner).post("/settings/", {**form, field: value})

        owner.refresh_from_db()
        assert SCRIPT not in answer.content.decode()
        if field != "notify_usage_alerts":
            assert answer.status_code == 422
            assert owner.locale == "en"
        assert owner.notification_choices.get("usage_alerts", []) == []

    def test_sms_needs_a_number(self, shop: Shop) -> None:
        html = Page(sign_in(proven(shop)).get("/settings/")).html

        assert 'name="notify_usage_alerts" value="sms" disabled' in html


class TestPassword:
    def test_a_change_needs_the_present_one_and_ends_other_sessions(self, owner: Customer) -> None:
        client, other = sign_in(owner), sign_in(owner, browser(User_Agent=SAFARI))
        before = client.session.session_key

        answer = client.post("/settings/password/", {"current_password": PASSWORD, "new_password": FRESH})

        assert answer["Location"] == "/settings/security/"
        assert client.session.session_key != before
        assert client.get("/settings/sessions/").status_code == 200
        assert "This device" in Page(client.get("/settings/sessions/")).text
        assert other.get("/account/").status_code == 303
        assert "security_notice" in messages_to(str(owner.email))
        owner.user.refresh_from_db()
        assert owner.user.check_password(FRESH)

    @pytest.mark.parametrize(
        ("current", "new", "field"),
        [
            ("wrong", FRESH, "current_password"),
            ("", FRESH, "current_password"),
            (PASSWORD, "12345678", "new_password"),
            (PASSWORD, "", "new_password"),
        ],
    )
    def test_a_mistake_is_told_beside_its_field(
        self, owner: Customer, current: str, new: str, field: str
    ) -> None:
        client = sign_in(owner)

        answer = client.post("/settings/password/", {"current_password": current, "new_password": new})

        page = Page(answer)
        assert answer.status_code == 422
        assert f'id="error-{field}"' in page.html
        assert PASSWORD not in page.html
        owner.user.refresh_from_db()
        assert owner.user.check_password(PASSWORD)

    def test_who_has_none_sets_one_after_a_recent_proof(self, owner: Customer, shop: Shop) -> None:
        client = sign_in(owner)
        owner.user.set_unusable_password()
        owner.user.save()
        client.force_login(owner.user, backend="everline.accounts.backends.CustomerBackend")

        answer = client.get("/settings/password/")

        assert answer["Location"] == "/settings/confirm/?next=%2Fsettings%2Fpassword%2F"


class TestDevices:
    def test_the_list_tells_this_device_and_the_others(self, owner: Customer) -> None:
        client = sign_in(owner)
        sign_in(owner, browser(User_Agent=SAFARI))

        page = Page(client.get("/settings/sessions/"))

        assert "This device" in page.text
        assert "Mobile Safari · iOS" in page.text
        assert page.html.count("This device") == 1
        assert page.html.count("/end/") == 2

    def test_a_program_with_a_token_is_listed_and_ended(self, owner: Customer) -> None:
        client = sign_in(owner)
        services.open_session(
            login=str(owner.email), password=PASSWORD, client="127.0.0.1", now=clock.now(), label=SCRIPT
        )
        page = Page(client.get("/settings/sessions/"))
        [action] = [
            form["action"]
            for form in page.forms
            if form["action"].endswith("/end/") and form["action"] != "/settings/sessions/end/"
        ]

        answer = client.post(action)

        assert SCRIPT not in page.html
        assert "API" in page.text
        assert answer["Location"] == "/settings/sessions/"
        assert AccessToken.objects.get().revoked_at is not None

    def test_ending_one_signs_it_out(self, owner: Customer) -> None:
        client, other = sign_in(owner), sign_in(owner, browser(User_Agent=SAFARI))
        row = WebSession.objects.get(session_key=other.session.session_key)

        client.post(f"/settings/sessions/{row.id}/end/")

        assert other.get("/account/").status_code == 303
        assert client.get("/account/").status_code == 200
        assert client.post(f"/settings/sessions/{row.id}/end/").status_code == 404

    def test_ending_all_others_leaves_this_one(self, owner: Customer) -> None:
        client, others = sign_in(owner), [sign_in(owner) for _ in range(2)]

        answer = client.post("/settings/sessions/end/")

        assert answer["Location"] == "/settings/sessions/"
        assert "2 devices are signed out" in Page(client.get("/settings/sessions/")).text
        assert [other.get("/account/").status_code for other in others] == [303, 303]

    def test_other_peoples_sessions_are_not_there(self, owner: Customer, shop: Shop) -> None:
        stranger = sign_in(shop.customer())
        mine = sign_in(owner)
        row = WebSession.objects.get(session_key=mine.session.session_key)

        answer = stranger.post(f"/settings/sessions/{row.id}/end/")

        assert answer.status_code == 404
        assert mine.get("/account/").status_code == 200

    @pytest.mark.parametrize("session_id", ["x", "ses_", "tok_0000000000000", "%00", "ses_%27"])
    def test_nonsense_is_not_there(self, owner: Customer, session_id: str) -> None:
        assert sign_in(owner).post(f"/settings/sessions/{session_id}/end/").status_code == 404

    def test_a_strange_device_name_is_only_text(self, owner: Customer) -> None:
        client = sign_in(owner, browser(User_Agent=f"{SCRIPT}<img src=x onerror=alert(1)>"))

        page = Page(client.get("/settings/sessions/"))

        assert page.forbidden == []
        assert SCRIPT not in page.html


class TestConfirming:
    def test_password_then_back_under_a_new_key(self, owner: Customer, shop: Shop) -> None:
        client = sign_in(owner)
        shop.wait(minutes=16)
        before = client.session.session_key

        asked = client.get("/settings/email/")
        proven_now = client.post(
            "/settings/confirm/", {"way": "password", "password": PASSWORD, "next": "/settings/email/"}
        )

        assert asked["Location"] == "/settings/confirm/?next=%2Fsettings%2Femail%2F"
        assert proven_now["Location"] == "/settings/email/"
        assert client.session.session_key != before
        assert client.get("/settings/email/").status_code == 200
        assert "This device" in Page(client.get("/settings/sessions/")).text

    def test_a_wrong_password_proves_nothing(self, owner: Customer, shop: Shop) -> None:
        client = sign_in(owner)
        shop.wait(minutes=16)

        answer = client.post("/settings/confirm/", {"way": "password", "password": "wrong"})

        assert answer.status_code == 422
        assert 'id="error-password"' in Page(answer).html
        assert client.get("/settings/email/").status_code == 303

    @pytest.mark.parametrize("way", ["", "nothing", "send"])
    def test_no_other_way_proves_anything(self, owner: Customer, shop: Shop, way: str) -> None:
        client = sign_in(owner)
        shop.wait(minutes=16)

        client.post("/settings/confirm/", {"way": way})

        assert client.get("/settings/email/").status_code == 303

    def test_a_code_to_the_confirmed_address(self, owner: Customer, shop: Shop) -> None:
        from_mail = sign_in(owner)
        shop.wait(minutes=16)

        sent = from_mail.post("/settings/confirm/", {"way": "send", "next": "/settings/email/"})
        page = Page(from_mail.get(sent["Location"]))
        services.send_codes(clock.now())
        wrong = from_mail.post("/settings/confirm/", {"way": "code", "code": "000000"})

        assert sent["Location"] == "/settings/confirm/?next=%2Fsettings%2Femail%2F"
        assert str(owner.email) not in page.text.split("Is it you?")[-1]
        assert "@example.com" in page.text
        assert wrong.status_code == 422
        code = read_code(str(owner.email))
        right = from_mail.post(
            "/settings/confirm/", {"way": "code", "code": code, "next": "/settings/email/"}
        )
        assert right["Location"] == "/settings/email/"

    def test_with_a_second_step_the_mail_is_no_proof(self, owner: Customer, shop: Shop) -> None:
        client = sign_in(owner)
        switch_on(client)
        shop.wait(minutes=16)

        page = Page(client.get("/settings/confirm/"))

        assert "authenticator app" in page.text
        assert 'value="send"' not in page.html

    @pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
    def test_it_leads_nowhere_else(self, owner: Customer, wanted: str) -> None:
        answer = sign_in(owner).post(
            "/settings/confirm/", {"way": "password", "password": PASSWORD, "next": wanted}
        )

        assert answer["Location"] == "/settings/security/"

    @pytest.mark.parametrize(
        ("path", "back"),
        [
            ("/settings/second-factor/off/", "/settings/second-factor/"),
            ("/settings/second-factor/codes/", "/settings/second-factor/"),
            ("/settings/passkeys/7/remove/", "/settings/passkeys/"),
        ],
    )
    def test_a_form_leads_back_to_its_page(self, owner: Customer, shop: Shop, path: str, back: str) -> None:
        client = sign_in(owner)
        shop.wait(minutes=16)

        answer = client.post(path)

        assert answer["Location"] == f"/settings/confirm/?next={back.replace('/', '%2F')}"

    def test_a_passkey_proof_needs_a_passkey(self, owner: Customer) -> None:
        client = sign_in(owner)
        json_post(client, "/settings/confirm/passkey/options/", {})

        answer = json_post(client, "/settings/confirm/passkey/", {"credential": {"id": "x"}})

        assert answer.status_code == 422
