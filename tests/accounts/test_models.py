from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from everline.accounts.migrations import __name__ as migrations_name
from everline.accounts.models import AccessToken, ApiKey, Brand, Customer, SignInLink, User
from everline.accounts.selectors import brand_by_id, customer_of_user, default_brand
from everline.accounts.services import ensure_default_brand
from everline.accounts.types import DEFAULT_BRAND
from everline.core.errors import NotFound

pytestmark = pytest.mark.django_db


def test_no_address_is_stored_as_null_so_that_many_may_lack_one() -> None:
    first = User.objects.create_user(email="", phone="+8613800138000")
    second = User.objects.create_user(email="", phone="+8613800138001")
    third = User.objects.create_user("li@example.com", phone="")

    assert first.email is None
    assert second.email is None
    assert third.phone is None


def test_a_user_without_any_address_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="user_has_an_address"):
        User.objects.create_user(email="", phone="")


def test_an_address_is_unique_whatever_its_case() -> None:
    User.objects.create_user("Li@Example.com")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("li@example.COM")

    assert User.objects.get().email == "li@example.com"


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("email", "Li@example.com", "user_email_is_lower_case"),
        ("email", "", "user_email_is_lower_case"),
        ("phone", "13800138000", "user_phone_is_e164"),
        ("phone", "", "user_phone_is_e164"),
    ],
)
def test_the_database_refuses_other_spellings(column: str, value: str, constraint: str) -> None:
    user = User.objects.create_user("li@example.com", phone="+8613800138000")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.filter(pk=user.pk).update(**{column: value})


def test_every_user_can_be_written_as_text() -> None:
    assert str(User(email="li@example.com")) == "li@example.com"
    assert str(User(phone="+8613800138000")) == "+8613800138000"
    assert str(User(pk=7)) == "user 7"


def test_staff_are_users_without_a_customer() -> None:
    admin = User.objects.create_superuser("boss@example.com", "quiet-lantern-42")

    assert admin.is_staff
    assert admin.is_superuser
    assert admin.check_password("quiet-lantern-42")
    assert customer_of_user(admin.pk) is None
    assert User.objects.get_by_natural_key(" Boss@Example.com ") == admin


def test_the_migration_and_the_service_make_the_same_brand(brand: Brand) -> None:
    migration = __import__(f"{migrations_name}.0002_default_brand", fromlist=["DEFAULT_BRAND"])

    assert {**DEFAULT_BRAND, "allowed_return_origins": []} == migration.DEFAULT_BRAND
    assert brand.name_zh == "leb卡"
    assert brand.name_en == "leb card"
    assert (brand.order_prefix, brand.default_currency) == ("LEB", "USD")


def test_a_brand_that_staff_changed_is_not_put_back(brand: Brand) -> None:
    Brand.objects.filter(pk=brand.pk).update(support_email="help@shop.example")

    ensure_default_brand()

    assert default_brand().support_email == "help@shop.example"


def test_an_unknown_brand_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        brand_by_id("nobody")


def test_a_brand_tells_messages_its_names_and_addresses_only(brand: Brand) -> None:
    assert brand.for_messages() == {
        "id": "leb",
        "name_en": "leb card",
        "name_zh": "leb卡",
        "mail_from": "no-reply@leb.example",
        "mail_name_en": "leb card",
        "mail_name_zh": "leb卡",
        "support_email": "support@leb.example",
        "support_url": "",
        "community_url": "",
        "terms_url": "",
        "privacy_url": "",
        "home_url": f"{settings.EVERLINE_PUBLIC_URL}/",
        "accent": "#0b6b60",
    }


def test_a_closed_account_is_no_customer_any_more(register: Callable[..., Customer]) -> None:
    customer = register()

    before = customer_of_user(customer.user_id)
    User.objects.filter(pk=customer.user_id).update(is_active=False)
    after = customer_of_user(customer.user_id)

    assert before == customer
    assert after is None


def test_rows_can_be_written_as_text_without_secrets(brand: Brand) -> None:
    assert str(brand) == "leb card"
    assert str(AccessToken(pk=3, token_hash="secret")) == "access token 3"
    assert str(SignInLink(pk=4, token_hash="secret")) == "sign-in link 4"
    assert str(ApiKey(name="till", prefix="ek_abc", key_hash="secret")) == "till (ek_abc…)"
    assert str(Customer()).startswith("cus_")
