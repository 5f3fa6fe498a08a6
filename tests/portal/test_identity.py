"""Register, sign in, sign out, the link of the welcome mail."""

from collections.abc import Callable

import pytest
from django.test import Client

from everline.accounts.models import Customer, SignInLink, User
from everline.accounts.tokens import hash_token
from everline.core import clock
from everline.notifications.models import Message
from tests.portal.conftest import PASSWORD, Page, Shop

REGISTRATION = {"email": "li@example.com", "phone": "", "password": PASSWORD, "timezone": "Asia/Shanghai"}


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"Accept-Language": "en"})


def registration(visitor: Client, **changes: str) -> dict[str, str]:
    """The form as it came, filled in."""
    return {**Page(visitor.get("/register/")).form("/register/"), **REGISTRATION, **changes}


def test_sign_in_leads_to_the_account_under_a_new_session_key(shop: Shop, visitor: Client) -> None:
    customer = shop.customer()
    session = visitor.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key

    answer = visitor.post("/sign-in/", {"login": customer.email, "password": PASSWORD, "next": ""})

    assert (answer.status_code, answer["Location"]) == (303, "/account/")
    assert visitor.session.session_key != before
    assert "planted" not in visitor.session
    assert visitor.get("/account/").status_code == 200


@pytest.mark.parametrize("wanted", ["/orders/", "/lines/new/?term=day"])
def test_sign_in_goes_on_to_the_page_that_was_asked_for(shop: Shop, visitor: Client, wanted: str) -> None:
    customer = shop.customer()
    page = Page(visitor.get("/sign-in/", {"next": wanted}))

    answer = visitor.post(
        "/sign-in/", {**page.form("/sign-in/"), "login": customer.email, "password": PASSWORD}
    )

    assert answer["Location"] == wanted


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example/x", "/\\evil.example", "http:evil.example", "evil"]
)
def test_sign_in_never_leads_to_another_site(shop: Shop, visitor: Client, wanted: str) -> None:
    customer = shop.customer()

    answer = visitor.post("/sign-in/", {"login": customer.email, "password": PASSWORD, "next": wanted})

    assert answer["Location"] == "/account/"


def test_unknown_login_and_wrong_password_look_the_same(shop: Shop, visitor: Client) -> None:
    customer = shop.customer()

    wrong = visitor.post("/sign-in/", {"login": customer.email, "password": "not-the-password"})
    unknown = visitor.post("/sign-in/", {"login": "nobody@example.com", "password": "not-the-password"})

    assert wrong.status_code == unknown.status_code == 422
    assert "Login or password is wrong" in Page(wrong).text
    first, second = Page(wrong).text, Page(unknown).text
    assert first == second
    assert f'value="{customer.email}"' in Page(wrong).html
    assert "not-the-password" not in Page(wrong).html
    assert visitor.get("/account/").status_code == 303


def test_staff_are_no_customers(shop: Shop, visitor: Client) -> None:
    User.objects.create_user("staff@example.com", PASSWORD, is_staff=True)

    answer = visitor.post("/sign-in/", {"login": "staff@example.com", "password": PASSWORD})

    assert answer.status_code == 422


def test_guessing_is_slowed_down(shop: Shop, visitor: Client) -> None:
    customer = shop.customer()
    for _ in range(10):
        visitor.post("/sign-in/", {"login": customer.email, "password": "wrong"})

    answer = visitor.post("/sign-in/", {"login": customer.email, "password": PASSWORD})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Too many tries" in Page(answer).text


def test_sign_out_ends_the_session(shop: Shop, visitor: Client) -> None:
    customer = shop.customer()
    visitor.post("/sign-in/", {"login": customer.email, "password": PASSWORD})

    looked = visitor.get("/sign-out/")
    assert (looked.status_code, looked["Location"]) == (303, "/account/")
    assert visitor.get("/account/").status_code == 200
    answer = visitor.post("/sign-out/")

    assert answer["Location"] == "/"
    assert visitor.get("/account/").status_code == 303
    assert visitor.get("/sign-out/")["Location"] == "/"


def test_the_customers_language_follows_into_pages_that_know_nobody(shop: Shop, visitor: Client) -> None:
    customer = shop.customer(locale="zh-hans")
    visitor.post("/sign-in/", {"login": customer.email, "password": PASSWORD})

    visitor.post("/sign-out/")

    assert Page(visitor.get("/")).language == "zh-Hans"


def test_registration_makes_a_customer_who_may_sign_in(shop: Shop, visitor: Client) -> None:
    answer = visitor.post("/register/", registration(visitor))

    assert (answer.status_code, answer["Location"]) == (303, "/register/done/")
    customer = Customer.objects.get(user__email="li@example.com")
    assert (customer.locale, customer.timezone, customer.currency) == ("en", "Asia/Shanghai", "USD")
    assert Message.objects.get().kind == "welcome"
    assert visitor.post("/sign-in/", {"login": "li@example.com", "password": PASSWORD}).status_code == 303


def test_a_taken_address_gets_the_same_answer(shop: Shop, visitor: Client) -> None:
    customer = shop.customer()

    answer = visitor.post("/register/", registration(visitor, email=str(customer.email)))

    assert (answer.status_code, answer["Location"]) == (303, "/register/done/")
    assert Customer.objects.count() == 1
    assert Message.objects.get().kind == "address_taken"


def test_a_double_click_registers_once_and_writes_no_mail_about_strangers(
    shop: Shop, visitor: Client
) -> None:
    form = registration(visitor)

    first, second = visitor.post("/register/", form), visitor.post("/register/", form)

    assert first["Location"] == second["Location"]
    assert [message.kind for message in Message.objects.all()] == ["welcome"]


@pytest.mark.parametrize("token", [None, "", "é" * 300])
def test_who_goes_back_and_mends_the_address_registers_with_it(
    shop: Shop, visitor: Client, token: str | None
) -> None:
    form = registration(visitor)
    form["token"] = form["token"] if token is None else token
    visitor.post("/register/", form)

    answer = visitor.post("/register/", {**form, "email": "right@example.com"})

    assert answer["Location"] == "/register/done/"
    assert {message.to for message in Message.objects.all()} == {form["email"], "right@example.com"}
    assert {message.kind for message in Message.objects.all()} == {"welcome"}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"email": ""}, "email", "Enter an e-mail address or a mobile number"),
        ({"email": "li@"}, "email", "not a complete e-mail address"),
        ({"phone": "13800138000"}, "phone", "with its country code"),
        ({"password": "12345678"}, "password", "Many people use this password"),
        ({"timezone": "Mars/Base"}, "timezone", "Choose a time zone"),
    ],
)
def test_a_mistake_is_told_beside_its_field_and_the_rest_is_kept(
    shop: Shop, visitor: Client, changes: dict[str, str], field: str, says: str
) -> None:
    form = registration(visitor, **changes)

    answer = visitor.post("/register/", form)

    page = Page(answer)
    assert answer.status_code == 422
    assert says in page.text
    assert f'id="error-{field}"' in page.html
    assert f'href="#field-{field}"' in page.html
    assert page.title.startswith("Error:")
    kept = page.form("/register/")
    assert all(kept[name] == form[name] for name in ("email", "phone"))
    assert kept["token"] != form["token"]
    assert kept["password"] == ""
    assert Customer.objects.count() == 0
    visitor.post("/register/", {**kept, **REGISTRATION})
    assert Customer.objects.count() == 1


def test_a_signed_in_customer_needs_no_registration(shop: Shop, enter: Callable[[Customer], Client]) -> None:
    client = enter(shop.customer())

    assert client.get("/register/")["Location"] == "/account/"
    assert client.get("/sign-in/")["Location"] == "/account/"


class TestWelcomeLink:
    @pytest.fixture
    def owner(self, shop: Shop) -> Customer:
        customer = shop.customer()
        SignInLink.objects.create(
            token_hash=hash_token("secret"),
            customer=customer,
            email=str(customer.email),
            created_at=clock.now(),
            expires_at=clock.now().replace(year=2100),
        )
        return customer

    def test_verifies_and_signs_in_once(self, owner: Customer, visitor: Client) -> None:
        answer = visitor.get("/welcome/secret/")

        assert answer["Location"] == "/account/"
        owner.refresh_from_db()
        assert owner.email_verified_at is not None
        assert visitor.get("/account/").status_code == 200
        again = Client(headers={"Accept-Language": "en"}).get("/welcome/secret/")
        assert again.status_code == 422
        assert "used already or has expired" in Page(again).text

    def test_a_look_ahead_does_not_spend_it(self, owner: Customer, visitor: Client) -> None:
        assert visitor.head("/welcome/secret/").status_code == 200
        assert visitor.get("/welcome/secret/", headers={"Sec-Purpose": "prefetch"}).status_code == 200

        assert SignInLink.objects.get().used_at is None
        assert visitor.post("/welcome/secret/")["Location"] == "/account/"

    def test_asks_whoever_is_signed_in_already(
        self, owner: Customer, shop: Shop, enter: Callable[[Customer], Client]
    ) -> None:
        client = enter(shop.customer())

        answer = client.get("/welcome/secret/")

        assert answer.status_code == 200
        assert "You are signed in already" in Page(answer).text
        assert SignInLink.objects.get().used_at is None
        client.post("/welcome/secret/")
        assert client.session["_auth_user_id"] == str(owner.user_id)

    @pytest.mark.parametrize("token", ["nope", "%00", "x" * 500])
    def test_nonsense_is_a_spent_link(self, owner: Customer, visitor: Client, token: str) -> None:
        assert visitor.get(f"/welcome/{token}/").status_code == 422
