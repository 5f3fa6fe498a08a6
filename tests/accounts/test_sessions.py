import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.db import connection, transaction

from everline.accounts import services
from everline.accounts.access import customer_by_token
from everline.accounts.errors import InvalidCredentials
from everline.accounts.models import AccessToken, Customer, User
from everline.accounts.services import sessions
from everline.accounts.services.signing_in import authenticate_customer
from everline.accounts.types import Session
from everline.core import clock
from everline.core.errors import RateLimited
from everline.core.transactions import InsideTransaction

PASSWORD = "quiet-lantern-42"
Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db


def _open(login: str = "li@example.com", password: str = PASSWORD, client: str = "192.0.2.1") -> Session:
    return services.open_session(login=login, password=password, client=client, now=clock.now())


@pytest.mark.parametrize(
    "login",
    ["li@example.com", " LI@Example.com", "+8613800138000", "+86 138 0013 8000", "+86-138-0013-8000"],
)
def test_a_customer_signs_in_by_email_or_phone(register: Register, login: str) -> None:
    customer = register(phone="+8613800138000")

    session = _open(login)

    assert session.customer == customer
    assert session.expires_at >= clock.now() + timedelta(days=30)
    assert customer_by_token(session.token, clock.now()) == customer


def test_the_token_is_stored_as_a_hash_only(register: Register) -> None:
    register()

    session = _open()

    row = AccessToken.objects.get()
    assert row.token_hash == hashlib.sha256(session.token.encode()).hexdigest()
    assert session.token not in {str(value) for value in AccessToken.objects.values().get().values()}
    assert len(session.token) >= 43


def test_every_session_has_a_token_of_its_own(register: Register) -> None:
    register()

    first, second = _open(), _open()

    assert first.token != second.token
    assert AccessToken.objects.count() == 2


def test_a_session_remembers_the_program_without_control_characters(register: Register) -> None:
    register()

    services.open_session(
        login="li@example.com",
        password=PASSWORD,
        client="192.0.2.1",
        label="cli/1.0\r\n\x00" + "x" * 500,
        now=clock.now(),
    )

    label = AccessToken.objects.get().client
    assert label.startswith("cli/1.0x")
    assert len(label) == 120


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("li@example.com", "wrong-lantern-42"),
        ("li@example.com", ""),
        ("li@example.com", "quiet-lantern-42 "),
        ("li@example.com", "x" * 100_000),
        ("li@example.com", "\x00"),
        ("li@example.com", "\ud800"),
        ("nobody@example.com", PASSWORD),
        ("+8613800138001", PASSWORD),
        ("13800138000", PASSWORD),
        ("", PASSWORD),
        ("\x00\ud800", PASSWORD),
        ("closed@example.com", PASSWORD),
        ("boss@example.com", PASSWORD),
        ("nopassword@example.com", PASSWORD),
    ],
)
def test_every_refusal_is_the_same(register: Register, login: str, password: str) -> None:
    register()
    closed = register("closed@example.com")
    unusable = register("nopassword@example.com")
    User.objects.filter(pk=closed.user_id).update(is_active=False)
    User.objects.filter(pk=unusable.user_id).update(password="!")
    User.objects.create_superuser("boss@example.com", PASSWORD)

    with pytest.raises(InvalidCredentials) as refused:
        _open(login, password)

    assert (refused.value.code, refused.value.kind) == ("invalid_credentials", "unauthenticated")
    assert refused.value.extra == {}
    assert refused.value.field is None
    assert not AccessToken.objects.exists()


def test_an_unknown_login_costs_one_hash_like_a_known_one(register: Register) -> None:
    register()
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"

    with mock.patch(hasher, autospec=True, return_value="md5$x$y") as work, pytest.raises(InvalidCredentials):
        _open("li@example.com", "wrong-lantern-42")
    known = work.call_count
    with mock.patch(hasher, autospec=True, return_value="md5$x$y") as work, pytest.raises(InvalidCredentials):
        _open("nobody@example.com", "wrong-lantern-42")

    assert known == work.call_count == 1


def test_a_new_token_is_looked_up_in_one_statement(
    register: Register, django_assert_num_queries: Callable[..., mock.MagicMock]
) -> None:
    register()
    token = _open().token

    with django_assert_num_queries(1):
        customer = customer_by_token(token, clock.now())
        seen = (customer and customer.email, customer and customer.brand.order_prefix)

    assert seen == ("li@example.com", "LEB")


def test_an_unknown_token_is_nobodys_in_one_statement(
    django_assert_num_queries: Callable[..., mock.MagicMock],
) -> None:
    with django_assert_num_queries(2):
        assert customer_by_token("no-such-token", clock.now()) is None
        assert customer_by_token("\ud800\x00", clock.now()) is None


def test_the_last_use_is_noted_once_a_day(
    register: Register, move_clock: Move, django_assert_num_queries: Callable[..., mock.MagicMock]
) -> None:
    register()
    token = _open().token
    later = move_clock(timedelta(days=2))

    with django_assert_num_queries(2):
        customer_by_token(token, later)
    with django_assert_num_queries(1):
        customer_by_token(token, later + timedelta(hours=23))

    assert AccessToken.objects.get().last_used_at == later


def test_a_token_ends_with_its_time(register: Register, move_clock: Move) -> None:
    register()
    session = _open()

    just_before = customer_by_token(session.token, session.expires_at - timedelta(seconds=1))
    at_the_end = customer_by_token(session.token, session.expires_at)
    after_thirty_days = customer_by_token(session.token, move_clock(timedelta(days=30)))

    assert just_before is not None
    assert after_thirty_days is not None
    assert at_the_end is None


def test_a_closed_session_is_closed_and_others_stay_open(register: Register) -> None:
    register()
    first, second = _open(), _open()

    closed = services.close_session(token=first.token, now=clock.now())
    again = services.close_session(token=first.token, now=clock.now())

    assert (closed, again) == (True, False)
    assert customer_by_token(first.token, clock.now()) is None
    assert customer_by_token(second.token, clock.now()) is not None


def test_closing_what_is_no_session_changes_nothing(register: Register) -> None:
    register()
    session = _open()

    assert not services.close_session(token="no-such-token", now=clock.now())

    assert customer_by_token(session.token, clock.now()) is not None


def test_a_closed_account_ends_its_sessions(register: Register) -> None:
    customer = register()
    session = _open()

    User.objects.filter(pk=customer.user_id).update(is_active=False)

    assert customer_by_token(session.token, clock.now()) is None


def test_guessing_is_slowed_and_says_for_how_long(register: Register, move_clock: Move) -> None:
    register()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            _open(password="wrong-lantern-42")

    with pytest.raises(RateLimited) as slowed:
        _open(password="wrong-lantern-42")
    with pytest.raises(RateLimited):
        _open()
    move_clock(timedelta(seconds=slowed.value.extra["retry_after"]))
    session = _open()

    assert 0 < slowed.value.extra["retry_after"] <= 301
    assert session.customer.email == "li@example.com"


def test_a_stranger_elsewhere_does_not_lock_the_owner_out(register: Register) -> None:
    register()
    for _ in range(12):
        with pytest.raises((InvalidCredentials, RateLimited)):
            _open(password="wrong-lantern-42", client="198.51.100.66")

    session = _open(client="192.0.2.1")

    assert session.customer.email == "li@example.com"
    with pytest.raises(RateLimited):
        _open(client="198.51.100.66")


def test_guessing_from_many_addresses_is_slowed_too(register: Register) -> None:
    register()
    for n in range(50):
        with pytest.raises(InvalidCredentials):
            _open(password="wrong-lantern-42", client=f"198.51.100.{n}")

    with pytest.raises(RateLimited):
        _open(password="wrong-lantern-42", client="198.51.100.99")


def test_an_unknown_login_is_slowed_like_a_known_one() -> None:
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            _open("nobody@example.com")

    with pytest.raises(RateLimited):
        _open("nobody@example.com")


def test_spellings_of_one_login_share_their_count(register: Register) -> None:
    register()
    for spelling in ["li@example.com", "LI@example.com", " li@EXAMPLE.com "] * 3 + ["Li@example.com"]:
        with pytest.raises(InvalidCredentials):
            _open(spelling, "wrong-lantern-42")

    with pytest.raises(RateLimited):
        _open("lI@example.com", "wrong-lantern-42")


def test_the_right_password_starts_the_count_anew(register: Register) -> None:
    register()
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(InvalidCredentials):
                _open(password="wrong-lantern-42")
        _open()

    assert AccessToken.objects.count() == 3


def test_signing_in_often_is_no_guessing(register: Register) -> None:
    register()

    for _ in range(60):
        _open()

    assert AccessToken.objects.count() == 60


def test_one_address_cannot_try_everybody(register: Register, settings: pytest.FixtureRequest) -> None:
    settings.EVERLINE_MODE = "live"  # type: ignore[attr-defined]
    for n in range(100):
        with pytest.raises(InvalidCredentials):
            _open(f"c{n}@example.com", client="198.51.100.66")

    with pytest.raises(RateLimited):
        _open("another@example.com", client="198.51.100.66")


def test_a_refused_try_is_counted_even_though_it_fails(register: Register) -> None:
    register()

    with pytest.raises(InsideTransaction), transaction.atomic():
        authenticate_customer(login="li@example.com", password=PASSWORD, client="", now=clock.now())

    assert not AccessToken.objects.exists()


def test_the_portal_gets_the_user_with_customer_and_brand(
    register: Register, django_assert_num_queries: Callable[..., mock.MagicMock]
) -> None:
    customer = register()

    user = authenticate_customer(
        login="li@example.com", password=PASSWORD, client="192.0.2.1", now=clock.now()
    )

    with django_assert_num_queries(0):
        assert user.customer == customer
        assert user.customer.brand.id == "leb"
        assert user.customer.user is user
    assert not AccessToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_all_counted() -> None:
    brand = services.ensure_default_brand()
    services.register_customer(brand=brand, email="li@example.com", password=PASSWORD, now=clock.now())
    start = threading.Barrier(14)
    outcomes: list[str] = []

    def guess() -> None:
        try:
            start.wait()
            _open(password="wrong-lantern-42")
        except (InvalidCredentials, RateLimited) as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("invalid_credentials") == 10
    assert outcomes.count("rate_limited") == 4


def test_guesses_whose_times_arrive_out_of_order_are_all_counted(register: Register) -> None:
    register()
    now = clock.now()
    for n in range(10):
        with pytest.raises(InvalidCredentials):
            services.open_session(
                login="li@example.com",
                password="wrong-lantern-42",
                client="192.0.2.1",
                now=now - timedelta(milliseconds=n),
            )

    with pytest.raises(RateLimited):
        _open(password="wrong-lantern-42")


def test_a_password_is_never_compared_beyond_its_longest_form(register: Register) -> None:
    register()

    with mock.patch.object(User, "check_password") as comparing, pytest.raises(InvalidCredentials):
        _open(password="x" * 257)

    assert not comparing.called
    assert timedelta(days=30) <= sessions.TOKEN_LIFETIME
