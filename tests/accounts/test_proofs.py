"""Proving again who is signed in; and the other door, for staff."""

from collections.abc import Callable
from unittest import mock

import pytest

from everline.accounts import selectors, services
from everline.accounts.errors import (
    AddressUnverified,
    CodeInvalid,
    InvalidCredentials,
    ReauthenticationRequired,
    SecondFactorWrong,
)
from everline.accounts.models import Customer, User
from everline.accounts.services.signing_in import authenticate_customer
from everline.accounts.types import Actor
from everline.core import clock
from everline.core.errors import NotFound, RateLimited
from everline.notifications.models import Message
from tests.accounts.conftest import HOME, PASSWORD, newest_code, notices, other_than
from tests.accounts.factors import enrol, totp_now

Register = Callable[..., Customer]
pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BOSS = "boss@example.com"


# Proofs


def test_the_password_proves_it(verified: Customer) -> None:
    def prove(password: str) -> None:
        services.reauthenticate_with_password(
            user_id=verified.user_id, password=password, client="", now=clock.now()
        )

    prove(PASSWORD)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            prove("wrong-lantern-42")
    with pytest.raises(RateLimited):
        prove(PASSWORD)


@pytest.mark.parametrize(
    ("proved", "to", "masked"),
    [
        ("email_verified_at", "li@example.com", "l…@example.com"),
        ("phone_verified_at", "+8613800138000", "+861…000"),
    ],
)
def test_a_code_at_a_proved_address_proves_it(register: Register, proved: str, to: str, masked: str) -> None:
    customer = register(phone="+8613800138000")
    Customer.objects.update(**{proved: clock.now()})

    shown = services.request_reauthentication_code(user_id=customer.user_id, client="", now=clock.now())
    code = newest_code(to)

    def prove(typed: str) -> None:
        services.reauthenticate_with_code(user_id=customer.user_id, code=typed, client="", now=clock.now())

    assert shown == masked
    with pytest.raises(CodeInvalid):
        prove(other_than(code))
    prove(code)
    with pytest.raises(CodeInvalid):
        prove(code)


def test_a_code_that_signs_in_is_no_proof_and_a_proof_signs_nobody_in(verified: Customer) -> None:
    services.request_sign_in_code(login="li@example.com", client="", now=clock.now())
    to_sign_in = newest_code("li@example.com")
    with pytest.raises(CodeInvalid):
        services.reauthenticate_with_code(
            user_id=verified.user_id, code=to_sign_in, client="", now=clock.now()
        )
    services.request_reauthentication_code(user_id=verified.user_id, client="", now=clock.now())
    proof = newest_code("li@example.com")

    with pytest.raises(InvalidCredentials):
        services.sign_in_with_code(
            login="li@example.com", code=proof if proof != to_sign_in else "x", client="", now=clock.now()
        )


def test_without_a_proved_address_no_code_is_sent(register: Register) -> None:
    customer = register()

    with pytest.raises(AddressUnverified):
        services.request_reauthentication_code(user_id=customer.user_id, client="", now=clock.now())
    assert services.send_codes(clock.now()) == 0


def test_the_app_proves_it(verified: Customer) -> None:
    enrol(verified, SECRET)

    services.reauthenticate_with_totp(
        user_id=verified.user_id, code=totp_now(SECRET, 1), client="", now=clock.now()
    )
    with pytest.raises(SecondFactorWrong):
        services.reauthenticate_with_totp(
            user_id=verified.user_id, code=totp_now(SECRET), client="", now=clock.now()
        )


def test_nobody_is_nobody() -> None:
    with pytest.raises(NotFound):
        selectors.user_by_id(0)


# Staff


@pytest.fixture
def boss(db: None) -> User:
    services.ensure_default_brand()
    return User.objects.create_superuser(BOSS, PASSWORD)


def _enter(login: str = BOSS, password: str = PASSWORD, client: str = "192.0.2.1") -> User:
    return services.authenticate_staff(login=login, password=password, client=client, now=clock.now())


def test_staff_sign_in_by_their_own_door(boss: User) -> None:
    assert _enter() == boss
    with pytest.raises(InvalidCredentials):
        authenticate_customer(login=BOSS, password=PASSWORD, client="", now=clock.now())


@pytest.mark.parametrize(
    ("login", "password"),
    [(BOSS, "wrong"), ("nobody@example.com", PASSWORD), ("li@example.com", PASSWORD), ("", PASSWORD)],
)
def test_every_refusal_is_the_same_after_one_hash(
    boss: User, verified: Customer, login: str, password: str
) -> None:
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"
    with mock.patch(hasher, autospec=True, return_value="md5$x$y") as work, pytest.raises(InvalidCredentials):
        _enter(login, password)

    assert work.call_count == 1


def test_customers_and_closed_staff_have_no_way_in(boss: User, verified: Customer) -> None:
    User.objects.filter(pk=verified.user_id).update(is_staff=True)
    User.objects.filter(pk=boss.pk).update(is_active=False)

    for login in ("li@example.com", BOSS):
        with pytest.raises(InvalidCredentials):
            _enter(login)


def test_staff_counts_are_their_own(boss: User) -> None:
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            _enter(password="wrong")

    with pytest.raises(RateLimited):
        _enter()
    assert _enter(client="198.51.100.9") == boss


def test_staff_enrol_the_same_second_factor(boss: User) -> None:
    actor = Actor(user_id=boss.pk, authenticated_at=clock.now(), device=HOME)
    enrolment = services.begin_totp(actor=actor, issuer="leb card", now=clock.now())
    services.confirm_totp(
        actor=actor, secret=enrolment.secret, code=totp_now(enrolment.secret), now=clock.now()
    )

    kind = services.check_second_factor(
        user_id=boss.pk, code=totp_now(enrolment.secret, 1), client="", now=clock.now()
    )

    assert kind == "totp"
    assert notices(BOSS) == ["second_factor_on"]
    assert Message.objects.get().locale == "zh-hans"
    assert selectors.security_of(boss.pk).totp


def test_a_session_key_of_staff_proves_nothing_old(boss: User) -> None:
    with pytest.raises(ReauthenticationRequired):
        services.disable_totp(
            actor=Actor(user_id=boss.pk, authenticated_at=None, device=HOME), now=clock.now()
        )
