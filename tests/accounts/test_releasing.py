"""An address that was only typed keeps its owner out for a day, and never from a code that was read there."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

import pytest
from allauth.account.models import EmailAddress

from everline.accounts import services
from everline.accounts.addresses import Login
from everline.accounts.errors import CodeInvalid, InvalidCredentials, SignInLinkSpent
from everline.accounts.models import Customer, User
from everline.accounts.services.links import prove_address
from everline.accounts.types import SignedIn
from everline.core import clock
from everline.notifications.models import Message
from tests.accounts.conftest import PASSWORD, actor_for, newest_code, notices
from tests.core.racing import at_once, failures

Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db

EMAIL, PHONE = "victim@example.com", "+8613800138000"
DAY = timedelta(hours=24)


@pytest.fixture
def squatter(register: Register) -> Customer:
    """Somebody with a proved number and an address that they never proved."""
    return proved(register(EMAIL, phone=PHONE), "phone")


def proved(customer: Customer, *kinds: str) -> Customer:
    Customer.objects.filter(pk=customer.pk).update(**{f"{kind}_verified_at": clock.now() for kind in kinds})
    customer.refresh_from_db()
    return customer


def again(email: str | None = EMAIL, **wishes: object) -> dict[str, object]:
    values = {"brand": services.ensure_default_brand(), "password": "another-lamp-77", **wishes}
    return asdict(services.register_customer(email=email, now=clock.now(), **values))  # type: ignore[arg-type]


def holder(**address: str) -> User | None:
    return User.objects.filter(**address).first()


def test_the_owner_of_a_squatted_address_registers_after_a_day(squatter: Customer, move_clock: Move) -> None:
    move_clock(DAY)

    answer = again()

    owner = User.objects.get(email=EMAIL)
    squatter.user.refresh_from_db()
    assert owner.customer.id == answer["id"]
    assert owner.check_password("another-lamp-77")
    assert (squatter.user.email, squatter.user.phone) == (None, PHONE)
    assert squatter.user.check_password(PASSWORD)
    assert [row.user for row in EmailAddress.objects.all()] == [owner]
    assert Message.objects.filter(kind="welcome", to=EMAIL).count() == 2


def test_the_former_account_is_told_at_its_proved_address_and_nothing_of_the_newcomer(
    squatter: Customer, move_clock: Move
) -> None:
    move_clock(DAY)

    again(client="203.0.113.9")

    notice = Message.objects.get(kind="security_notice")
    assert (notice.to, notice.channel, notice.context["event"]) == (PHONE, "sms", "address_released")
    assert (notice.context["device"], notice.context["country"]) == ("", "")
    assert not Message.objects.filter(kind="address_taken").exists()


def test_a_number_is_released_as_well(register: Register, move_clock: Move) -> None:
    squatter = proved(register("own@example.com", phone=PHONE), "email")
    move_clock(DAY)

    again(None, phone=PHONE)

    squatter.user.refresh_from_db()
    assert (squatter.user.email, squatter.user.phone) == ("own@example.com", None)
    assert notices("own@example.com") == ["address_released"]
    result = services.sign_in_with_code(login=PHONE, code=newest_code(PHONE), client="", now=clock.now())
    assert isinstance(result, SignedIn)
    assert result.user == holder(phone=PHONE) != squatter.user


@pytest.mark.parametrize("kinds", [(), ("email",), ("email", "phone")])
def test_proved_ones_and_the_only_ones_stay(
    register: Register, move_clock: Move, kinds: tuple[str, ...]
) -> None:
    owner = proved(register(EMAIL, phone=PHONE), *kinds)
    move_clock(DAY)

    again()

    assert holder(email=EMAIL) == owner.user
    assert User.objects.count() == 1
    assert notices() == []
    assert Message.objects.filter(kind="address_taken").count() == 1


def test_within_the_day_the_first_one_keeps_it_and_the_answers_are_alike(
    squatter: Customer, move_clock: Move
) -> None:
    move_clock(DAY - timedelta(minutes=1))
    refused = again()
    held = holder(email=EMAIL)
    move_clock(timedelta(minutes=1))
    made = again()

    unlike = {"id": "", "created_at": ""}
    assert held == squatter.user
    assert {**refused, **unlike} == {**made, **unlike}
    assert holder(email=EMAIL) != squatter.user


def test_all_wanted_addresses_are_free_or_none_is_touched(
    squatter: Customer, register: Register, move_clock: Move
) -> None:
    register(None, phone="+8613800138001")
    move_clock(DAY)

    again(phone="+8613800138001")
    again(phone=PHONE)

    assert holder(email=EMAIL) == squatter.user
    assert User.objects.count() == 2
    assert notices() == []


def test_closed_accounts_release_nothing(squatter: Customer, move_clock: Move) -> None:
    User.objects.filter(pk=squatter.user_id).update(is_active=False)
    move_clock(DAY)

    again()

    assert holder(email=EMAIL) == squatter.user


def test_links_and_codes_of_the_former_account_die(squatter: Customer, move_clock: Move) -> None:
    link = str(Message.objects.get(kind="welcome").private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]
    Customer.objects.filter(pk=squatter.pk).update(created_at=clock.now() - DAY)
    services.request_address_code(actor=actor_for(squatter), kind="email", address=EMAIL, now=clock.now())
    code = newest_code(EMAIL)

    again()

    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=link, client="", now=clock.now())
    with pytest.raises(CodeInvalid):
        services.confirm_address(
            actor=actor_for(squatter), kind="email", address=EMAIL, code=code, now=clock.now()
        )
    assert holder(email=EMAIL) != squatter.user
    with pytest.raises(InvalidCredentials):
        services.sign_in_with_code(login=EMAIL, code=code, client="", now=clock.now())


def test_whoever_reads_a_code_there_takes_it_at_once(squatter: Customer, register: Register) -> None:
    owner = proved(register("old@example.com"), "email")
    services.request_address_code(actor=actor_for(owner), kind="email", address=EMAIL, now=clock.now())
    waiting = holder(email=EMAIL)

    services.confirm_address(
        actor=actor_for(owner), kind="email", address=EMAIL, code=newest_code(EMAIL), now=clock.now()
    )

    assert waiting == squatter.user
    assert holder(email=EMAIL) == owner.user
    assert notices(PHONE) == ["address_released"]
    assert not Message.objects.filter(kind="address_taken").exists()


def test_an_address_proved_meanwhile_is_not_taken(squatter: Customer, register: Register) -> None:
    other = proved(register("old@example.com"), "email")
    services.request_address_code(actor=actor_for(other), kind="email", address=EMAIL, now=clock.now())
    code = newest_code(EMAIL)
    proved(squatter, "email")

    with pytest.raises(CodeInvalid):
        services.confirm_address(
            actor=actor_for(other), kind="email", address=EMAIL, code=code, now=clock.now()
        )

    assert holder(email=EMAIL) == squatter.user
    assert notices() == []


def test_a_proof_of_what_was_released_meanwhile_is_none(squatter: Customer, move_clock: Move) -> None:
    stale = Customer.objects.select_related("user").get(pk=squatter.pk)
    move_clock(DAY)
    again()

    prove_address(stale, Login("email", EMAIL), clock.now())

    squatter.refresh_from_db()
    assert squatter.email_verified_at is None
    assert EmailAddress.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_newcomers_at_once_one_has_it(register: Register) -> None:
    squatter = proved(register(EMAIL, phone=PHONE), "phone")
    Customer.objects.filter(pk=squatter.pk).update(created_at=clock.now() - DAY)

    results = at_once(*[again] * 4)

    assert failures(results) == []
    assert User.objects.filter(email=EMAIL).exclude(pk=squatter.user_id).count() == 1
    assert User.objects.count() == Customer.objects.count() == 2
    assert notices() == ["address_released"]
