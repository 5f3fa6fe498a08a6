from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from everline.accounts import services
from everline.accounts.access import operator_by_key
from everline.accounts.errors import OriginInvalid, ScopeMissing, ScopeUnknown
from everline.accounts.models import ApiKey, Brand
from everline.accounts.scopes import RESOURCES, checked, covers
from everline.accounts.selectors import api_keys
from everline.accounts.types import NewApiKey
from everline.core.errors import NotFound
from everline.core.ids import is_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(brand: Brand, now: datetime) -> NewApiKey:
    return services.create_api_key(name="till", scopes=["usage-records:write"], brand=brand, now=now)


def test_a_key_is_shown_once_and_stored_as_a_hash(till: NewApiKey) -> None:
    row = ApiKey.objects.get()

    assert till.secret.startswith("ek_")
    assert is_id("apk", till.key.id)
    assert row.prefix == till.secret[:10]
    assert till.secret not in {str(value) for value in ApiKey.objects.values().get().values()}


def test_a_key_opens_what_its_scope_says(
    till: NewApiKey, now: datetime, django_assert_num_queries: Callable[..., object]
) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        key = operator_by_key(till.secret, "usage-records:write", now)
        prefix = key and key.brand.order_prefix

    assert key == till.key
    assert prefix == "LEB"


def test_a_key_without_the_scope_is_told_which_one_it_needs(till: NewApiKey, now: datetime) -> None:
    with pytest.raises(ScopeMissing) as refused:
        operator_by_key(till.secret, "refunds:write", now)

    assert (refused.value.code, refused.value.kind) == ("scope_missing", "forbidden")
    assert "refunds:write" in refused.value.detail


@pytest.mark.parametrize("key", ["", "ek_", "ek_no-such-key", "\x00\ud800"])
def test_an_unknown_key_is_nobodys(till: NewApiKey, now: datetime, key: str) -> None:
    assert operator_by_key(key, "usage-records:write", now) is None


def test_a_revoked_key_is_worthless_from_then_on(till: NewApiKey, now: datetime) -> None:
    later = now + timedelta(hours=1)

    services.revoke_api_key(key_id=till.key.id, now=later)
    again = services.revoke_api_key(key_id=till.key.id, now=later + timedelta(hours=1))

    assert operator_by_key(till.secret, "usage-records:write", later) is None
    assert again.revoked_at == later
    assert [key.id for key in api_keys()] == [till.key.id]


@pytest.mark.parametrize("key_id", ["", "apk_", "apk_0000000000000", "cus_0000000000000", "1"])
def test_revoking_what_does_not_exist_is_not_found(till: NewApiKey, now: datetime, key_id: str) -> None:
    with pytest.raises(NotFound):
        services.revoke_api_key(key_id=key_id, now=now)

    assert ApiKey.objects.get().revoked_at is None


@pytest.mark.parametrize("scope", ["", "everything", "usage_records", "lines:delete", "lines:", ":read", "*"])
def test_a_scope_that_does_not_exist_makes_no_key(brand: Brand, now: datetime, scope: str) -> None:
    with pytest.raises(ScopeUnknown) as refused:
        services.create_api_key(name="till", scopes=["lines:read", scope], brand=brand, now=now)

    assert "usage-records" in refused.value.detail
    assert not ApiKey.objects.exists()


def test_origins_are_kept_as_scheme_host_and_port(brand: Brand, now: datetime) -> None:
    made = services.create_api_key(
        name="shop",
        scopes=[],
        brand=brand,
        allowed_return_origins=["https://Shop.example", "http://localhost:3000"],
        now=now,
    )

    assert made.key.allowed_return_origins == ["https://shop.example", "http://localhost:3000"]


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "shop.example",
        "https://",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://user@shop.example",
        "https://shop.example:99999",
        "https://[::1",
        "javascript:alert(1)",
        "ftp://shop.example",
    ],
)
def test_what_is_no_origin_makes_no_key(brand: Brand, now: datetime, origin: str) -> None:
    with pytest.raises(OriginInvalid):
        services.create_api_key(
            name="shop", scopes=["lines"], brand=brand, allowed_return_origins=[origin], now=now
        )

    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("granted", "asked", "allowed"),
    [
        ({"lines"}, "lines:read", True),
        ({"lines"}, "lines:write", True),
        ({"lines"}, "lines", True),
        ({"lines:write"}, "lines:read", True),
        ({"lines:write"}, "lines", True),
        ({"lines:read"}, "lines:read", True),
        ({"lines:read"}, "lines:write", False),
        ({"lines:read"}, "lines", False),
        ({"plans"}, "lines:read", False),
        (set(), "lines:read", False),
    ],
)
def test_what_a_scope_covers(granted: set[str], asked: str, *, allowed: bool) -> None:
    assert covers(granted, asked) is allowed


def test_scopes_are_kept_sorted_and_once() -> None:
    assert checked(["plans:read", "lines", "lines"]) == ["lines", "plans:read"]
    assert checked(RESOURCES) == sorted(RESOURCES)
