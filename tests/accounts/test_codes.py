"""One-time codes: who gets one, what it is good for, and what guessing is worth."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.accounts import codes, services
from everline.accounts.addresses import Login
from everline.accounts.errors import CodeInvalid, InvalidCredentials
from everline.accounts.models import Customer, OneTimeCode, User
from everline.accounts.services import codes as coding
from everline.accounts.types import CodePurpose, SignedIn
from everline.core import clock, jobs
from everline.core.errors import RateLimited
from everline.core.transactions import InsideTransaction
from everline.notifications.models import Message
from tests.accounts.conftest import HOME, PASSWORD, newest_code, other_than
from tests.core.racing import at_once, failures

Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db

EMAIL = "li@example.com"
PHONE = "+8613800138000"


def _ask(login: str = EMAIL, client: str = "192.0.2.1") -> None:
    services.request_sign_in_code(login=login, client=client, now=clock.now())


def _enter(code: str, login: str = EMAIL, client: str = "192.0.2.1") -> SignedIn:
    result = services.sign_in_with_code(login=login, code=code, client=client, now=clock.now())
    assert isinstance(result, SignedIn)
    return result


# Who gets one


@pytest.mark.parametrize(("login", "channel"), [(EMAIL, "email"), (PHONE, "sms")])
def test_a_code_comes_to_the_address_and_signs_in(verified: Customer, login: str, channel: str) -> None:
    _ask(login)
    code = newest_code(login)

    signed_in = _enter(code, login)

    sent = Message.objects.get(kind="sign_in_code")
    assert (sent.to, sent.channel, sent.locale) == (login, channel, verified.locale)
    assert sent.context == {"minutes": 10}
    assert (signed_in.customer, signed_in.method) == (verified, "code")


def test_a_double_click_sends_one_code_and_it_works(verified: Customer) -> None:
    for login in (EMAIL, EMAIL, PHONE, "nobody@example.com", EMAIL):
        _ask(login)

    code = newest_code(EMAIL)

    told = Message.objects.filter(kind="sign_in_code").values_list("to", flat=True)
    assert sorted(told) == [PHONE, EMAIL]
    assert OneTimeCode.objects.filter(sent_at__isnull=False).count() == 5
    assert _enter(code).customer == verified


def test_a_later_wish_brings_another_code(verified: Customer) -> None:
    _ask()
    newest_code(EMAIL)
    _ask()

    code = newest_code(EMAIL)

    assert Message.objects.filter(kind="sign_in_code", to=EMAIL).count() == 2
    assert _enter(code).customer == verified


def test_spellings_of_an_address_are_one(verified: Customer) -> None:
    _ask("+86 138-0013 8000")
    code = newest_code(PHONE)

    assert _enter(f" {code[:3]} {code[3:]} ", "+8613800138000").customer == verified


def test_nobody_is_written_to_at_an_unknown_closed_or_staff_address(register: Register) -> None:
    closed = register("closed@example.com")
    User.objects.filter(pk=closed.user_id).update(is_active=False)
    User.objects.create_superuser("boss@example.com", PASSWORD)
    for login in ("nobody@example.com", "+8613800138001", "closed@example.com", "boss@example.com"):
        _ask(login)

    services.send_codes(clock.now())

    assert not Message.objects.filter(kind="sign_in_code").exists()
    assert OneTimeCode.objects.filter(sent_at__isnull=False, user__isnull=True).count() == 4


def test_what_is_no_address_is_nobodys_and_gets_the_same_silence() -> None:
    for text in ("", "li", "13800138000", "\x00\ud800", "x" * 10_000):
        _ask(text)

    assert services.send_codes(clock.now()) == 0
    assert not Message.objects.exists()


def test_a_first_code_proves_the_address(register: Register) -> None:
    customer = register()
    _ask()

    _enter(newest_code(EMAIL))

    customer.refresh_from_db()
    assert customer.email_verified_at is not None


def test_beside_a_proved_address_one_that_was_only_typed_gets_no_code(verified: Customer) -> None:
    Customer.objects.update(phone_verified_at=None)
    _ask(PHONE)

    services.send_codes(clock.now())

    assert not Message.objects.filter(to=PHONE).exists()
    with pytest.raises(InvalidCredentials):
        _enter("123456", PHONE)


def test_registering_with_a_number_alone_brings_a_code_that_verifies_and_signs_in(register: Register) -> None:
    services.register_customer(
        brand=services.ensure_default_brand(), phone=PHONE, password=PASSWORD, now=clock.now()
    )

    signed_in = _enter(newest_code(PHONE), PHONE)

    assert signed_in.customer.phone_verified_at is not None
    assert [each.channel for each in Message.objects.all()] == ["sms"]


def test_the_wish_for_a_code_costs_the_same_for_known_and_unknown(verified: Customer) -> None:
    def statements(login: str) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            _ask(login)
        return [" ".join(each["sql"].split())[:25] for each in seen]

    assert statements(EMAIL) == statements("nobody@example.com") == statements(PHONE)


def test_a_wrong_code_costs_the_same_for_known_and_unknown(verified: Customer) -> None:
    def statements(login: str) -> int:
        with CaptureQueriesContext(connection) as seen, pytest.raises(InvalidCredentials):
            _enter("000000x", login)
        return len(seen)

    assert statements(EMAIL) == statements("nobody@example.com")
    for login in (EMAIL, "nobody@example.com"):
        _ask(login)
    services.send_codes(clock.now())

    assert statements(EMAIL) == statements("nobody@example.com")


# What it is good for


def test_a_code_works_once(verified: Customer) -> None:
    _ask()
    code = newest_code(EMAIL)
    _enter(code)

    with pytest.raises(InvalidCredentials):
        _enter(code)


def test_only_the_newest_code_is_good(verified: Customer) -> None:
    _ask()
    older = newest_code(EMAIL)
    OneTimeCode.objects.update(code_hash=codes.hash_code("sign_in", Login("email", EMAIL), "111111"))
    older = "111111"
    _ask()
    newer = newest_code(EMAIL)

    with pytest.raises(InvalidCredentials):
        _enter(older if older != newer else other_than(newer))
    assert _enter(newer)


def test_a_code_is_good_for_ten_minutes(verified: Customer, move_clock: Move) -> None:
    _ask()
    code = newest_code(EMAIL)
    move_clock(timedelta(minutes=10))

    with pytest.raises(InvalidCredentials):
        _enter(code)
    move_clock(timedelta(seconds=-1.5))
    assert _enter(code)


def test_a_clock_put_back_brings_no_code_to_life(verified: Customer, move_clock: Move) -> None:
    _ask()
    code = newest_code(EMAIL)
    move_clock(timedelta(days=-1))

    with pytest.raises(InvalidCredentials):
        _enter(code)


@pytest.mark.parametrize("login", [PHONE, "bo@example.com", "nobody@example.com"])
def test_a_code_is_good_at_its_own_address_only(register: Register, verified: Customer, login: str) -> None:
    register("bo@example.com")
    _ask()
    _ask(login)
    code = newest_code(EMAIL)
    OneTimeCode.objects.exclude(address=EMAIL).update(code_hash=codes.nobodys_hash())

    with pytest.raises(InvalidCredentials):
        _enter(code, login)
    assert _enter(code).customer == verified


@pytest.mark.parametrize("purpose", [each for each in CodePurpose if each is not CodePurpose.SIGN_IN])
def test_a_code_for_something_else_does_not_sign_in(verified: Customer, purpose: CodePurpose) -> None:
    coding.wish_for_code(purpose, Login("email", EMAIL), clock.now(), user_id=verified.user_id)
    code = newest_code(EMAIL)

    with pytest.raises(InvalidCredentials):
        _enter(code)


def test_a_code_that_signs_in_does_not_reset_the_password(verified: Customer) -> None:
    _ask()
    code = newest_code(EMAIL)

    with pytest.raises(CodeInvalid):
        services.reset_password(
            login=EMAIL, code=code, new_password="tall-harbour-77", device=HOME, now=clock.now()
        )
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


def test_a_former_address_has_no_say(verified: Customer) -> None:
    _ask()
    code = newest_code(EMAIL)
    User.objects.update(email="new@example.com")
    OneTimeCode.objects.update(used_at=clock.now())

    with pytest.raises(InvalidCredentials):
        _enter(code)


# What guessing is worth


def test_five_wrong_tries_kill_a_code(verified: Customer) -> None:
    _ask()
    code = newest_code(EMAIL)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            _enter(other_than(code))

    with pytest.raises(InvalidCredentials):
        _enter(code)
    assert OneTimeCode.objects.get().tries == 6


def test_four_wrong_tries_do_not(verified: Customer) -> None:
    _ask()
    code = newest_code(EMAIL)
    for _ in range(4):
        with pytest.raises(InvalidCredentials):
            _enter(other_than(code))

    assert _enter(code)


def test_a_new_code_lives_after_the_old_one_was_killed(verified: Customer) -> None:
    _ask()
    code = newest_code(EMAIL)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            _enter(other_than(code))

    _ask()

    assert _enter(newest_code(EMAIL))


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted() -> None:
    _customer()
    _ask()
    code = newest_code(EMAIL)
    wrong = other_than(code)

    at_once(*[lambda n=n: _enter(wrong, client=f"192.0.2.{n}") for n in range(12)])  # type: ignore[misc]

    assert OneTimeCode.objects.get().tries == 12
    with pytest.raises(InvalidCredentials):
        _enter(code, client="198.51.100.9")


@pytest.mark.django_db(transaction=True)
def test_a_right_code_among_guesses_at_once_wins_only_within_the_limit() -> None:
    _customer()
    _ask()
    code = newest_code(EMAIL)
    wrong = other_than(code)
    tries = [code, *[wrong] * 11]
    random.Random(7).shuffle(tries)

    results = at_once(
        *[lambda n=n, text=text: _enter(text, client=f"192.0.2.{n}") for n, text in enumerate(tries)]  # type: ignore[misc]
    )

    won = [each for each in results if isinstance(each, SignedIn)]
    assert len(won) <= 1
    assert len(failures(results)) >= 11
    assert bool(won) == (OneTimeCode.objects.get().used_at is not None)


@pytest.mark.django_db(transaction=True)
def test_of_many_entries_of_one_code_one_wins() -> None:
    _customer()
    _ask()
    code = newest_code(EMAIL)

    results = at_once(*[lambda n=n: _enter(code, client=f"192.0.2.{n}") for n in range(6)])  # type: ignore[misc]

    assert len([each for each in results if isinstance(each, SignedIn)]) == 1
    assert {type(each) for each in failures(results)} == {InvalidCredentials}


def test_asking_often_is_slowed_the_same_for_known_and_unknown(verified: Customer, move_clock: Move) -> None:
    waits = []
    for login in (EMAIL, "nobody@example.com"):
        for _ in range(5):
            _ask(login)
        with pytest.raises(RateLimited) as slowed:
            _ask(login)
        waits.append(slowed.value.extra["retry_after"])

    move_clock(timedelta(seconds=max(waits)))
    _ask()

    assert abs(waits[0] - waits[1]) <= 1
    assert max(waits) <= 601


def test_nobodys_letter_box_is_filled_from_many_addresses(verified: Customer) -> None:
    for n in range(10):
        _ask(client=f"198.51.100.{n}")

    with pytest.raises(RateLimited):
        _ask(client="198.51.100.99")


def test_a_try_is_never_rolled_back(verified: Customer) -> None:
    with pytest.raises(InsideTransaction), transaction.atomic():
        coding.try_code(CodePurpose.SIGN_IN, Login("email", EMAIL), "123456", clock.now())


# What is kept


def test_no_code_is_kept_in_clear_nor_logged(verified: Customer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _ask()
    code = newest_code(EMAIL)
    _enter(code)

    row = OneTimeCode.objects.values().get()
    assert code not in {str(value) for value in row.values()}
    assert len(row["code_hash"]) == 64
    assert not any(
        code in record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    )
    assert code not in str(Message.objects.values("context", "to", "dedupe_key").get(kind="sign_in_code"))


def test_the_message_forgets_its_code_when_it_is_sent(verified: Customer, monkeypatch: Any) -> None:
    from everline.notifications import services as mailing
    from everline.notifications.types import Outcome

    _ask()
    newest_code(EMAIL)
    claimed = [each for each in mailing.claim_due(clock.now()) if each.message.kind == "sign_in_code"]

    mailing.record_outcomes(claimed, [Outcome(each.id) for each in claimed], clock.now())

    assert Message.objects.get(kind="sign_in_code").private == {}


def test_a_hash_belongs_to_purpose_address_and_installation(settings: Any) -> None:
    login = Login("email", EMAIL)
    here = codes.hash_code("sign_in", login, "123456")

    assert here != codes.hash_code("recovery", login, "123456")
    assert here != codes.hash_code("sign_in", Login("email", "bo@example.com"), "123456")
    settings.SECRET_KEY = "another installation's"
    assert here != codes.hash_code("sign_in", login, "123456")


def test_codes_are_six_digits_of_their_own() -> None:
    made = [codes.new_code() for _ in range(200)]

    assert all(len(code) == 6 and code.isdigit() for code in made)
    assert len(set(made)) > 190


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("123456", "123456"), (" 123 456\n", "123456"), ("123-456", "123456"), ("１２３４５６", "123456")],
)
def test_codes_are_read_as_people_type_them(typed: str, meant: str) -> None:
    assert codes.spelled(typed) == meant


def test_the_job_sends_what_was_asked_for_and_no_more(verified: Customer) -> None:
    _ask()

    executed, _ = jobs.drain()

    assert "accounts.send_codes" in " ".join(executed)
    assert Message.objects.filter(kind="sign_in_code").count() == 1
    assert services.send_codes(clock.now()) == 0


def test_old_codes_links_and_sessions_are_forgotten(verified: Customer, move_clock: Move) -> None:
    from everline.accounts.services.forgetting import forget_old

    _ask()
    newest_code(EMAIL)
    kept = forget_old(clock.now())
    later = move_clock(timedelta(days=4))

    assert kept == 0
    assert forget_old(later) == 2
    assert not OneTimeCode.objects.exists()


def _customer() -> None:
    brand = services.ensure_default_brand()
    services.register_customer(brand=brand, email=EMAIL, password=PASSWORD, now=clock.now())
    Customer.objects.update(email_verified_at=clock.now())
