"""The staff's door: two factors, eight hours, nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.test import Client

from everline.accounts import services
from everline.accounts.models import Customer, User
from everline.accounts.roles import Role
from everline.backoffice.middleware import COOKIE, POLICY
from everline.core import clock
from everline.core.models import AuditEntry
from tests.accounts.factors import totp_now, wrong_totp
from tests.backoffice.conftest import PASSWORD, MakeStaff, SignIn

pytestmark = pytest.mark.django_db
DOOR, CODE, ENROL, HOME = (
    "/backoffice/sign-in/",
    "/backoffice/sign-in/code/",
    "/backoffice/sign-in/enrol/",
    "/backoffice/",
)


@pytest.fixture
def newcomer(staff: MakeStaff) -> User:
    return staff(Role.SUPPORT, factor=False)


def knock(client: Client, login: str = "support@example.com", password: str = PASSWORD, **more: str) -> Any:
    return client.post(DOOR, {"login": login, "password": password, **more})


def enrolled(client: Client) -> str:
    """Go through the first sign-in; the answer is the secret of the app."""
    knock(client)
    client.get(ENROL)
    secret = client.session_of_staff["everline.staff.secret"]["secret"]  # type: ignore[attr-defined]
    client.post(ENROL, {"code": totp_now(secret)})
    return str(secret)


class StaffClient(Client):
    """Shows the session behind the staff's cookie."""

    @property
    def session_of_staff(self) -> dict[str, Any]:
        return Session.objects.get(session_key=self.cookies[COOKIE].value).get_decoded()


@pytest.fixture
def browser() -> StaffClient:
    return StaffClient(headers={"accept-language": "en"})


def test_the_first_sign_in_enrols_a_second_factor(newcomer: User, browser: StaffClient) -> None:
    first = knock(browser)
    page = browser.get(first["Location"])
    secret = browser.session_of_staff["everline.staff.secret"]["secret"]
    codes = browser.post(ENROL, {"code": totp_now(secret)})

    assert first["Location"] == ENROL
    assert b"<svg" in page.content
    assert secret in page.content.decode()
    assert codes.status_code == 200
    assert len(codes.context["codes"]) == 10
    assert "no-store" in codes["Cache-Control"]
    assert browser.get(HOME).status_code == 200
    assert AuditEntry.objects.filter(actor=str(newcomer), action="staff.enrolled").count() == 1
    assert ENROL not in browser.get(ENROL, follow=True).request["PATH_INFO"]


def test_outside_the_sandbox_the_secret_is_drawn_and_not_written(
    newcomer: User, browser: StaffClient, settings: Any
) -> None:
    settings.EVERLINE_MODE = "live"
    knock(browser)

    page = browser.get(ENROL)

    secret = browser.session_of_staff["everline.staff.secret"]["secret"]
    assert b"<svg" in page.content
    assert secret not in page.content.decode()


def test_a_wrong_first_code_enrols_nothing(newcomer: User, browser: StaffClient) -> None:
    knock(browser)
    browser.get(ENROL)
    secret = browser.session_of_staff["everline.staff.secret"]["secret"]

    answer = browser.post(ENROL, {"code": wrong_totp(secret)})

    assert answer.status_code == 400
    assert browser.session_of_staff["everline.staff.secret"]["secret"] == secret
    assert browser.get(HOME).status_code == 302


def test_the_second_sign_in_asks_for_the_factor(newcomer: User, browser: StaffClient) -> None:
    secret = enrolled(browser)
    again = StaffClient()
    answer = knock(again, next="/backoffice/orders/order/")

    early = again.get(HOME)
    wrong = again.post(CODE, {"code": wrong_totp(secret)})
    right = again.post(CODE, {"code": totp_now(secret, 1)})

    assert answer["Location"] == CODE
    assert early.status_code == 302
    assert wrong.status_code == 400
    assert right["Location"] == "/backoffice/orders/order/"
    assert again.get(HOME).status_code == 200


def test_a_recovery_code_lets_in_once(newcomer: User, browser: StaffClient) -> None:
    knock(browser)
    browser.get(ENROL)
    secret = browser.session_of_staff["everline.staff.secret"]["secret"]
    code = browser.post(ENROL, {"code": totp_now(secret)}).context["codes"][0]

    for status in (302, 400):
        client = StaffClient()
        knock(client)
        assert client.post(CODE, {"code": code}).status_code == status


def test_the_session_key_changes_at_every_step(newcomer: User, browser: StaffClient) -> None:
    browser.cookies[COOKIE] = "planted0planted0planted0planted0"
    knock(browser)
    pending = browser.cookies[COOKIE].value
    browser.get(ENROL)
    secret = browser.session_of_staff["everline.staff.secret"]["secret"]
    browser.post(ENROL, {"code": totp_now(secret)})

    assert pending != "planted0planted0planted0planted0"
    assert browser.cookies[COOKIE].value != pending
    assert not Session.objects.filter(session_key=pending).exists()
    cookie = browser.cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (HOME, True, "Lax")
    assert "sessionid" not in browser.cookies


def test_customers_and_strangers_get_the_answer_of_a_wrong_password(
    newcomer: User, browser: StaffClient
) -> None:
    brand = services.ensure_default_brand()
    services.register_customer(brand=brand, email="li@example.com", password=PASSWORD, now=clock.now())

    answers = [
        knock(browser, "li@example.com"),
        knock(browser, "nobody@example.com"),
        knock(browser, "support@example.com", "wrong password"),
    ]

    texts = {answer.content.decode().partition('role="alert">')[2].partition("<")[0] for answer in answers}
    assert {answer.status_code for answer in answers} == {400}
    assert len(texts) == 1
    assert texts != {""}
    assert COOKIE not in browser.cookies


def test_a_signed_in_customer_is_nobody_here(browser: StaffClient, staff: MakeStaff) -> None:
    brand = services.ensure_default_brand()
    services.register_customer(brand=brand, email="li@example.com", password=PASSWORD, now=clock.now())
    customer = Customer.objects.get(user__email="li@example.com")
    browser.force_login(customer.user)
    browser.cookies[COOKIE] = browser.cookies["sessionid"].value

    for url in (
        HOME,
        "/backoffice/orders/order/",
        "/backoffice/find/?q=li@example.com",
        "/backoffice/act/note/x/",
    ):
        answer = browser.get(url)
        assert answer.status_code == 302
        assert answer["Location"].startswith(DOOR)


def test_a_member_of_staff_has_no_account_in_the_portal(browser: StaffClient, staff: MakeStaff) -> None:
    browser.force_login(staff(Role.OWNER))

    answer = browser.get("/account/")

    assert answer.status_code in {302, 303}
    assert "/sign-in/" in answer["Location"]


def test_a_shift_ends_after_eight_hours(desk: SignIn) -> None:
    client = desk()

    clock.set_offset(timedelta(hours=7, minutes=59))
    before = client.get(HOME).status_code
    clock.set_offset(timedelta(hours=8, seconds=1))
    after = client.get(HOME)

    assert before == 200
    assert after.status_code == 302


@pytest.mark.parametrize("change", ["dismissed", "closed", "factor gone", "factor new", "password changed"])
def test_every_request_asks_who_it_is(desk: SignIn, change: str) -> None:
    client = desk(Role.SUPPORT)
    user = User.objects.get(email="support@example.com")
    assert client.get(HOME).status_code == 200

    if change.startswith("factor"):
        user.authenticator_set.all().delete()
        if change == "factor new":  # a lost laptop stays outside when its owner has enrolled again
            Authenticator.objects.create(user=user, type="totp", data={"secret": "another"})
    elif change == "password changed":
        user.set_password("another-lantern-43")
        user.save()
    else:
        setattr(user, "is_staff" if change == "dismissed" else "is_active", False)
        user.save()

    assert client.get(HOME).status_code == 302


def test_waiting_too_long_between_the_factors_begins_again(newcomer: User, browser: StaffClient) -> None:
    knock(browser)

    clock.set_offset(timedelta(minutes=10, seconds=1))

    assert browser.get(ENROL)["Location"] == DOOR


def test_guessing_is_slowed_down(newcomer: User, browser: StaffClient) -> None:
    answers = [knock(browser, password="guess").status_code for _ in range(12)]

    assert answers[0] == 400
    assert answers[-1] == 429
    assert knock(browser).status_code == 429


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/backoffice/",
        "/account/",
        "/backoffice/sign-in/",
        "javascript:1",
    ],
)
def test_the_way_on_stays_in_the_back_office(newcomer: User, browser: StaffClient, wanted: str) -> None:
    page = browser.get(DOOR, {"next": wanted})

    assert page.context["next"] == HOME


def test_signing_out_ends_the_session(desk: SignIn) -> None:
    client = desk()
    key = client.cookies[COOKIE].value

    client.post("/backoffice/logout/")

    assert not Session.objects.filter(session_key=key).exists()
    assert client.get(HOME).status_code == 302


@pytest.mark.parametrize("url", [DOOR, HOME, "/backoffice/nothing/", "/backoffice/core/auditentry/"])
def test_pages_carry_their_own_policy(desk: SignIn, url: str) -> None:
    for client in (desk(), Client()):
        answer = client.get(url)
        assert answer["Content-Security-Policy"] == POLICY
        assert "unsafe-inline" not in POLICY
        assert "no-store" in answer["Cache-Control"]
    assert "unsafe-eval" not in Client().get("/sign-in/")["Content-Security-Policy"]


def test_nothing_of_ours_is_inline(desk: SignIn, newcomer: User, browser: StaffClient) -> None:
    knock(browser)
    pages = [desk().get(HOME), browser.get(ENROL), Client().get(DOOR)]

    for page in pages:
        text = page.content.decode()
        assert "<style" not in text
        assert 'style="' not in text
        assert "<script>" not in text


def test_forms_need_their_token(newcomer: User) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(DOOR, {"login": "support@example.com", "password": PASSWORD}).status_code == 403
