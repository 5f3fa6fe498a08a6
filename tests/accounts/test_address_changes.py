"""Changing an e-mail address or a number: a code at the new one, a notice at the old one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
from allauth.account.models import EmailAddress

from everline.accounts import services
from everline.accounts.errors import (
    AddressUnverified,
    CodeInvalid,
    EmailInvalid,
    PhoneInvalid,
    ReauthenticationRequired,
    SignInLinkSpent,
)
from everline.accounts.models import Customer, User
from everline.core import clock
from everline.core.errors import RateLimited
from everline.notifications.models import Message
from tests.accounts.conftest import actor_for, newest_code, notices, other_than

Register = Callable[..., Customer]
Kind = Literal["email", "phone"]
pytestmark = pytest.mark.django_db

EMAIL = "li@example.com"
PHONE = "+8613800138000"
CHANGES = [("email", EMAIL, "new@example.com"), ("phone", PHONE, "+447700900999")]


def _ask(customer: Customer, kind: Kind, address: str) -> str:
    return services.request_address_code(
        actor=actor_for(customer), kind=kind, address=address, now=clock.now()
    )


def _confirm(customer: Customer, kind: Kind, address: str, code: str) -> Customer:
    return services.confirm_address(
        actor=actor_for(customer), kind=kind, address=address, code=code, now=clock.now()
    )


@pytest.mark.parametrize(("kind", "old", "new"), CHANGES)
def test_an_address_changes_by_its_code_and_every_address_concerned_is_told(
    verified: Customer, kind: Kind, old: str, new: str
) -> None:
    _ask(verified, kind, new)
    before = getattr(User.objects.get(), kind)

    changed = _confirm(verified, kind, new, newest_code(new))

    assert before == old
    assert getattr(User.objects.get(), kind) == new
    assert getattr(changed, f"{kind}_verified_at") is not None
    assert notices(old) == notices(new) == [f"{kind}_changed"]
    told = Message.objects.filter(kind="security_notice")
    assert {each.to for each in told} == {old, new, EMAIL}
    assert all(each.channel == ("email" if "@" in each.to else "sms") for each in told)


def test_its_spelling_is_made_normal(verified: Customer) -> None:
    assert _ask(verified, "email", " New@EXAMPLE.com ") == "new@example.com"
    assert _ask(verified, "phone", "+44 7700 900999") == "+447700900999"
    for kind, nonsense in (
        ("email", "new"),
        ("email", "new@"),
        ("phone", "123"),
        ("phone", "new@example.com"),
    ):
        with pytest.raises((EmailInvalid, PhoneInvalid)):
            _ask(verified, kind, nonsense)  # type: ignore[arg-type]


def test_the_identity_librarys_rows_follow(register: Register, verified: Customer) -> None:
    _ask(verified, "email", "new@example.com")
    _confirm(verified, "email", "new@example.com", newest_code("new@example.com"))

    row = EmailAddress.objects.get()
    assert (row.email, row.verified, row.primary) == ("new@example.com", True, True)


@pytest.mark.parametrize(("kind", "old", "new"), CHANGES)
def test_a_wrong_code_changes_nothing(verified: Customer, kind: Kind, old: str, new: str) -> None:
    _ask(verified, kind, new)
    code = newest_code(new)

    with pytest.raises(CodeInvalid):
        _confirm(verified, kind, new, other_than(code))
    assert getattr(User.objects.get(), kind) == old
    assert notices() == []


def test_a_code_is_good_for_its_address_and_who_asked(register: Register, verified: Customer) -> None:
    bo = register("bo@example.com")
    Customer.objects.filter(pk=bo.pk).update(email_verified_at=clock.now())
    _ask(verified, "email", "new@example.com")
    code = newest_code("new@example.com")

    with pytest.raises(CodeInvalid):
        _confirm(bo, "email", "new@example.com", code)
    with pytest.raises(CodeInvalid):
        _confirm(verified, "email", "other@example.com", code)
    assert not User.objects.filter(email__in=["new@example.com", "other@example.com"]).exists()
    assert _confirm(verified, "email", "new@example.com", code).email == "new@example.com"


@pytest.mark.parametrize(("kind", "taken"), [("email", "bo@example.com"), ("phone", "+447700900999")])
def test_a_taken_address_gets_the_same_answer_and_its_owner_is_told(
    register: Register, verified: Customer, kind: Kind, taken: str
) -> None:
    register("bo@example.com", phone="+447700900999")

    answer = _ask(verified, kind, taken)
    services.send_codes(clock.now())

    assert answer == taken
    assert [each.to for each in Message.objects.filter(kind="address_taken")] == ["bo@example.com"]
    assert not Message.objects.filter(kind="address_code").exists()
    with pytest.raises(CodeInvalid):
        _confirm(verified, kind, taken, "123456")


def test_an_address_taken_meanwhile_is_refused_like_a_wrong_code(
    register: Register, verified: Customer
) -> None:
    _ask(verified, "email", "new@example.com")
    code = newest_code("new@example.com")
    register("new@example.com")

    with pytest.raises(CodeInvalid):
        _confirm(verified, "email", "new@example.com", code)
    assert User.objects.get(pk=verified.user_id).email == EMAIL


@pytest.mark.parametrize(("kind", "present"), [("email", EMAIL), ("phone", PHONE)])
def test_the_present_address_is_proved_without_more(register: Register, kind: Kind, present: str) -> None:
    customer = register(phone=PHONE)
    stale = replace(actor_for(customer), authenticated_at=None)
    services.request_address_code(actor=stale, kind=kind, address=present, now=clock.now())

    proved = services.confirm_address(
        actor=stale, kind=kind, address=present, code=newest_code(present), now=clock.now()
    )

    assert getattr(proved, f"{kind}_verified_at") is not None
    assert notices(present) == [f"{kind}_verified"]


def test_a_number_is_added_to_an_account_that_has_none(register: Register) -> None:
    customer = register()
    Customer.objects.update(email_verified_at=clock.now())
    customer.refresh_from_db()
    _ask(customer, "phone", PHONE)

    _confirm(customer, "phone", PHONE, newest_code(PHONE))

    assert User.objects.get().phone == PHONE
    assert notices(PHONE) == ["phone_changed"]


def test_a_change_needs_a_recent_proof_and_a_proved_address(register: Register, verified: Customer) -> None:
    stale = replace(actor_for(verified), authenticated_at=None)
    stranger = register("bo@example.com")

    with pytest.raises(ReauthenticationRequired):
        services.request_address_code(actor=stale, kind="email", address="new@example.com", now=clock.now())
    with pytest.raises(AddressUnverified):
        _ask(stranger, "email", "new@example.com")
    assert services.send_codes(clock.now()) == 0


def test_links_and_codes_at_the_former_address_are_worthless(verified: Customer) -> None:
    link = str(Message.objects.get(kind="welcome").private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]
    services.request_recovery_code(login=EMAIL, client="", now=clock.now())
    old_code = newest_code(EMAIL)
    _ask(verified, "email", "new@example.com")
    _confirm(verified, "email", "new@example.com", newest_code("new@example.com"))

    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=link, client="", now=clock.now())
    for login in (EMAIL, "new@example.com"):
        with pytest.raises(CodeInvalid):
            services.reset_password(
                login=login,
                code=old_code,
                new_password="tall-harbour-77",
                device=actor_for(verified).device,
                now=clock.now(),
            )


def test_asking_and_guessing_are_slowed(verified: Customer) -> None:
    for n in range(10):
        _ask(verified, "email", f"n{n}@example.com")
    with pytest.raises(RateLimited):
        _ask(verified, "email", "n10@example.com")
    for _ in range(10):
        with pytest.raises(CodeInvalid):
            _confirm(verified, "email", "n1@example.com", "123456x")
    with pytest.raises(RateLimited):
        _confirm(verified, "email", "n1@example.com", "123456x")
