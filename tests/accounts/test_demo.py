from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from everline.accounts import services
from everline.accounts.logos import clean_logo
from everline.accounts.models import Customer, User
from everline.accounts.selectors import brand_by_id, brand_for_host
from everline.core import clock
from everline.notifications.models import Message

pytestmark = pytest.mark.django_db


def test_demo_customers_live_in_different_places_and_currencies(now: datetime) -> None:
    made = services.load_demo_customers(now)

    assert len(made) == 8
    assert len({each.timezone for each in made}) >= 6
    assert {each.currency for each in made} == {"CNY", "EUR", "USD"}
    assert {each.locale for each in made} == {"zh-hans", "en"}
    assert {each.customer_id for each in made} == set(Customer.objects.values_list("id", flat=True))


def test_each_demo_customer_can_sign_in_with_what_is_printed(now: datetime) -> None:
    for each in services.load_demo_customers(now):
        session = services.open_session(
            login=each.login, password=each.password, client="127.0.0.1", now=clock.now()
        )

        assert session.customer.id == each.customer_id


def test_the_known_one_is_among_them(now: datetime) -> None:
    printed = {each.login: each.password for each in services.load_demo_customers(now)}

    assert printed["demo@example.com"] == "everline-demo"


def test_loading_again_changes_nothing_and_says_the_same(
    now: datetime, django_assert_max_num_queries: Callable[..., object]
) -> None:
    first = services.load_demo_customers(now)
    Customer.objects.filter(id=first[0].customer_id).update(timezone="Asia/Tokyo")

    with django_assert_max_num_queries(6):  # type: ignore[attr-defined]
        second = services.load_demo_customers(now + timedelta(days=1))

    assert [each.customer_id for each in second] == [each.customer_id for each in first]
    assert second[0].timezone == "Asia/Tokyo"
    assert User.objects.count() == 8


def test_nobody_is_mailed_and_addresses_count_as_verified(now: datetime) -> None:
    services.load_demo_customers(now)

    assert not Message.objects.exists()
    unverified = Customer.objects.filter(email_verified_at=None, phone_verified_at=None)
    assert not unverified.exists()


def test_a_missing_one_is_made_again(now: datetime) -> None:
    first = services.load_demo_customers(now)
    gone = Customer.objects.get(id=first[-1].customer_id)
    user = gone.user
    gone.delete()
    user.delete()

    second = services.load_demo_customers(now)

    assert len(second) == 8
    assert second[-1].customer_id != first[-1].customer_id
    assert [each.customer_id for each in second[:-1]] == [each.customer_id for each in first[:-1]]


def test_one_of_them_is_the_customer_of_another_brand(now: datetime) -> None:
    made = {each.login: each for each in services.load_demo_customers(now)}

    other = Customer.objects.select_related("brand").get(id=made["wren@example.com"].customer_id)
    assert made["wren@example.com"].host == "tidewren.localhost"
    assert made["demo@example.com"].host == ""
    assert brand_for_host("tidewren.localhost:8000") == other.brand
    assert other.brand.default_locale == "en"
    assert Customer.objects.exclude(brand_id="leb").count() == 1


def test_the_second_brand_is_fit_for_pages_and_mails(now: datetime) -> None:
    services.load_demo_customers(now)

    brand = brand_by_id("tidewren")

    brand.full_clean()
    assert clean_logo(brand.logo)
    assert brand.updated_at == now
