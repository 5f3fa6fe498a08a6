"""What opens the account: changed addresses, the second step with its recovery codes, and passkeys."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from everline.accounts.models import Customer
from tests.portal.conftest import Page, Shop
from tests.portal.people import (
    app_code,
    browser,
    codes_on,
    messages_to,
    proven,
    read_code,
    sign_in,
    switch_on,
)

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def owner(shop: Shop) -> Customer:
    return proven(shop, phone="+447700900987")


@pytest.fixture
def client(owner: Customer) -> Client:
    return sign_in(owner)


class TestAddresses:
    def test_a_new_e_mail_counts_with_its_code(self, owner: Customer, client: Client) -> None:
        old = str(owner.email)

        asked = client.post("/settings/email/", {"email": "New.Ann@Example.com "})
        before = client.session.session_key
        shown = Page(client.get("/settings/email/code/"))
        entered = client.post("/settings/email/code/", {"code": read_code("new.ann@example.com")})

        assert asked["Location"] == "/settings/email/code/"
        assert "new.ann@example.com" in shown.text
        assert entered["Location"] == "/settings/security/"
        assert client.session.session_key != before
        owner.user.refresh_from_db()
        assert owner.user.email == "new.ann@example.com"
        assert "security_notice" in messages_to(old)
        assert "security_notice" in messages_to("new.ann@example.com")
        assert "new.ann@example.com Confirmed" in Page(client.get("/settings/security/")).text

    def test_nothing_changes_before_the_code(self, owner: Customer, client: Client) -> None:
        client.post("/settings/email/", {"email": "new@example.com"})

        answer = client.post("/settings/email/code/", {"code": "000000"})

        owner.user.refresh_from_db()
        assert answer.status_code == 422
        assert 'id="error-code"' in Page(answer).html
        assert owner.user.email != "new@example.com"

    def test_a_number_is_added_as_written_at_home(self, shop: Shop) -> None:
        customer = proven(shop)
        client = sign_in(customer)

        client.post("/settings/phone/", {"country": "CN", "phone": "138 0013 8000"})
        page = Page(client.get("/settings/phone/code/"))
        client.post("/settings/phone/code/", {"code": read_code("+8613800138000")})

        assert "+86 138 0013 8000" in page.text
        customer.user.refresh_from_db()
        customer.refresh_from_db()
        assert customer.user.phone == "+8613800138000"
        assert customer.phone_verified_at is not None

    @pytest.mark.parametrize(
        ("path", "form", "field"),
        [
            ("/settings/email/", {"email": "li@"}, "email"),
            ("/settings/email/", {"email": ""}, "email"),
            ("/settings/email/", {"email": f"{SCRIPT}@example.com"}, "email"),
            ("/settings/phone/", {"phone": "138", "country": ""}, "phone"),
            ("/settings/phone/", {"phone": SCRIPT, "country": SCRIPT}, "phone"),
        ],
    )
    def test_what_is_no_address_is_told_beside_its_field(
        self, client: Client, path: str, form: dict[str, str], field: str
    ) -> None:
        answer = client.post(path, form)

        page = Page(answer)
        assert answer.status_code == 422
        assert f'id="error-{field}"' in page.html
        assert page.forbidden == []

    def test_a_taken_address_looks_the_same_and_is_never_taken_over(
        self, owner: Customer, client: Client, shop: Shop
    ) -> None:
        other = proven(shop)

        asked = client.post("/settings/email/", {"email": str(other.email)})
        tried = client.post("/settings/email/code/", {"code": "123456"})

        assert asked["Location"] == "/settings/email/code/"
        assert tried.status_code == 422
        assert "address_taken" in messages_to(str(other.email))
        other.user.refresh_from_db()
        assert other.user.email == other.email

    @pytest.mark.parametrize("kind", ["email", "phone"])
    def test_the_present_one_is_confirmed_without_a_recent_proof(self, shop: Shop, kind: str) -> None:
        customer = shop.customer()
        customer.user.phone = "+447700900333"
        customer.user.save()
        client = sign_in(customer)
        shop.wait(minutes=20)

        asked = client.post(f"/settings/{kind}/confirm/")
        entered = client.post(f"/settings/{kind}/code/", {"code": read_code(str(getattr(customer, kind)))})

        assert asked["Location"] == f"/settings/{kind}/code/"
        assert entered["Location"] == "/settings/security/"
        customer.refresh_from_db()
        assert getattr(customer, f"{kind}_verified_at") is not None

    def test_there_is_nothing_to_confirm_without_an_address(self, shop: Shop) -> None:
        client = sign_in(proven(shop))

        assert client.post("/settings/phone/confirm/").status_code == 404

    def test_a_new_code_goes_to_the_same_address(self, owner: Customer, client: Client) -> None:
        client.post("/settings/email/", {"email": "new@example.com"})
        read_code("new@example.com")

        answer = client.post("/settings/email/again/")

        assert answer["Location"] == "/settings/email/code/"
        assert client.post("/settings/email/code/", {"code": read_code("new@example.com")}).status_code == 303

    @pytest.mark.parametrize("path", ["/settings/email/code/", "/settings/email/again/"])
    def test_without_a_request_there_is_no_code(self, client: Client, path: str) -> None:
        assert client.post(path, {"code": "1"})["Location"] == "/settings/email/"

    def test_a_code_for_the_mail_changes_no_number(self, owner: Customer, client: Client) -> None:
        client.post("/settings/email/", {"email": "new@example.com"})
        code = read_code("new@example.com")

        answer = client.post("/settings/phone/code/", {"code": code})

        assert answer["Location"] == "/settings/phone/"
        owner.user.refresh_from_db()
        assert owner.user.phone == "+447700900987"

    def test_an_old_proof_asks_again_before_a_new_address(
        self, owner: Customer, client: Client, shop: Shop
    ) -> None:
        client.post("/settings/email/", {"email": "new@example.com"})
        shop.wait(minutes=16)

        answer = client.post("/settings/email/again/")

        assert answer["Location"] == "/settings/confirm/?next=%2Fsettings%2Fsecurity%2F"


class TestSecondStep:
    def test_is_set_up_by_picture_or_text(self, client: Client) -> None:
        page = Page(client.get("/settings/second-factor/"))
        secret = client.session["portal.totp"]["secret"]

        again = Page(client.get("/settings/second-factor/"))

        assert "<svg" in page.html
        assert secret[:4] in page.text
        assert "otpauth://totp/" in page.html
        assert page.forbidden == []
        assert client.session["portal.totp"]["secret"] == secret
        assert secret[:4] in again.text

    def test_switching_on_shows_the_recovery_codes_once_under_a_new_key(
        self, owner: Customer, client: Client
    ) -> None:
        page = Page(client.get("/settings/second-factor/"))
        secret, before = client.session["portal.totp"]["secret"], client.session.session_key

        answer = client.post(
            "/settings/second-factor/", {**page.form("/settings/second-factor/"), "code": app_code(secret)}
        )

        codes = codes_on(answer)
        assert len(codes) == len(set(codes)) == 10
        assert "no-store" in answer["Cache-Control"]
        assert client.session.session_key != before
        assert "portal.totp" not in client.session
        security = Page(client.get("/settings/security/"))
        assert "10 recovery codes left" in security.text
        assert not any(code in security.text for code in codes)
        assert "security_notice" in messages_to(str(owner.email))

    def test_a_wrong_code_keeps_the_same_picture(self, client: Client) -> None:
        client.get("/settings/second-factor/")
        secret = client.session["portal.totp"]["secret"]

        answer = client.post("/settings/second-factor/", {"code": "000000"})

        assert answer.status_code == 422
        assert 'id="error-code"' in Page(answer).html
        assert secret[:4] in Page(answer).text
        assert Authenticator.objects.count() == 0

    def test_a_secret_is_not_taken_from_the_form(self, client: Client) -> None:
        client.get("/settings/second-factor/")
        mine = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

        answer = client.post("/settings/second-factor/", {"secret": mine, "code": app_code(mine)})

        assert answer.status_code == 422

    def test_without_a_picture_there_is_nothing_to_confirm(self, client: Client) -> None:
        assert client.post("/settings/second-factor/", {"code": "123456"})["Location"].endswith(
            "/settings/second-factor/"
        )

    def test_new_recovery_codes_replace_the_old_ones(self, owner: Customer, client: Client) -> None:
        _, old = switch_on(client)

        new = codes_on(client.post("/settings/second-factor/codes/"))

        assert len(new) == 10
        assert set(new).isdisjoint(old)

    def test_without_the_second_step_there_are_no_recovery_codes(self, client: Client) -> None:
        answer = client.post("/settings/second-factor/codes/")

        assert answer.status_code == 409
        assert codes_on(answer) == []

    def test_switching_off_takes_the_codes_along(self, owner: Customer, client: Client) -> None:
        switch_on(client)
        before = client.session.session_key

        answer = client.post("/settings/second-factor/off/")

        assert answer["Location"] == "/settings/security/"
        assert client.session.session_key != before
        assert Authenticator.objects.count() == 0
        assert sign_in(owner, browser()).get("/account/").status_code == 200

    def test_an_unconfirmed_address_is_confirmed_first(self, shop: Shop) -> None:
        client = sign_in(shop.customer())

        page = Page(client.get("/settings/second-factor/"))

        assert "Confirm an address first" in page.text
        assert "portal.totp" not in client.session


class TestPasskeys:
    @pytest.fixture
    def passkey(self, owner: Customer) -> Authenticator:
        """A row as the list reads it; real ones are made in the browser's tests."""
        return Authenticator.objects.create(
            user=owner.user, type="webauthn", data={"name": "My phone", "credential": {}}
        )

    def test_are_listed_with_their_names(self, client: Client, passkey: Authenticator) -> None:
        page = Page(client.get("/settings/passkeys/"))

        assert "My phone" in page.text
        assert "not used yet" in page.text
        assert f"/settings/passkeys/{passkey.pk}/" in page.links

    def test_can_be_renamed(self, client: Client, passkey: Authenticator) -> None:
        answer = client.post(f"/settings/passkeys/{passkey.pk}/", {"name": f"  {SCRIPT} "})

        assert answer["Location"] == "/settings/passkeys/"
        page = Page(client.get("/settings/passkeys/"))
        assert SCRIPT not in page.html
        assert SCRIPT in page.text
        assert page.forbidden == []

    def test_can_be_removed(self, owner: Customer, client: Client, passkey: Authenticator) -> None:
        answer = client.post(f"/settings/passkeys/{passkey.pk}/remove/")

        assert answer["Location"] == "/settings/passkeys/"
        assert not Authenticator.objects.exists()
        assert "security_notice" in messages_to(str(owner.email))

    @pytest.mark.parametrize("path", ["/settings/passkeys/{}/", "/settings/passkeys/{}/remove/"])
    def test_other_peoples_are_not_there(self, shop: Shop, passkey: Authenticator, path: str) -> None:
        stranger = sign_in(proven(shop))

        answer = stranger.post(path.format(passkey.pk), {"name": "mine"})

        assert answer.status_code == 404
        passkey.refresh_from_db()
        assert passkey.data["name"] == "My phone"

    def test_other_factors_are_no_passkeys(self, client: Client, owner: Customer) -> None:
        switch_on(client)
        row = Authenticator.objects.get(type="totp")

        answer = client.post(f"/settings/passkeys/{row.pk}/remove/")

        assert answer.status_code == 404
        assert Authenticator.objects.filter(type="totp").exists()

    @pytest.mark.parametrize("number", ["0", "99999999999999999999", "-1", "x"])
    def test_nonsense_is_not_there(self, client: Client, number: str) -> None:
        assert client.get(f"/settings/passkeys/{number}/").status_code == 404

    def test_a_page_without_scripts_says_what_is_missing(self, client: Client) -> None:
        html = client.get("/settings/passkeys/").content.decode()

        assert "They need JavaScript" in html
        assert re.search(r'data-passkey="add"[^>]*hidden', html)
