"""One row of every kind of record, with markup in every text that somebody else may have written."""

from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.db import transaction

from everline.accounts.models import (
    AccessToken,
    ApiKey,
    Customer,
    OneTimeCode,
    SignInLink,
    WebSession,
)
from everline.catalog.specs import BenefitSpec
from everline.catalog.types import Text
from everline.core import audit, clock
from everline.core.models import IdempotencyRecord, InboxHint, OutboxEvent, RateWindow, Schedule
from everline.core.money import Money
from everline.lines.models import Line
from everline.notifications.models import Delivery, Message
from everline.orders.models import Case, Order
from everline.payments import services as payments
from everline.payments.models import Attempt, Refund
from everline.payments.types import RefundItem
from everline.support.models import CustomerNote
from everline.usage.models import Allocation, Bucket, Period, Reschedule, UsageRecord
from tests.orders.shop import Shop

EVIL = "<script>alert('x')</script>"


@dataclass
class World:
    """What tests name of it."""

    shop: Shop
    customer: Customer
    line: Line
    order: Order
    unpaid: Order
    attempt: Attempt
    refund: Refund
    case: Case
    hint: InboxHint
    lost: Message
    key: ApiKey


def build(shop: Shop) -> World:
    """Buy, renew, fail, refund; then write directly what no purchase writes."""
    now = clock.now()
    customer = shop.customer(email="buyer@example.com")
    line = shop.line(customer, eid="89049032000001000000000000000000")
    Line.objects.filter(pk=line.pk).update(label=EVIL, msisdn="+447700900123", matching_id=EVIL)
    version = shop.plan(name=Text(EVIL, EVIL), benefits=(BenefitSpec("wifi_hotspots", Text(EVIL, EVIL)),))
    order = shop.renew(line, version)
    wrong = shop.order(shop.line(customer))
    shop.pay(wrong, Money(5, "USD"))
    shop.settle()
    case = Case.objects.get(order=wrong)
    Case.objects.update(detail=EVIL)
    unpaid = shop.order(shop.line(customer))
    attempt = Attempt.objects.get(payable=order.id)
    with transaction.atomic():
        [refund] = payments.request_refunds(
            items=[RefundItem(attempt.id, Money(100, "USD"))], reason=EVIL, now=now
        )
    key = _people(customer)
    hint = _queues(attempt)
    _usage(line, order)
    return World(
        shop, customer, line, order, unpaid, attempt, refund, case, hint, _messages(order, customer), key
    )


def _people(customer: Customer) -> ApiKey:
    now = clock.now()
    later = now + timedelta(days=1)
    user = customer.user
    AccessToken.objects.create(
        token_hash="1" * 64,
        customer=customer,
        client=EVIL,
        created_at=now,
        expires_at=later,
        last_used_at=now,
    )
    WebSession.objects.create(
        user=user,
        session_key="k" * 32,
        device=EVIL,
        device_hash="2" * 64,
        address="192.0.2.7",
        country="DE",
        method="password",
        created_at=now,
        last_seen_at=now,
        expires_at=later,
    )
    OneTimeCode.objects.create(
        purpose="sign_in", kind="email", address=str(user.email), user=user, created_at=now, expires_at=later
    )
    SignInLink.objects.create(
        token_hash="3" * 64, customer=customer, email=str(user.email), created_at=now, expires_at=later
    )
    EmailAddress.objects.create(user=user, email=str(user.email), verified=True, primary=True)
    Authenticator.objects.create(user=user, type="webauthn", data={"name": EVIL, "credential": {}})
    Group.objects.get_or_create(name="viewer")
    CustomerNote.objects.create(customer=customer, author="support@example.com", text=EVIL, at=now)
    return ApiKey.objects.create(
        name=EVIL,
        brand=customer.brand,
        prefix="ek_12345",
        key_hash="4" * 64,
        scopes=["lines"],
        created_at=now,
    )


def _queues(attempt: Attempt) -> InboxHint:
    now = clock.now()
    OutboxEvent.objects.create(type="test.Happened", payload={"text": EVIL}, created_at=now, next_try_at=now)
    OutboxEvent.objects.update(dispatched_at=now, error=EVIL)
    Schedule.objects.get_or_create(name="orders.settle", defaults={"last_run_at": now})
    RateWindow.objects.get_or_create(key="test", defaults={"window_start": now, "count": 1})
    IdempotencyRecord.objects.create(
        owner="cus_test", key=EVIL, fingerprint="f", lease_until=now, created_at=now
    )
    with transaction.atomic():
        audit.record(
            actor="support@example.com",
            action="order.cancelled",
            object_kind="order",
            object_id=attempt.payable,
            reason=EVIL,
            after={"text": EVIL},
            now=now,
        )
    return InboxHint.objects.create(
        source="payments:fake",
        event_id="evt_evil",
        kind="payment.changed",
        reference=attempt.id,
        body=EVIL.encode() + b"\xff",
        received_at=now,
        next_try_at=now,
        error=EVIL,
    )


def _usage(line: Line, order: Order) -> None:
    now = clock.now()
    period = Period.objects.get(order=order.id)
    bucket = Bucket.objects.filter(period=period).first()
    assert bucket is not None
    record = UsageRecord.objects.create(
        line=line, source="test", external_id=EVIL, service="data", quantity=5, at=now, received_at=now
    )
    Allocation.objects.create(line=line, record=record, period=period, bucket=bucket, quantity=5)
    Bucket.objects.filter(pk=bucket.pk).update(used=5)
    Reschedule.objects.create(line=line, period=period, reason="first_use", at=now)


def _messages(order: Order, customer: Customer) -> Message:
    now = clock.now()
    lost = Message.objects.create(
        kind="order_expired",
        channel="email",
        to=str(customer.email),
        locale="en",
        brand={},
        context={"plan_name": EVIL},
        dedupe_key="order_expired:lost",
        reference=order.id,
        created_at=now,
    )
    Delivery.objects.create(
        message=lost,
        status="given_up",
        queued_at=now,
        next_try_at=now,
        decided_at=now,
        last_error=EVIL,
        ended_at=now,
        tries=5,
    )
    return lost
