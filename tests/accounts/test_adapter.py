from collections.abc import Callable
from datetime import datetime

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.test import RequestFactory

from everline.accounts import services
from everline.accounts.adapter import AccountAdapter
from everline.accounts.errors import PhoneInvalid, SmsUnavailable
from everline.accounts.models import Customer, User
from everline.notifications.models import Message

Register = Callable[..., Customer]

pytestmark = pytest.mark.django_db


@pytest.fixture
def adapter() -> AccountAdapter:
    return AccountAdapter()


def test_the_settings_name_our_adapter_and_it_knows_phones() -> None:
    adapter = get_adapter()

    assert isinstance(adapter, AccountAdapter)
    assert adapter._has_phone_impl


def test_its_own_sign_up_is_closed(adapter: AccountAdapter, rf: RequestFactory) -> None:
    assert adapter.is_open_for_signup(rf.get("/")) is False


def test_it_finds_people_by_their_number_in_any_spelling(adapter: AccountAdapter, register: Register) -> None:
    customer = register(phone="+8613800138000")

    assert adapter.get_user_by_phone("+86 138 0013 8000") == customer.user
    assert adapter.get_user_by_phone("+8613800138001") is None
    assert adapter.get_user_by_phone("nonsense") is None


def test_a_number_is_unverified_until_proved(adapter: AccountAdapter, register: Register) -> None:
    user = register(phone="+8613800138000").user

    before = adapter.get_phone(user)
    adapter.set_phone_verified(user, "+8613800138000")

    assert before == ("+8613800138000", False)
    assert adapter.get_phone(user) == ("+8613800138000", True)


def test_the_proof_of_another_number_proves_nothing(adapter: AccountAdapter, register: Register) -> None:
    user = register(phone="+8613800138000").user

    adapter.set_phone_verified(user, "+8613800138001")

    assert adapter.get_phone(user) == ("+8613800138000", False)


def test_a_new_number_needs_a_new_proof(adapter: AccountAdapter, register: Register) -> None:
    user = register(phone="+8613800138000").user
    adapter.set_phone_verified(user, "+8613800138000")

    adapter.set_phone(user, "+86 138 0013 8001", verified=False)

    assert adapter.get_phone(User.objects.get()) == ("+8613800138001", False)


def test_a_number_can_come_with_its_proof(adapter: AccountAdapter, register: Register) -> None:
    user = register().user
    assert adapter.get_phone(user) is None

    adapter.set_phone(user, "+8613800138000", verified=True)

    assert adapter.get_phone(user) == ("+8613800138000", True)


def test_numbers_are_cleaned_as_everywhere(adapter: AccountAdapter) -> None:
    assert adapter.clean_phone("+86 138 0013 8000") == "+8613800138000"
    with pytest.raises(PhoneInvalid):
        adapter.clean_phone("138")


def test_codes_by_text_message_are_refused_openly(adapter: AccountAdapter, register: Register) -> None:
    user = register(phone="+8613800138000").user

    with pytest.raises(SmsUnavailable) as refused:
        adapter.send_verification_code_sms(user, "+8613800138000", "123456")

    assert refused.value.kind == "unavailable"


def test_strangers_numbers_are_never_texted(adapter: AccountAdapter) -> None:
    adapter.send_unknown_account_sms("+8613800138000")
    adapter.send_account_already_exists_sms("+8613800138000")

    assert not Message.objects.exists()


def test_its_address_rows_follow_our_verification(register: Register, now: datetime) -> None:
    register()
    before = EmailAddress.objects.get().verified
    link = str(Message.objects.get().private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]

    services.sign_in_with_link(token=link, client="", now=now)

    assert (before, EmailAddress.objects.get().verified) == (False, True)
    assert EmailAddress.objects.get().email == User.objects.get().email
