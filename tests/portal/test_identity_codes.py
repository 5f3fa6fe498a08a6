"""One-time codes at the door: signing in without a password, and a new one for who forgot theirs."""

import pytest
from django.test import Client

from everline.accounts.models import Customer
from everline.notifications.models import Message
from tests.portal.conftest import PASSWORD, Page, Shop
from tests.portal.people import browser, messages_to, proven, read_code, sign_in

PHONE = "+447700900987"
FRESH = "a-new-quiet-lantern-43"


@pytest.fixture
def visitor() -> Client:
    return browser()


@pytest.fixture
def owner(shop: Shop) -> Customer:
    return proven(shop, phone=PHONE)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


class TestSignIn:
    @pytest.mark.parametrize("way", ["email", "phone"])
    def test_a_code_signs_in_by_either_address(self, owner: Customer, visitor: Client, way: str) -> None:
        address = str(getattr(owner, way))
        before = visitor.session.session_key

        asked = visitor.post("/sign-in/code/", {"login": address, "next": "/orders/"})
        entered = visitor.post("/sign-in/code/enter/", {"code": read_code(address)})

        assert (asked.status_code, asked["Location"]) == (303, "/sign-in/code/enter/")
        assert (entered.status_code, entered["Location"]) == (303, "/orders/")
        assert visitor.session.session_key != before
        assert "portal.code" not in visitor.session
        assert visitor.get("/account/").status_code == 200

    def test_the_password_page_sends_the_same_form(self, owner: Customer, visitor: Client) -> None:
        page = Page(visitor.get("/sign-in/?next=/orders/"))

        asked = visitor.post("/sign-in/code/", {**page.form("/sign-in/"), "login": str(owner.email)})

        assert 'formaction="/sign-in/code/"' in page.html
        assert asked["Location"] == "/sign-in/code/enter/"
        answer = visitor.post("/sign-in/code/enter/", {"code": read_code(str(owner.email))})
        assert answer["Location"] == "/orders/"

    def test_a_number_as_written_at_home_is_understood(self, shop: Shop) -> None:
        proven(shop, phone="+8613800138000")
        visitor = Client(headers={"Accept-Language": "zh-CN"})

        visitor.post("/sign-in/code/", {"login": "138 0013 8000"})
        answer = visitor.post("/sign-in/code/enter/", {"code": read_code("+8613800138000")})

        assert answer["Location"] == "/account/"

    def test_nobody_learns_whether_an_address_is_known(self, owner: Customer) -> None:
        known, unknown = browser(), browser()

        answers = [
            (client.post("/sign-in/code/", {"login": login}), client.get("/sign-in/code/enter/"))
            for client, login in ((known, str(owner.email)), (unknown, "nobody1@example.com"))
        ]

        assert answers[0][0]["Location"] == answers[1][0]["Location"]
        pages = [Page(shown).text for _, shown in answers]
        assert pages[0].replace(str(owner.email), "X") == pages[1].replace("nobody1@example.com", "X")
        tried = [client.post("/sign-in/code/enter/", {"code": "000000"}) for client in (known, unknown)]
        assert tried[0].status_code == tried[1].status_code == 422
        assert messages_to("nobody1@example.com") == []

    def test_the_address_stands_in_no_url_and_the_code_on_no_page(
        self, owner: Customer, visitor: Client
    ) -> None:
        asked = visitor.post("/sign-in/code/", {"login": str(owner.email)})
        code = read_code(str(owner.email))

        shown = visitor.get(asked["Location"])

        assert "@" not in asked["Location"]
        assert code not in shown.content.decode()
        assert "no-store" in shown["Cache-Control"]
        assert 'autocomplete="one-time-code"' in Page(shown).html
        assert 'inputmode="numeric"' in Page(shown).html

    def test_a_wrong_code_is_told_beside_its_field(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        code = read_code(str(owner.email))

        answer = visitor.post("/sign-in/code/enter/", {"code": wrong(code)})

        page = Page(answer)
        assert answer.status_code == 422
        assert 'id="error-code"' in page.html
        assert 'aria-invalid="true"' in page.html
        assert 'href="#field-code"' in page.html
        assert visitor.get("/account/").status_code == 303
        assert visitor.post("/sign-in/code/enter/", {"code": code})["Location"] == "/account/"

    def test_a_code_is_good_once(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        code = read_code(str(owner.email))
        visitor.post("/sign-in/code/enter/", {"code": code})
        thief = browser()
        thief.post("/sign-in/code/", {"login": str(owner.email)})

        answer = thief.post("/sign-in/code/enter/", {"code": code})

        assert answer.status_code == 422
        assert thief.get("/account/").status_code == 303

    def test_guessing_a_code_is_ended(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        code = read_code(str(owner.email))
        for _ in range(5):
            visitor.post("/sign-in/code/enter/", {"code": wrong(code)})

        answer = visitor.post("/sign-in/code/enter/", {"code": code})

        assert answer.status_code in {422, 429}
        assert visitor.get("/account/").status_code == 303

    def test_a_new_code_replaces_the_old_one(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        old = read_code(str(owner.email))

        answer = visitor.post("/sign-in/code/again/")

        assert answer["Location"] == "/sign-in/code/enter/"
        new = read_code(str(owner.email))
        assert "A new code is on its way" in Page(visitor.get("/sign-in/code/enter/")).text
        if old != new:
            assert visitor.post("/sign-in/code/enter/", {"code": old}).status_code == 422
        assert visitor.post("/sign-in/code/enter/", {"code": new}).status_code == 303

    def test_asking_without_end_is_slowed_down(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        answers = [visitor.post("/sign-in/code/again/") for _ in range(8)]

        assert answers[-1].status_code == 429
        assert int(answers[-1]["Retry-After"]) > 0
        assert len(messages_to(str(owner.email))) < 8

    @pytest.mark.parametrize(
        ("login", "says"),
        [
            ("", "Enter an e-mail address or a mobile number"),
            ("li@", "not a complete e-mail"),
            ("12", "country code"),
        ],
    )
    def test_what_can_be_nobodys_is_told_at_once(
        self, shop: Shop, visitor: Client, login: str, says: str
    ) -> None:
        answer = visitor.post("/sign-in/code/", {"login": login})

        assert answer.status_code == 422
        assert says in Page(answer).text
        assert 'id="error-login"' in Page(answer).html

    @pytest.mark.parametrize("path", ["/sign-in/code/enter/", "/sign-in/code/again/"])
    def test_without_a_request_there_is_no_code_to_enter(
        self, shop: Shop, visitor: Client, path: str
    ) -> None:
        assert visitor.post(path, {"code": "123456"})["Location"] == "/sign-in/code/"

    @pytest.mark.parametrize("path", ["/sign-in/code/", "/sign-in/code/enter/"])
    def test_who_is_signed_in_needs_no_code(self, owner: Customer, path: str) -> None:
        assert sign_in(owner).get(path)["Location"] == "/account/"

    def test_another_address_keeps_what_was_typed(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email), "next": "/orders/"})

        page = Page(visitor.get("/sign-in/code/"))

        assert page.form("/sign-in/code/")["login"] == owner.email
        assert page.form("/sign-in/code/")["next"] == "/orders/"

    @pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example/x", "/\\evil.example"])
    def test_a_code_never_leads_to_another_site(self, owner: Customer, visitor: Client, wanted: str) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email), "next": wanted})

        answer = visitor.post("/sign-in/code/enter/", {"code": read_code(str(owner.email))})

        assert answer["Location"] == "/account/"


class TestRegisteringByPhone:
    def test_the_code_confirms_the_number_and_signs_in(self, shop: Shop) -> None:
        visitor = Client(headers={"Accept-Language": "en-GB"})
        page = Page(visitor.get("/register/"))
        form = {**page.form("/register/"), "country": "GB", "phone": "07700 900555", "password": PASSWORD}

        answer = visitor.post("/register/", form)

        assert 'value="GB" selected' in page.html
        assert (answer.status_code, answer["Location"]) == (303, "/sign-in/code/enter/")
        entered = visitor.post("/sign-in/code/enter/", {"code": read_code("+447700900555")})
        assert entered["Location"] == "/account/"
        assert Customer.objects.get(user__phone="+447700900555").phone_verified_at is not None

    def test_a_taken_number_looks_the_same(self, owner: Customer) -> None:
        taken, free = browser(), browser()

        answers = [
            client.post(
                "/register/",
                {
                    **Page(client.get("/register/")).form("/register/"),
                    "phone": phone,
                    "password": PASSWORD,
                },
            )
            for client, phone in ((taken, PHONE), (free, "+447700900111"))
        ]

        assert [answer["Location"] for answer in answers] == ["/sign-in/code/enter/"] * 2
        assert Customer.objects.filter(user__phone=PHONE).count() == 1
        assert taken.get("/account/").status_code == 303

    def test_with_both_addresses_the_mail_comes_first(self, shop: Shop, visitor: Client) -> None:
        form = {
            **Page(visitor.get("/register/")).form("/register/"),
            "email": "both@example.com",
            "phone": "+447700900222",
            "password": PASSWORD,
        }

        answer = visitor.post("/register/", form)

        assert answer["Location"] == "/register/done/"
        assert "welcome" in messages_to("both@example.com")


class TestRecovery:
    @pytest.mark.parametrize("way", ["email", "phone"])
    def test_a_code_to_either_address_allows_a_new_password(
        self, owner: Customer, visitor: Client, way: str
    ) -> None:
        address = str(getattr(owner, way))
        elsewhere = sign_in(owner)

        asked = visitor.post("/recover/", {"login": address})
        saved = visitor.post("/recover/enter/", {"code": read_code(address), "new_password": FRESH})

        assert (asked["Location"], saved["Location"]) == ("/recover/enter/", "/sign-in/")
        assert "Your new password is set" in Page(visitor.get("/sign-in/")).text
        assert elsewhere.get("/account/").status_code == 303
        assert visitor.get("/account/").status_code == 303
        assert visitor.post("/sign-in/", {"login": address, "password": PASSWORD}).status_code == 422
        assert visitor.post("/sign-in/", {"login": address, "password": FRESH}).status_code == 303
        assert "security_notice" in messages_to(str(owner.email))

    def test_nobody_learns_whether_an_address_is_known(self, owner: Customer) -> None:
        pages = []
        for login in (str(owner.email), "nobody1@example.com"):
            client = browser()
            assert client.post("/recover/", {"login": login})["Location"] == "/recover/enter/"
            shown = client.get("/recover/enter/")
            tried = client.post("/recover/enter/", {"code": "000000", "new_password": FRESH})
            pages.append([Page(each).text.replace(login, "X") for each in (shown, tried)])

        assert pages[0] == pages[1]
        assert messages_to("nobody1@example.com") == []

    def test_a_weak_password_is_told_and_the_code_stays_good(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/recover/", {"login": str(owner.email)})
        code = read_code(str(owner.email))

        answer = visitor.post("/recover/enter/", {"code": code, "new_password": "12345678"})

        assert answer.status_code == 422
        assert 'id="error-new_password"' in Page(answer).html
        assert "12345678" not in Page(answer).html
        saved = visitor.post("/recover/enter/", {"code": code, "new_password": FRESH})
        assert saved["Location"] == "/sign-in/"

    def test_a_wrong_code_changes_nothing(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/recover/", {"login": str(owner.email)})
        code = wrong(read_code(str(owner.email)))

        answer = visitor.post("/recover/enter/", {"code": code, "new_password": FRESH})

        assert answer.status_code == 422
        assert 'id="error-code"' in Page(answer).html
        assert sign_in(owner).get("/account/").status_code == 200

    def test_a_code_to_sign_in_recovers_nothing(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/sign-in/code/", {"login": str(owner.email)})
        code = read_code(str(owner.email))
        visitor.post("/recover/", {"login": str(owner.email)})

        answer = visitor.post("/recover/enter/", {"code": code, "new_password": FRESH})

        assert answer.status_code == 422
        assert sign_in(owner).get("/account/").status_code == 200

    def test_a_new_code_can_be_asked_for(self, owner: Customer, visitor: Client) -> None:
        visitor.post("/recover/", {"login": str(owner.email)})

        answer = visitor.post("/recover/again/")

        assert answer["Location"] == "/recover/enter/"
        assert messages_to(str(owner.email)) == ["recovery_code"] * 2 or messages_to(str(owner.email)) == [
            "recovery_code"
        ]

    def test_who_is_signed_in_may_recover_too(self, owner: Customer) -> None:
        client = sign_in(owner)
        client.post("/recover/", {"login": str(owner.email)})

        answer = client.post("/recover/enter/", {"code": read_code(str(owner.email)), "new_password": FRESH})

        assert answer["Location"] == "/sign-in/"
        assert client.get("/sign-in/").status_code == 200

    @pytest.mark.parametrize("path", ["/recover/enter/", "/recover/again/"])
    def test_without_a_request_there_is_nothing_to_enter(
        self, shop: Shop, visitor: Client, path: str
    ) -> None:
        assert visitor.post(path, {"code": "1", "new_password": FRESH})["Location"] == "/recover/"

    def test_nothing_is_sent_to_an_address_by_looking(self, owner: Customer, visitor: Client) -> None:
        visitor.get("/recover/")
        visitor.get("/sign-in/code/")
        visitor.get("/sign-in/code/again/")

        assert Message.objects.count() == 0
