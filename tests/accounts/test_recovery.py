"""A new password by a code, by the present one, or after a recent proof; and all that ends with the old."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.accounts import services
from everline.accounts.access import customer_by_token
from everline.accounts.errors import (
    CodeInvalid,
    InvalidCredentials,
    PasswordTooWeak,
    ReauthenticationRequired,
    SignInLinkSpent,
)
from everline.accounts.models import Customer, OneTimeCode, User
from everline.accounts.types import SignedIn
from everline.core import clock
from everline.core.errors import RateLimited
from everline.notifications.models import Message
from tests.accounts.conftest import HOME, PASSWORD, actor_for, newest_code, notices, other_than
from tests.core.racing import at_once, failures

Register = Callable[..., Customer]
pytestmark = pytest.mark.django_db

EMAIL = "li@example.com"
PHONE = "+8613800138000"
NEW = "tall-harbour-77"


def _ask(login: str = EMAIL) -> str:
    services.request_recovery_code(login=login, client="192.0.2.1", now=clock.now())
    return newest_code(login)


def _reset(code: str, login: str = EMAIL, password: str = NEW) -> None:
    services.reset_password(login=login, code=code, new_password=password, device=HOME, now=clock.now())


def _password_is(password: str) -> bool:
    return User.objects.get(email=EMAIL).check_password(password)


def _browser(customer: Customer) -> SessionStore:
    session = SessionStore()
    services.open_web_session(
        session=session, user=customer.user, method="password", device=HOME, known="", now=clock.now()
    )
    session.save()
    return session


# By a code


@pytest.mark.parametrize(("login", "channel"), [(EMAIL, "email"), (PHONE, "sms")])
def test_a_forgotten_password_is_replaced_by_mail_or_text(
    verified: Customer, login: str, channel: str
) -> None:
    code = _ask(login)

    _reset(code, login)

    sent = Message.objects.get(kind="recovery_code")
    assert (sent.to, sent.channel) == (login, channel)
    assert _password_is(NEW)
    assert notices() == ["password_reset"]


def test_it_ends_every_session_token_code_and_link(verified: Customer) -> None:
    browser = _browser(verified)
    session = services.open_session(login=EMAIL, password=PASSWORD, client="", now=clock.now())
    link = str(Message.objects.get(kind="welcome").private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]
    services.request_sign_in_code(login=EMAIL, client="", now=clock.now())
    to_sign_in = newest_code(EMAIL)
    by_phone = _ask(PHONE)

    _reset(_ask())

    assert customer_by_token(session.token, clock.now()) is None
    assert not SessionStore().exists(str(browser.session_key))
    with pytest.raises(InvalidCredentials):
        services.sign_in_with_code(login=EMAIL, code=to_sign_in, client="", now=clock.now())
    with pytest.raises(CodeInvalid):
        _reset(by_phone, PHONE, "low-meadow-31")
    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=link, client="", now=clock.now())
    assert _password_is(NEW)


def test_a_code_resets_once(verified: Customer) -> None:
    code = _ask()
    _reset(code)

    with pytest.raises(CodeInvalid):
        _reset(code, password="low-meadow-31")
    assert _password_is(NEW)


@pytest.mark.parametrize("login", ["nobody@example.com", "+8613800138001", "", "13800138000", "\ud800"])
def test_an_unknown_login_is_refused_like_a_wrong_code(verified: Customer, login: str) -> None:
    code = _ask()

    with pytest.raises(CodeInvalid) as unknown:
        _reset(code, login)
    with pytest.raises(CodeInvalid) as wrong:
        _reset(other_than(code))

    assert (unknown.value.code, unknown.value.detail) == (wrong.value.code, wrong.value.detail)
    assert _password_is(PASSWORD)


def test_a_refused_reset_costs_the_same_for_known_and_unknown(verified: Customer) -> None:
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"
    work = []
    for login in (EMAIL, "nobody@example.com"):
        with (
            CaptureQueriesContext(connection) as seen,
            mock.patch(hasher, autospec=True, return_value="md5$x$y") as hashing,
            pytest.raises(CodeInvalid),
        ):
            _reset("123456", login)
        work.append((len(seen), hashing.call_count))

    assert work[0] == work[1]


def test_a_weak_password_leaves_the_code_good(verified: Customer) -> None:
    code = _ask()

    with pytest.raises(PasswordTooWeak) as refused:
        _reset(code, password="1234567")
    assert refused.value.field == "new_password"
    assert OneTimeCode.objects.get().tries == 0
    _reset(code)

    assert _password_is(NEW)


def test_a_weak_password_tells_nothing_of_the_login(verified: Customer) -> None:
    with pytest.raises(PasswordTooWeak) as known:
        _reset("123456", EMAIL, EMAIL)
    with pytest.raises(PasswordTooWeak) as unknown:
        _reset("123456", "nobody@example.com", "nobody@example.com")

    assert known.value.detail == unknown.value.detail


def test_guessing_is_slowed(verified: Customer) -> None:
    for _ in range(10):
        with pytest.raises(CodeInvalid):
            _reset("000000x")

    with pytest.raises(RateLimited):
        _reset("000000x")


def test_an_unproved_mail_address_gets_a_new_link_and_no_code(register: Register) -> None:
    customer = register()
    services.request_recovery_code(login=EMAIL, client="", now=clock.now())
    services.send_codes(clock.now())

    sent = [each.kind for each in Message.objects.order_by("id")]
    link = str(Message.objects.latest("id").private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]
    signed_in = services.sign_in_with_link(token=link, client="", now=clock.now())

    assert sent == ["welcome", "welcome"]
    assert isinstance(signed_in, SignedIn)
    assert signed_in.customer == customer
    assert signed_in.customer.email_verified_at is not None


def test_a_number_alone_is_proved_by_its_code(register: Register) -> None:
    services.register_customer(
        brand=services.ensure_default_brand(), phone=PHONE, password=PASSWORD, now=clock.now()
    )

    _reset(_ask(PHONE), PHONE)

    assert Customer.objects.get().phone_verified_at is not None
    assert User.objects.get().check_password(NEW)


def test_beside_a_proved_address_an_unproved_one_recovers_nothing(verified: Customer) -> None:
    Customer.objects.update(phone_verified_at=None)
    services.request_recovery_code(login=PHONE, client="", now=clock.now())
    services.send_codes(clock.now())

    assert not Message.objects.filter(to=PHONE).exists()
    with pytest.raises(CodeInvalid):
        _reset("123456", PHONE)


@pytest.mark.django_db(transaction=True)
def test_of_many_resets_at_once_one_counts() -> None:
    brand = services.ensure_default_brand()
    services.register_customer(brand=brand, email=EMAIL, password=PASSWORD, now=clock.now())
    Customer.objects.update(email_verified_at=clock.now())
    code = _ask()

    results = at_once(*[lambda n=n: _reset(code, password=f"low-meadow-{n}{n}") for n in range(4)])  # type: ignore[misc]

    assert len(failures(results)) == 3
    assert notices() == ["password_reset"]


# By who is signed in


def test_a_change_ends_the_other_sessions_only(verified: Customer) -> None:
    own, other = _browser(verified), _browser(verified)
    token = services.open_session(login=EMAIL, password=PASSWORD, client="", now=clock.now()).token

    services.change_password(
        actor=actor_for(verified, session_key=own.session_key, authenticated_at=None),
        current_password=PASSWORD,
        new_password=NEW,
        now=clock.now(),
    )

    assert _password_is(NEW)
    assert SessionStore().exists(str(own.session_key))
    assert not SessionStore().exists(str(other.session_key))
    assert customer_by_token(token, clock.now()) is None
    assert notices()[-1] == "password_changed"


def test_a_wrong_present_password_changes_nothing_and_is_counted(verified: Customer) -> None:
    def change(current: str) -> None:
        services.change_password(
            actor=actor_for(verified), current_password=current, new_password=NEW, now=clock.now()
        )

    for _ in range(10):
        with pytest.raises(InvalidCredentials) as refused:
            change("wrong-lantern-42")
        assert refused.value.field == "current_password"
    with pytest.raises(RateLimited):
        change(PASSWORD)

    assert _password_is(PASSWORD)


def test_without_the_present_password_a_recent_proof_is_asked_for(verified: Customer) -> None:
    actor = actor_for(verified)
    stale = replace(actor, authenticated_at=clock.now() - timedelta(minutes=16))

    with pytest.raises(ReauthenticationRequired):
        services.change_password(actor=stale, current_password=None, new_password=NEW, now=clock.now())
    services.change_password(actor=actor, current_password=None, new_password=NEW, now=clock.now())

    assert _password_is(NEW)


@pytest.mark.parametrize("weak", ["1234567", "password1", "li@example.com", "x\x00" * 8])
def test_a_weak_password_is_refused(verified: Customer, weak: str) -> None:
    with pytest.raises(PasswordTooWeak) as refused:
        services.change_password(
            actor=actor_for(verified), current_password=PASSWORD, new_password=weak, now=clock.now()
        )

    assert refused.value.field == "new_password"
    assert _password_is(PASSWORD)
    assert notices() == []
