from collections.abc import Callable

import pytest

from everline.accounts import services
from everline.accounts.errors import LocaleUnsupported, NotificationsInvalid, TimezoneUnknown
from everline.accounts.models import Customer
from everline.accounts.selectors import profile_of
from everline.core.errors import DomainError
from everline.core.money import UnknownCurrency

Register = Callable[..., Customer]

pytestmark = pytest.mark.django_db


def test_a_customer_changes_their_own_settings(register: Register) -> None:
    customer = register()

    services.update_profile(customer=customer, locale="en", timezone="Pacific/Auckland", currency="EUR")

    stored = Customer.objects.get()
    assert (stored.locale, stored.timezone, stored.currency) == ("en", "Pacific/Auckland", "EUR")
    assert profile_of(customer) == profile_of(stored)


def test_what_is_not_named_stays(register: Register) -> None:
    customer = register(locale="en", timezone="Asia/Tokyo", currency="JPY")

    services.update_profile(customer=customer, timezone="Asia/Seoul")

    stored = Customer.objects.get()
    assert (stored.locale, stored.timezone, stored.currency) == ("en", "Asia/Seoul", "JPY")


def test_two_tabs_that_change_different_settings_do_not_undo_each_other(register: Register) -> None:
    here = register(locale="en")
    there = Customer.objects.select_related("user").get()

    services.update_profile(customer=here, timezone="Asia/Seoul")
    services.update_profile(customer=there, currency="EUR")

    stored = Customer.objects.get()
    assert (stored.timezone, stored.currency) == ("Asia/Seoul", "EUR")


def test_nothing_to_change_writes_nothing(
    register: Register, django_assert_num_queries: Callable[..., object]
) -> None:
    customer = register()

    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        services.update_profile(customer=customer)


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"locale": "de"}, LocaleUnsupported, "locale"),
        ({"locale": ""}, LocaleUnsupported, "locale"),
        ({"locale": "zh-Hans"}, LocaleUnsupported, "locale"),
        ({"timezone": "+08:00"}, TimezoneUnknown, "timezone"),
        ({"timezone": ""}, TimezoneUnknown, "timezone"),
        ({"timezone": "Factory"}, TimezoneUnknown, "timezone"),
        ({"currency": "EURO"}, UnknownCurrency, "currency"),
        ({"currency": "\x00"}, UnknownCurrency, "currency"),
        ({"notifications": {"spam": ["email"]}}, NotificationsInvalid, "notifications"),
        ({"notifications": {"announcements": ["pigeon"]}}, NotificationsInvalid, "notifications"),
    ],
)
def test_a_wrong_setting_changes_nothing_at_all(
    register: Register, change: dict[str, object], error: type[DomainError], field: str
) -> None:
    customer = register(timezone="Asia/Tokyo")
    before = Customer.objects.values().get()

    with pytest.raises(error) as refused:
        services.update_profile(customer=customer, **{"locale": "en", **change})  # type: ignore[arg-type]

    assert refused.value.field == field
    assert refused.value.kind == "invalid"
    assert Customer.objects.values().get() == before


def test_notification_choices_are_kept_per_topic(register: Register) -> None:
    customer = register()

    services.update_profile(customer=customer, notifications={"announcements": ["push", "email", "push"]})
    services.update_profile(customer=customer, notifications={"usage_alerts": []})

    assert profile_of(Customer.objects.select_related("user").get()).notifications == {
        "expiry_reminders": ["email"],
        "usage_alerts": [],
        "announcements": ["email", "push"],
    }


def test_the_brand_of_a_customer_can_be_shown_without_another_statement(
    register: Register, django_assert_num_queries: Callable[..., object]
) -> None:
    customer = register()

    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        profile = profile_of(customer)

    assert profile.email == "li@example.com"
