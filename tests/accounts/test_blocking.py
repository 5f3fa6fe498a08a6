from collections.abc import Callable
from datetime import datetime

import pytest

from everline.accounts import services
from everline.accounts.access import customer_by_token
from everline.accounts.models import Customer
from everline.accounts.services.blocking import (
    AlreadySo,
    block_customer,
    sign_out_customer,
    unblock_customer,
)
from everline.accounts.services.guarded_keys import issue_api_key, withdraw_api_key
from everline.core import clock, ids
from everline.core.audit import ReasonMissing
from everline.core.errors import NotFound
from everline.core.models import AuditEntry
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def token_of(customer: Customer) -> str:
    opened = services.open_session(
        login=str(customer.email), password=PASSWORD, client="192.0.2.1", now=clock.now()
    )
    return opened.token


def test_signing_out_leaves_the_account_open(register: Callable[..., Customer], now: datetime) -> None:
    customer = register()
    token = token_of(customer)

    ended = sign_out_customer(customer_id=customer.id, actor="sue", reason="phone stolen", now=clock.now())

    assert ended == 1
    assert customer_by_token(token, clock.now()) is None
    assert customer_by_token(token_of(customer), clock.now()) == customer
    assert AuditEntry.objects.get().before == {"sessions": 1}


def test_a_blocked_customer_is_out_everywhere(register: Callable[..., Customer], now: datetime) -> None:
    customer = register()
    token = token_of(customer)

    block_customer(customer_id=customer.id, actor="sue", reason="fraud", now=clock.now())

    assert customer_by_token(token, clock.now()) is None
    with pytest.raises(AlreadySo):
        block_customer(customer_id=customer.id, actor="sue", reason="fraud", now=clock.now())
    unblock_customer(customer_id=customer.id, actor="sue", reason="a mistake", now=clock.now())
    customer.user.refresh_from_db()
    assert customer.user.is_active
    assert customer_by_token(token, clock.now()) is None
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        "customer.deactivated",
        "customer.reactivated",
    ]


@pytest.mark.parametrize("deed", [sign_out_customer, block_customer, unblock_customer])
def test_without_a_reason_or_a_customer_nothing_happens(
    register: Callable[..., Customer], deed: Callable[..., object]
) -> None:
    customer = register()
    token = token_of(customer)
    if deed is unblock_customer:
        customer.user.is_active = False
        customer.user.save()

    with pytest.raises(ReasonMissing):
        deed(customer_id=customer.id, actor="sue", reason="", now=clock.now())
    for key in (ids.new_id("cus"), "nonsense"):
        with pytest.raises(NotFound):
            deed(customer_id=key, actor="sue", reason="because", now=clock.now())

    customer.user.refresh_from_db()
    assert customer.user.is_active is (deed is not unblock_customer)
    assert (customer_by_token(token, clock.now()) is not None) is (deed is not unblock_customer)
    assert not AuditEntry.objects.exists()


def test_a_key_is_made_and_revoked_with_its_reason(brand: object) -> None:
    made = issue_api_key(
        name="feed", scopes=["lines:read"], brand_id="leb", actor="boss", reason="usage feed", now=clock.now()
    )
    key = withdraw_api_key(key_id=made.key.id, actor="boss", reason="feed is gone", now=clock.now())

    assert key.revoked_at is not None
    first, second = AuditEntry.objects.order_by("id")
    assert (first.action, second.action) == ("api_key.created", "api_key.revoked")
    assert made.secret not in str(first.after)
    with pytest.raises(NotFound):
        issue_api_key(
            name="x", scopes=["lines"], brand_id="nobrand", actor="boss", reason="why not", now=clock.now()
        )
