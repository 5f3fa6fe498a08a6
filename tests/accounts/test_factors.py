"""The second factor: turned on, asked for on every way in, guessed at, lost, and turned off."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from everline.accounts import selectors, services, totp
from everline.accounts.access import customer_by_token
from everline.accounts.errors import (
    AddressUnverified,
    AlreadyEnrolled,
    InvalidCredentials,
    NoSecondFactor,
    ReauthenticationRequired,
    SecondFactorRequired,
    SecondFactorWrong,
    SignInExpired,
)
from everline.accounts.models import AccessToken, Customer, OneTimeCode, User
from everline.accounts.types import SecondFactorNeeded, SignedIn, SignInResult
from everline.core import clock
from everline.core.errors import RateLimited
from everline.notifications.models import Message
from tests.accounts.conftest import HOME, PASSWORD, actor_for, newest_code, notices
from tests.accounts.factors import enrol, totp_now, wrong_totp
from tests.core.racing import at_once, failures

Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db

EMAIL = "li@example.com"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def guarded(verified: Customer) -> Customer:
    """A customer with the authenticator app on."""
    enrol(verified, SECRET)
    return verified


def _password() -> SignInResult:
    return services.sign_in_with_password(login=EMAIL, password=PASSWORD, client="192.0.2.1", now=clock.now())


def _finish(pending: SignInResult, code: str, client: str = "192.0.2.1") -> SignedIn:
    assert isinstance(pending, SecondFactorNeeded)
    return services.give_second_factor(pending=pending, code=code, client=client, now=clock.now())


def _check(customer: Customer, code: str, client: str = "192.0.2.1") -> str:
    return services.check_second_factor(user_id=customer.user_id, code=code, client=client, now=clock.now())


# Turning it on and off


def test_an_app_is_enrolled_with_its_first_code(verified: Customer) -> None:
    enrolment = services.begin_totp(actor=actor_for(verified), issuer="leb: card", now=clock.now())

    codes = services.confirm_totp(
        actor=actor_for(verified), secret=enrolment.secret, code=totp_now(enrolment.secret), now=clock.now()
    )

    seen = selectors.security_of(verified.user_id)
    assert enrolment.uri.startswith("otpauth://totp/leb%20%20card%3Ali%40example.com?secret=")
    assert seen.totp
    assert (len(codes), len(set(codes)), seen.recovery_codes_left) == (10, 10, 10)
    assert notices() == ["second_factor_on"]


def test_nothing_is_stored_before_the_first_code(verified: Customer) -> None:
    services.begin_totp(actor=actor_for(verified), issuer="leb", now=clock.now())

    assert not Authenticator.objects.exists()


def test_a_wrong_first_code_turns_nothing_on(verified: Customer) -> None:
    with pytest.raises(SecondFactorWrong):
        services.confirm_totp(
            actor=actor_for(verified), secret=SECRET, code=wrong_totp(SECRET), now=clock.now()
        )

    assert not Authenticator.objects.exists()
    assert notices() == []


def test_secrets_stand_encrypted_in_the_table(guarded: Customer) -> None:
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))

    assert SECRET not in stored
    assert "gAAAA" in stored


def test_a_former_installation_key_still_opens_the_secret(guarded: Customer, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"

    assert _check(guarded, totp_now(SECRET)) == "totp"


def test_turning_it_on_signs_out_whoever_gave_less(verified: Customer) -> None:
    other = services.open_session(login=EMAIL, password=PASSWORD, client="", now=clock.now())
    own = services.open_session(login=EMAIL, password=PASSWORD, client="", now=clock.now())

    services.confirm_totp(
        actor=actor_for(verified, token=own.token), secret=SECRET, code=totp_now(SECRET), now=clock.now()
    )

    assert customer_by_token(other.token, clock.now()) is None
    assert customer_by_token(own.token, clock.now()) is not None


def test_it_is_turned_on_once(guarded: Customer) -> None:
    with pytest.raises(AlreadyEnrolled):
        services.begin_totp(actor=actor_for(guarded), issuer="leb", now=clock.now())
    with pytest.raises(AlreadyEnrolled):
        enrol(guarded, SECRET)


def test_it_is_turned_off_with_its_recovery_codes(guarded: Customer) -> None:
    services.disable_totp(actor=actor_for(guarded), now=clock.now())

    assert not Authenticator.objects.exists()
    assert isinstance(_password(), SignedIn)
    assert notices() == ["second_factor_on", "second_factor_off"]
    with pytest.raises(NoSecondFactor):
        services.disable_totp(actor=actor_for(guarded), now=clock.now())
    with pytest.raises(NoSecondFactor):
        services.renew_recovery_codes(actor=actor_for(guarded), now=clock.now())


@pytest.mark.parametrize("proved", [None, timedelta(minutes=-16), timedelta(minutes=16)])
def test_changes_ask_for_a_recent_proof(guarded: Customer, proved: timedelta | None) -> None:
    now = clock.now()
    stale = replace(actor_for(guarded), authenticated_at=now + proved if proved else None)

    for change in (
        lambda: services.begin_totp(actor=stale, issuer="leb", now=now),
        lambda: services.confirm_totp(actor=stale, secret=SECRET, code=totp_now(SECRET), now=now),
        lambda: services.disable_totp(actor=stale, now=now),
        lambda: services.renew_recovery_codes(actor=stale, now=now),
    ):
        with pytest.raises(ReauthenticationRequired):
            change()
    assert selectors.has_totp(guarded.user_id)


def test_a_proof_is_recent_for_a_quarter_of_an_hour(guarded: Customer) -> None:
    now = clock.now()
    actor = replace(actor_for(guarded), authenticated_at=now - timedelta(minutes=15))

    services.renew_recovery_codes(actor=actor, now=now)

    assert notices()[-1] == "recovery_codes_renewed"


def test_an_account_nobody_proved_gets_no_second_factor(register: Register) -> None:
    customer = register()

    with pytest.raises(AddressUnverified):
        services.begin_totp(actor=actor_for(customer), issuer="leb", now=clock.now())


# Asked for on every way in


def test_a_password_alone_waits_for_the_app(guarded: Customer) -> None:
    pending = _password()

    done = _finish(pending, totp_now(SECRET))

    assert isinstance(pending, SecondFactorNeeded)
    assert (pending.user_id, pending.method, pending.passkeys) == (guarded.user_id, "password", False)
    assert (done.customer, done.method) == (guarded, "password+totp")


def test_a_code_by_mail_waits_for_the_app(guarded: Customer) -> None:
    services.request_sign_in_code(login=EMAIL, client="", now=clock.now())

    result = services.sign_in_with_code(login=EMAIL, code=newest_code(EMAIL), client="", now=clock.now())

    assert isinstance(result, SecondFactorNeeded)


def test_a_welcome_link_waits_for_the_app(guarded: Customer) -> None:
    link = str(Message.objects.get(kind="welcome").private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]

    result = services.sign_in_with_link(token=link, client="", now=clock.now())

    assert isinstance(result, SecondFactorNeeded)


def test_recovery_leaves_the_second_factor_on(guarded: Customer) -> None:
    services.request_recovery_code(login=EMAIL, client="", now=clock.now())
    services.reset_password(
        login=EMAIL, code=newest_code(EMAIL), new_password="tall-harbour-77", device=HOME, now=clock.now()
    )

    result = services.sign_in_with_password(
        login=EMAIL, password="tall-harbour-77", client="", now=clock.now()
    )

    assert isinstance(result, SecondFactorNeeded)


def test_the_api_asks_for_it_too_and_spends_no_code_before(guarded: Customer) -> None:
    services.request_sign_in_code(login=EMAIL, client="", now=clock.now())
    code = newest_code(EMAIL)
    with pytest.raises(SecondFactorRequired):
        services.open_session(login=EMAIL, code=code, client="", now=clock.now())
    with pytest.raises(SecondFactorWrong):
        services.open_session(login=EMAIL, code=code, otp=wrong_totp(SECRET), client="", now=clock.now())

    session = services.open_session(login=EMAIL, code=code, otp=totp_now(SECRET), client="", now=clock.now())

    assert session.customer == guarded
    assert AccessToken.objects.get().method == "code+totp"
    assert OneTimeCode.objects.get().used_at is not None


def test_a_wrong_password_never_tells_of_a_second_factor(guarded: Customer) -> None:
    with pytest.raises(InvalidCredentials):
        services.open_session(
            login=EMAIL, password="wrong-lantern-42", otp=totp_now(SECRET), client="", now=clock.now()
        )

    assert _check(guarded, totp_now(SECRET)) == "totp", "the app's code was not looked at"


def test_a_waiting_sign_in_ends_after_ten_minutes(guarded: Customer, move_clock: Move) -> None:
    pending = _password()
    move_clock(timedelta(minutes=10))

    with pytest.raises(SignInExpired):
        _finish(pending, totp_now(SECRET))


def test_a_waiting_sign_in_ends_when_the_password_changes(guarded: Customer) -> None:
    pending = _password()
    user = User.objects.get(pk=guarded.user_id)
    user.set_password("tall-harbour-77")
    user.save()

    with pytest.raises(SignInExpired):
        _finish(pending, totp_now(SECRET))
    with pytest.raises(SignInExpired):
        services.give_second_factor(pending=None, code=totp_now(SECRET), client="", now=clock.now())


def test_a_closed_account_finishes_no_sign_in(guarded: Customer) -> None:
    pending = _password()
    User.objects.update(is_active=False)

    with pytest.raises(SignInExpired):
        _finish(pending, totp_now(SECRET))


# Guessing and replaying


@pytest.mark.parametrize(("step", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_half_a_minute_off_does_not_matter(step: int, right: bool) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    code = totp.code_at(SECRET, totp.step_of(moment) + step)

    found = totp.matching_step(SECRET, code, moment)

    assert found == (totp.step_of(moment) + step if right else None)


def test_a_code_of_the_app_works_once(guarded: Customer) -> None:
    code = totp_now(SECRET)
    _check(guarded, code)

    with pytest.raises(SecondFactorWrong):
        _check(guarded, code)


def test_the_code_that_enrolled_the_app_signs_nobody_in(verified: Customer) -> None:
    code = totp_now(SECRET)
    services.confirm_totp(actor=actor_for(verified), secret=SECRET, code=code, now=clock.now())

    with pytest.raises(SecondFactorWrong):
        _check(verified, code)


def test_an_older_code_is_refused_after_a_newer_one(guarded: Customer) -> None:
    newer, older = totp_now(SECRET, 1), totp_now(SECRET)
    _check(guarded, newer)

    with pytest.raises(SecondFactorWrong):
        _check(guarded, older)


def test_the_business_clock_does_not_move_the_app(guarded: Customer, move_clock: Move) -> None:
    move_clock(timedelta(days=40))

    assert _check(guarded, totp_now(SECRET)) == "totp"


def test_guessing_is_slowed_and_ends_by_itself(guarded: Customer, move_clock: Move) -> None:
    for _ in range(5):
        with pytest.raises(SecondFactorWrong):
            _check(guarded, wrong_totp(SECRET))

    with pytest.raises(RateLimited) as slowed:
        _check(guarded, totp_now(SECRET))
    move_clock(timedelta(seconds=slowed.value.extra["retry_after"]))

    assert _check(guarded, totp_now(SECRET)) == "totp"


def test_guessing_from_many_addresses_is_slowed_too(guarded: Customer) -> None:
    for n in range(20):
        with pytest.raises(SecondFactorWrong):
            _check(guarded, wrong_totp(SECRET), client=f"198.51.100.{n}")

    with pytest.raises(RateLimited):
        _check(guarded, totp_now(SECRET), client="198.51.100.99")


def test_without_a_second_factor_every_code_is_wrong(verified: Customer) -> None:
    with pytest.raises(SecondFactorWrong):
        _check(verified, "123456")


@pytest.mark.parametrize("code", ["", "12345", "1234567890", "\x00", "\ud800", "x" * 100_000, "１２３"])
def test_nonsense_is_wrong_and_nothing_more(guarded: Customer, code: str) -> None:
    with pytest.raises(SecondFactorWrong):
        _check(guarded, code)


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_of_one_code_at_once_one_wins() -> None:
    brand = services.ensure_default_brand()
    services.register_customer(brand=brand, email=EMAIL, password=PASSWORD, now=clock.now())
    Customer.objects.update(email_verified_at=clock.now())
    customer = Customer.objects.select_related("user").get()
    recovery = enrol(customer, SECRET)

    for code in (totp_now(SECRET), recovery[0]):
        results = at_once(*[lambda n=n, c=code: _check(customer, c, f"192.0.2.{n}") for n in range(4)])  # type: ignore[misc]

        assert len(failures(results)) == 3
        assert {type(each) for each in failures(results)} == {SecondFactorWrong}


# Recovery codes


def test_a_recovery_code_works_once_in_the_place_of_the_app(verified: Customer) -> None:
    codes = enrol(verified, SECRET)

    done = _finish(_password(), f"{codes[3][:4]} {codes[3][4:]}")

    assert done.method == "password+recovery_code"
    assert notices()[-1] == "recovery_code_used"
    assert selectors.security_of(verified.user_id).recovery_codes_left == 9
    with pytest.raises(SecondFactorWrong):
        _check(verified, codes[3])
    assert _check(verified, codes[4]) == "recovery_code"


def test_new_recovery_codes_make_the_old_ones_worthless(verified: Customer) -> None:
    old = enrol(verified, SECRET)

    new = services.renew_recovery_codes(actor=actor_for(verified), now=clock.now())

    assert not set(old) & set(new)
    with pytest.raises(SecondFactorWrong):
        _check(verified, old[0])
    assert _check(verified, new[0]) == "recovery_code"
    assert notices() == ["second_factor_on", "recovery_codes_renewed", "recovery_code_used"]


def test_a_recovery_code_of_somebody_else_is_wrong(register: Register, verified: Customer) -> None:
    bo = register("bo@example.com")
    Customer.objects.filter(pk=bo.pk).update(email_verified_at=clock.now())
    bo.refresh_from_db()
    codes = enrol(verified, SECRET)
    other = totp.new_secret()
    services.confirm_totp(actor=actor_for(bo), secret=other, code=totp_now(other), now=clock.now())

    with pytest.raises(SecondFactorWrong):
        _check(bo, codes[0])


# Figures


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert totp.code_at(secret, seconds // 30) == code
