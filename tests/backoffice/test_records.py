"""Every record of every room: listed, opened, found, and never changed by hand."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from everline.accounts.models import Customer, User
from everline.accounts.roles import Role
from everline.backoffice import urls
from everline.backoffice.column_words import COLUMN_WORDS
from everline.backoffice.site import site
from everline.lines.models import Line
from everline.notifications.models import Message
from everline.orders.models import Order
from everline.payments.models import Attempt
from tests.backoffice.conftest import SignIn
from tests.backoffice.world import EVIL, World

pytestmark = pytest.mark.django_db

#: Models without a page of their own, and why.
LEFT_OUT = {
    "lines.lineprofile": "the same row as lines.line, seen as the profile",
    "backoffice.desk": "carries permissions; there is no table",
}
assert urls.urlpatterns  # importing them registers the records
RECORDS = sorted(site._registry, key=lambda model: model._meta.label_lower)
LABELS = [model._meta.label_lower for model in RECORDS]
SECRET_FIELDS = {
    "password",
    "token_hash",
    "key_hash",
    "code_hash",
    "private",
    "session_key",
    "data",
    "device_hash",
}


def name_of(model: Any, page: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"


def test_every_word_for_a_column_is_one_of_a_column_that_exists() -> None:
    columns = {field.name for model in RECORDS for field in model._meta.concrete_fields}

    assert set(COLUMN_WORDS) - columns == set()


def test_every_model_of_ours_has_a_page_or_a_reason() -> None:
    ours = {
        model._meta.label_lower
        for config in apps.get_app_configs()
        if config.name.startswith("everline.") and config.label != "sandbox"
        for model in config.get_models()
    }

    missing = ours - set(LABELS) - set(LEFT_OUT)

    assert missing == set()
    assert not set(LEFT_OUT) & set(LABELS)


def test_lists_and_pages_of_all_records_show_texts_as_texts(world: World, desk: SignIn) -> None:
    client = desk()

    for model in RECORDS:
        row = model._default_manager.first()
        assert row is not None, model._meta.label
        listed = client.get(reverse(name_of(model, "changelist")))
        opened = client.get(reverse(name_of(model, "change"), args=[quote(str(row.pk))]))

        assert listed.status_code == 200, model._meta.label
        assert opened.status_code == 200, model._meta.label
        for answer in (listed, opened):
            assert EVIL not in answer.content.decode(), model._meta.label
            assert b"<script>alert" not in answer.content, model._meta.label
    assert world.order.id


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_both_languages_open(world: World, desk: SignIn, language: str) -> None:
    client = desk()
    client.post(reverse("desk:language"), {"language": language, "next": "/backoffice/"})

    answer = client.get(reverse("admin:accounts_customer_change", args=[quote(world.customer.id)]))

    assert f'lang="{language}"' in answer.content.decode()


def test_nobody_adds_changes_or_deletes_by_hand(desk: SignIn) -> None:
    client = desk(Role.OWNER)
    request = RequestFactory().get("/")
    request.user = User.objects.get(email="owner@example.com")

    for model in RECORDS:
        admin = site._registry[model]
        assert not admin.has_add_permission(request)
        assert not admin.has_change_permission(request)
        assert not admin.has_delete_permission(request)
        assert not admin.get_actions(request)
        assert client.get(reverse(name_of(model, "add"))).status_code == 403, model._meta.label
        assert client.post(reverse(name_of(model, "add")), {}).status_code == 403, model._meta.label


def test_a_post_to_a_record_changes_nothing(world: World, desk: SignIn) -> None:
    client = desk()
    rows = {
        Line: ({"label": "hacked", "service_state": "active"}, world.line),
        Attempt: ({"status": "captured"}, world.attempt),
        Message: ({"to": "thief@example.com"}, world.lost),
    }

    for model, (data, row) in rows.items():
        before = model.objects.values().get(pk=row.pk)  # type: ignore[attr-defined]
        changed = client.post(reverse(name_of(model, "change"), args=[quote(row.pk)]), data)
        deleted = client.post(reverse(name_of(model, "delete"), args=[quote(row.pk)]), {"post": "yes"})

        assert (changed.status_code, deleted.status_code) == (403, 403)
        assert model.objects.values().get(pk=row.pk) == before  # type: ignore[attr-defined]


TERMS = ("ord_0000000000000", "12", "a@b.example", "+44 (0)7700 900123", "'%_\\", "9" * 24, "x\x00y")


def test_every_record_can_be_searched_with_anything(db: None) -> None:
    request = RequestFactory().get("/")

    for model in RECORDS:
        admin = site._registry[model]
        assert admin.search_fields, model._meta.label
        for text in TERMS:
            rows, _ = admin.get_search_results(request, model._default_manager.all(), text)
            assert list(rows[:5]) == [], (model._meta.label, text)


def test_secrets_are_on_no_page() -> None:
    request = RequestFactory().get("/")

    for model in RECORDS:
        admin: Any = site._registry[model]
        shown = {each for each in admin.get_fields(request) if isinstance(each, str)}
        assert not shown & SECRET_FIELDS, model._meta.label


def test_customers_are_found_by_what_they_read_out(world: World, desk: SignIn) -> None:
    client = desk()
    phone = str(world.customer.phone)
    spellings = [
        "BUYER@example.com",
        phone,
        phone.replace("+", "00"),
        f"0{phone[3:]}",
        f"{phone[:3]} (0) {phone[3:6]} {phone[6:]}",
        world.customer.id,
        world.customer.id.lower(),
    ]

    for text in spellings:
        answer = client.get(reverse("admin:accounts_customer_changelist"), {"q": text})
        assert [row.pk for row in answer.context["cl"].result_list] == [world.customer.id], text
    none = client.get(reverse("admin:accounts_customer_changelist"), {"q": "nobody@example.com"})
    assert list(none.context["cl"].result_list) == []


def test_a_list_asks_as_often_for_many_rows_as_for_few_and_counts_no_large_table(
    world: World, desk: SignIn
) -> None:
    client = desk()
    for _ in range(2):
        world.shop.renew(world.shop.line(world.customer))
    client.get(reverse("admin:index"))

    for model in RECORDS:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse(name_of(model, "changelist")))

        said = [each["sql"] for each in captured]
        assert len(said) <= 10, (model._meta.label, said)
        if site._registry[model].large:  # type: ignore[attr-defined]
            table = model._meta.db_table
            assert not [each for each in said if "COUNT(*)" in each and table in each], model._meta.label


def test_a_state_filter_shows_that_state_only(world: World, desk: SignIn) -> None:
    client = desk()

    answer = client.get(reverse("admin:orders_order_changelist"), {"status": "awaiting_payment"})

    assert [row.pk for row in answer.context["cl"].result_list] == [world.unpaid.id]
    waiting = client.get(reverse("admin:core_inboxhint_changelist"), {"processed_at_set": "no"})
    assert [row.pk for row in waiting.context["cl"].result_list] == [world.hint.pk]


def test_roles_see_what_is_theirs(world: World, desk: SignIn) -> None:
    viewer, support = desk(Role.VIEWER), desk(Role.SUPPORT)

    for client in (viewer, support):
        assert client.get(reverse("admin:orders_order_changelist")).status_code == 200
        assert client.get(reverse("admin:accounts_apikey_changelist")).status_code == 403
        assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403
        key = reverse("admin:accounts_apikey_change", args=[quote(world.key.id)])
        assert client.get(key).status_code == 403
    assert desk(Role.OWNER).get(reverse("admin:accounts_apikey_changelist")).status_code == 200


def test_nobody_without_a_role_sees_anything(world: World, desk: SignIn, staff: Any) -> None:
    user = staff(Role.VIEWER)
    user.groups.clear()
    client = desk(Role.VIEWER, user)

    assert client.get(reverse("admin:index")).status_code == 200
    customer = reverse("admin:accounts_customer_change", args=[quote(world.customer.id)])
    order = reverse("admin:orders_order_change", args=[quote(world.order.id)])
    for url in (customer, order, reverse("admin:orders_order_changelist"), reverse("desk:find") + "?q=abc"):
        assert client.get(url).status_code == 403, url
    assert Customer.objects.exists()
    assert Order.objects.exists()
