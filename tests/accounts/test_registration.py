import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from everline.accounts import services
from everline.accounts.errors import (
    AddressRequired,
    EmailInvalid,
    LocaleUnsupported,
    PasswordTooWeak,
    PhoneInvalid,
    TimezoneUnknown,
)
from everline.accounts.models import Brand, Customer, SignInLink, User
from everline.accounts.services import registration
from everline.accounts.types import CustomerProfile
from everline.core.errors import DomainError, RateLimited
from everline.core.ids import is_id
from everline.core.money import UnknownCurrency
from everline.notifications.models import Message

PASSWORD = "quiet-lantern-42"


def _register(brand: Brand, now: datetime, **wishes: object) -> CustomerProfile:
    values: dict[str, object] = {"email": "li@example.com", "password": PASSWORD, **wishes}
    return services.register_customer(brand=brand, now=now, **values)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_a_customer_is_made_with_the_shops_defaults(brand: Brand, now: datetime) -> None:
    profile = _register(brand, now, email="Li@Example.com")

    customer = Customer.objects.select_related("user").get()
    assert asdict(profile) == {
        "id": customer.id,
        "email": "li@example.com",
        "phone": None,
        "locale": "zh-hans",
        "timezone": "UTC",
        "currency": "USD",
        "email_verified": False,
        "phone_verified": False,
        "created_at": now,
        "notifications": {"expiry_reminders": ["email"], "usage_alerts": ["email"], "announcements": []},
    }
    assert customer.user.check_password(PASSWORD)
    assert PASSWORD not in customer.user.password
    assert not customer.user.is_staff


@pytest.mark.django_db
def test_a_customer_may_choose_language_zone_and_currency(brand: Brand, now: datetime) -> None:
    profile = _register(
        brand, now, phone="+86 138 0013 8000", locale="en", timezone="Asia/Tokyo", currency="JPY"
    )

    assert (profile.locale, profile.timezone, profile.currency) == ("en", "Asia/Tokyo", "JPY")
    assert profile.phone == "+8613800138000"


@pytest.mark.django_db
def test_the_identity_library_knows_the_address_as_unverified(brand: Brand, now: datetime) -> None:
    _register(brand, now)

    row = EmailAddress.objects.get()
    assert (row.email, row.primary, row.verified) == ("li@example.com", True, False)
    assert row.user == User.objects.get()


@pytest.mark.django_db
def test_the_welcome_mail_carries_the_link_in_private(brand: Brand, now: datetime) -> None:
    profile = _register(brand, now, locale="en", timezone="Europe/Berlin")

    mail = Message.objects.get()
    link = SignInLink.objects.get()
    assert (mail.kind, mail.to, mail.locale, mail.reference) == (
        "welcome",
        "li@example.com",
        "en",
        profile.id,
    )
    assert mail.context == {"expires_at": (now + timedelta(hours=24)).isoformat(), "zone": "Europe/Berlin"}
    assert mail.private["link"].startswith("http")
    assert link.token_hash not in mail.private["link"]
    assert link.expires_at == now + timedelta(hours=24)


@pytest.mark.django_db
def test_a_phone_alone_is_enough_and_sends_no_mail(brand: Brand, now: datetime) -> None:
    profile = _register(brand, now, email=None, phone="+8613800138000")

    assert profile.email is None
    assert User.objects.get().phone == "+8613800138000"
    assert not Message.objects.exists()
    assert not EmailAddress.objects.exists()
    assert not SignInLink.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wishes", "error", "code", "field"),
    [
        ({"email": None}, AddressRequired, "address_required", "email"),
        ({"email": ""}, AddressRequired, "address_required", "email"),
        ({"email": "li"}, EmailInvalid, "email_invalid", "email"),
        ({"phone": "138"}, PhoneInvalid, "phone_invalid", "phone"),
        ({"password": "short"}, PasswordTooWeak, "password_too_weak", "password"),
        ({"password": "password1"}, PasswordTooWeak, "password_too_weak", "password"),
        ({"password": "li@example.com"}, PasswordTooWeak, "password_too_weak", "password"),
        ({"password": "x" * 257}, PasswordTooWeak, "password_too_weak", "password"),
        ({"password": "quiet\x00lantern"}, PasswordTooWeak, "password_too_weak", "password"),
        ({"password": "quiet-lantern\ud800"}, PasswordTooWeak, "password_too_weak", "password"),
        ({"locale": "de"}, LocaleUnsupported, "locale_unsupported", "locale"),
        ({"timezone": "Mars/Olympus"}, TimezoneUnknown, "timezone_unknown", "timezone"),
        ({"timezone": "../../etc/passwd"}, TimezoneUnknown, "timezone_unknown", "timezone"),
        ({"timezone": "localtime"}, TimezoneUnknown, "timezone_unknown", "timezone"),
        ({"currency": "usd"}, UnknownCurrency, "unknown_currency", "currency"),
        ({"currency": "XXX"}, UnknownCurrency, "unknown_currency", "currency"),
    ],
)
def test_bad_input_makes_nothing(
    brand: Brand, now: datetime, wishes: dict[str, object], error: type[DomainError], code: str, field: str
) -> None:
    with pytest.raises(error) as refused:
        _register(brand, now, **wishes)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.detail.endswith((".", "。"))
    assert not User.objects.exists()
    assert not Message.objects.exists()


_EVERY_VALIDATOR = [
    *django_settings.AUTH_PASSWORD_VALIDATORS,
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "tests.accounts.test_registration.Whim"},
]


class Whim:
    """A validator of somebody else."""

    def validate(self, password: str, user: User | None = None) -> None:
        if password == "whimsical-42":
            raise ValidationError("No.", code="whim")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "english", "chinese"),
    [
        ("q7-lamp", "Use at least 8 characters in the password.", "密码至少要有 8 个字符。"),
        (
            "password1",
            "Many people use this password. Choose one that is hard to guess.",
            "很多人在用这个密码，请换一个不易被猜到的密码。",
        ),
        (
            "li@example.com",
            "This password is too much like your address. Choose another one.",
            "密码与您的邮箱或手机号太相似，请换一个。",
        ),
        (
            "730164829557",
            "This password has only digits. Add letters or other characters.",
            "密码只有数字，请加入字母或其他字符。",
        ),
        ("whimsical-42", "Choose a longer password that is hard to guess.", None),
    ],
)
def test_a_weak_password_is_told_why_in_both_languages(
    brand: Brand, now: datetime, settings: Any, password: str, english: str, chinese: str | None
) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = _EVERY_VALIDATOR
    told = []
    for language in ("en", "zh-hans"):
        with translation.override(language), pytest.raises(PasswordTooWeak) as refused:
            _register(brand, now, password=password)
        told.append(refused.value.detail)

    assert told[0] == english
    assert told[1] == chinese or (chinese is None and told[1].isascii() is False)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_password_weak_in_several_ways_is_told_each(brand: Brand, now: datetime) -> None:
    with translation.override("zh-hans"), pytest.raises(PasswordTooWeak) as refused:
        _register(brand, now, password="1234567")

    assert refused.value.detail == "密码至少要有 8 个字符。 很多人在用这个密码，请换一个不易被猜到的密码。"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "again",
    [
        {"email": "li@example.com"},
        {"email": "LI@Example.com"},
        {"email": "new@example.com", "phone": "+8613800138000"},
        {"email": None, "phone": "+86 138 0013 8000"},
    ],
)
def test_a_taken_address_gets_the_same_answer_and_makes_nothing(
    brand: Brand, now: datetime, again: dict[str, object]
) -> None:
    owner = _register(brand, now, phone="+8613800138000", locale="en")

    answer = _register(brand, now, **{**again, "password": "another-lamp-77"})

    assert is_id("cus", answer.id)
    assert answer.id != owner.id
    assert set(asdict(answer)) == set(asdict(owner))
    assert (answer.locale, answer.timezone, answer.currency) == ("zh-hans", "UTC", "USD")
    assert (answer.created_at, answer.email_verified, answer.phone_verified) == (now, False, False)
    assert User.objects.count() == Customer.objects.count() == EmailAddress.objects.count() == 1
    assert SignInLink.objects.count() == 1
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.django_db
def test_the_answers_differ_in_nothing_but_the_id(brand: Brand, now: datetime) -> None:
    made = asdict(_register(brand, now))
    taken = asdict(_register(brand, now))

    assert {**made, "id": ""} == {**taken, "id": ""}


@pytest.mark.django_db
def test_the_owner_of_a_taken_address_is_told_in_their_language(brand: Brand, now: datetime) -> None:
    owner = _register(brand, now, locale="en")
    Message.objects.all().delete()

    _register(brand, now, locale="zh-hans")

    mail = Message.objects.get()
    assert (mail.kind, mail.to, mail.locale) == ("address_taken", "li@example.com", "en")
    assert mail.reference == owner.id
    assert mail.private == {}
    assert not mail.context["sign_in_url"].endswith("None")


@pytest.mark.django_db
def test_strangers_cannot_flood_an_owner_with_mails(brand: Brand, now: datetime) -> None:
    noon = now.replace(minute=0, second=0)
    _register(brand, noon)

    for minute in range(5):
        _register(brand, noon + timedelta(minutes=minute))
    within_the_hour = Message.objects.filter(kind="address_taken").count()
    _register(brand, noon + timedelta(hours=1))

    assert within_the_hour == 1
    assert Message.objects.filter(kind="address_taken").count() == 2


@pytest.mark.django_db
def test_an_owner_without_mail_is_told_by_text_message(brand: Brand, now: datetime) -> None:
    _register(brand, now, email=None, phone="+8613800138000")

    _register(brand, now, email="new@example.com", phone="+8613800138000")

    told = Message.objects.get()
    assert (told.kind, told.channel, told.to) == ("address_taken", "sms", "+8613800138000")
    assert not User.objects.filter(email="new@example.com").exists()


@pytest.mark.django_db
def test_an_owner_with_a_closed_account_is_not_written_to(brand: Brand, now: datetime) -> None:
    closed = User.objects.create_user("closed@example.com", is_active=False)

    _register(brand, now, email=closed.email)

    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_member_of_staff_is_told_too(brand: Brand, now: datetime) -> None:
    User.objects.create_superuser("boss@example.com", PASSWORD)

    _register(brand, now, email="boss@example.com", locale="en")

    mail = Message.objects.get()
    assert (mail.kind, mail.to, mail.locale) == ("address_taken", "boss@example.com", "en")
    assert not Customer.objects.exists()


@pytest.mark.django_db
def test_two_owners_of_two_addresses_are_both_told(brand: Brand, now: datetime) -> None:
    _register(brand, now, email="a@example.com")
    _register(brand, now, email="b@example.com", phone="+8613800138000")

    _register(brand, now, email="a@example.com", phone="+8613800138000")

    told = Message.objects.filter(kind="address_taken").values_list("to", flat=True)
    assert sorted(told) == ["a@example.com", "b@example.com"]


@pytest.mark.django_db
def test_the_password_is_hashed_once_whether_the_address_is_free_or_taken(
    brand: Brand, now: datetime
) -> None:
    with mock.patch.object(registration, "make_password", wraps=registration.make_password) as hashing:
        _register(brand, now)
        for_free = hashing.call_count
        _register(brand, now)
        for_taken = hashing.call_count - for_free

    assert for_free == for_taken == 1


@pytest.mark.django_db
def test_registration_costs_few_statements(brand: Brand, now: datetime) -> None:
    with CaptureQueriesContext(
        connection,
    ) as made:
        _register(brand, now)
    with CaptureQueriesContext(connection) as taken:
        _register(brand, now)

    assert len([q for q in made if not _is_savepoint(q["sql"])]) <= 7
    assert len([q for q in taken if not _is_savepoint(q["sql"])]) <= 5


def _is_savepoint(sql: str) -> bool:
    return "SAVEPOINT" in sql


@pytest.mark.django_db
def test_mass_registration_from_one_address_is_slowed(
    brand: Brand, now: datetime, settings: pytest.FixtureRequest
) -> None:
    settings.EVERLINE_MODE = "live"  # type: ignore[attr-defined]
    for n in range(20):
        _register(brand, now, email=f"c{n}@example.com", client="2001:db8::1")

    with pytest.raises(RateLimited) as refused:
        _register(brand, now, email="late@example.com", client="2001:db8::2")
    _register(brand, now, email="other@example.com", client="192.0.2.7")
    _register(brand, now + timedelta(hours=1, seconds=1), email="later@example.com", client="2001:db8::2")

    assert 0 < refused.value.extra["retry_after"] <= 3601
    assert not User.objects.filter(email="late@example.com").exists()
    assert User.objects.filter(email__in=["other@example.com", "later@example.com"]).count() == 2


@pytest.mark.django_db
def test_the_sandbox_lets_one_address_register_many(brand: Brand, now: datetime) -> None:
    for n in range(25):
        _register(brand, now, email=f"c{n}@example.com", client="127.0.0.1")

    assert User.objects.count() == 25


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_made_and_all_get_the_same_answer(now: datetime) -> None:
    brand = services.ensure_default_brand()
    start = threading.Barrier(6)
    answers: list[CustomerProfile] = []

    def race() -> None:
        try:
            start.wait()
            answers.append(_register(brand, now))
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 6
    assert len({answer.id for answer in answers}) == 6
    assert User.objects.count() == Customer.objects.count() == 1
    assert sum(Customer.objects.filter(id=answer.id).exists() for answer in answers) == 1
    assert sorted(Message.objects.values_list("kind", flat=True)) == ["address_taken", "welcome"]


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_mail_is_queued_makes_no_customer(now: datetime) -> None:
    brand = services.ensure_default_brand()

    with (
        mock.patch.object(registration, "enqueue", side_effect=RuntimeError("power cut")),
        pytest.raises(RuntimeError),
    ):
        _register(brand, now)

    assert not User.objects.exists()
    assert not SignInLink.objects.exists()


def test_the_register_fixture_gives_the_row(register: Callable[..., Customer]) -> None:
    assert register("wei@example.com").email == "wei@example.com"
