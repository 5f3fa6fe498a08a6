"""Starting and ending payments of an order: the intent is committed, then the provider is called."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet, Subquery
from django.db.models.functions import Coalesce

from everline.accounts.models import Customer
from everline.catalog import selectors as catalog
from everline.core import idempotency, ids, links
from everline.core.errors import DomainError, NotFound
from everline.core.money import Money
from everline.core.transactions import retrying
from everline.orders.errors import (
    OrderNotPayable,
    PaymentUndecided,
    PriceChanged,
    ReturnUrlRefused,
    TooManyFailedAttempts,
    TooManyOrders,
)
from everline.orders.models import Order
from everline.orders.services.quoting import check_order
from everline.orders.services.settlement import apply_truths
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.states import OrderStatus
from everline.orders.timeline import Step
from everline.orders.types import Outcome
from everline.payments.access import get_attempt_for_payable
from everline.payments.models import Attempt
from everline.payments.services import attempts as payments
from everline.payments.states import OPEN, AttemptStatus

_CREATED = 201
_HOUR = timedelta(hours=1)
MAX_URL = 2000


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a customer asks for: a method, where to come back to, and a new total accepted beforehand."""

    order_id: str
    method: str
    return_url: str
    accept_total: Money | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same request."""
        accepted = self.accept_total and [self.accept_total.amount, self.accept_total.currency]
        body = {"order": self.order_id, "method": self.method, "back": self.return_url, "accept": accepted}
        return idempotency.fingerprint("orders.pay", body)


def start_payment(
    *,
    customer: Customer,
    request: PaymentRequest,
    key: str | None,
    now: datetime,
    return_origins: frozenset[str] = frozenset(),
) -> Outcome:
    """Open an attempt for an order and start it at its provider; the outcome's object is the attempt.

    A repeat of the key finds the attempt as it is once the provider has answered. Before that it continues
    the same attempt: at once where its outcome is unknown, after a crash when the key's lease has run out.
    `return_origins` are the origins allowed beside the brand's.

    Raises:
        KeyRequired, KeyReused, InProgress: of the idempotency key.
        NotFound: no such order for this customer.
        OrderNotPayable, PriceChanged, ReturnUrlRefused, TooManyFailedAttempts, TooManyOrders: nothing began.
        AttemptOpen, MethodUnavailable: of the payments room; nothing began.
        ProviderUnavailable: nothing was sent; the same key tries again.
    """
    check_return_url(request.return_url, customer.brand.return_origins | return_origins)
    try:
        held, attempt = _begin(customer=customer, request=request, key=key, now=now)
    except idempotency.InProgress as busy:
        if not _was_answered(request.order_id, busy.object_id):
            raise
        return Outcome(busy.object_id, _CREATED, replayed=True)
    if attempt.status not in payments.STARTABLE:
        return Outcome(attempt.id, _CREATED, replayed=True)
    known = attempt.status
    try:
        payments.start_known_attempt(attempt=attempt, now=now)
    except DomainError:
        idempotency.release(held, now)
        raise
    if attempt.status == AttemptStatus.UNKNOWN:
        if known != AttemptStatus.UNKNOWN:
            write_timeline([Note(request.order_id, Step.PAYMENT_CHECKING)], now=now)
        idempotency.release(held, now)
    return Outcome(attempt.id, _CREATED, replayed=False)


def cancel_attempt(*, customer: Customer, order_id: str, attempt_id: str, now: datetime) -> Attempt:
    """End an open payment: the provider is asked first, and its answer counts, whatever it is.

    Raises:
        NotFound: no such attempt of this customer's order.
        PaymentUndecided: the provider does not answer; the attempt stays open.
    """
    ids.require("ord", order_id)
    if not Order.objects.filter(pk=order_id, customer_id=customer.id).exists():
        raise NotFound
    attempt = get_attempt_for_payable(payable=order_id, attempt_id=attempt_id)
    if attempt.status in OPEN:
        try:
            truth = payments.cancel_at_provider(attempt_id=attempt.id)
        except DomainError as error:
            raise PaymentUndecided from error
        apply_truths({attempt.id: truth}, now=now)
        attempt.refresh_from_db()
    return attempt


def check_return_url(url: str, allowed: frozenset[str]) -> None:
    """Accept only pages under our own origin or an allowed one.

    Raises:
        ReturnUrlRefused: another origin, another scheme, or not a URL.
    """
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        raise ReturnUrlRefused from None
    plain = url.isascii() and url.isprintable() and "\\" not in url and " " not in url and len(url) <= MAX_URL
    if not plain or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        raise ReturnUrlRefused
    if origin.lower() not in {each.lower().rstrip("/") for each in (*allowed, links.own_origin())}:
        raise ReturnUrlRefused


@retrying
@transaction.atomic
def _begin(
    *, customer: Customer, request: PaymentRequest, key: str | None, now: datetime
) -> tuple[idempotency.Claim, Attempt]:
    """The first transaction: key, order and intent; with a known key nothing but the attempt it made."""
    attempt_id = ids.new_id("att")
    held = idempotency.claim(
        owner=customer.id, key=key, fingerprint=request.fingerprint, now=now, object_id=attempt_id
    )
    if held.object_id != attempt_id:
        return held, get_attempt_for_payable(payable=request.order_id, attempt_id=held.object_id)
    order = _lock_payable_order(customer, request.order_id, now)
    notes = [Note(order.id, Step.PAYMENT_STARTED, {"method": request.method})]
    if _settle_price(order, request.accept_total, now):
        notes.insert(0, Note(order.id, Step.PRICE_ACCEPTED, {"amount": order.total_minor}))
    check_order(order, now)
    attempt = payments.create_attempt(
        attempt_id=attempt_id,
        payable=order.id,
        method=request.method,
        amount=order.total,
        return_url=request.return_url,
        cancel_url=request.return_url,
        locale=customer.locale,
        description=order.number,
        expires_at=order.expires_at,
        now=now,
    )
    write_timeline(notes, now=now)
    return held, attempt


def _was_answered(order_id: str, attempt_id: str) -> bool:
    """Whether the provider has answered; what the other request still does then is no matter."""
    attempt = get_attempt_for_payable(payable=order_id, attempt_id=attempt_id)
    return attempt.status not in payments.STARTABLE


def _lock_payable_order(customer: Customer, order_id: str, now: datetime) -> Order:
    """The order under its lock, known to take money now, within this hour's limits; one statement."""
    ids.require("ord", order_id)
    recent = Order.objects.filter(customer_id=customer.id, paid_at__gt=now - _HOUR).order_by()
    failed = Attempt.objects.filter(payable=order_id, status=AttemptStatus.FAILED, created_at__gt=now - _HOUR)
    order = (
        Order.objects.select_for_update(of=("self",))
        .select_related("plan_version", "line", "customer")
        .annotate(
            paid_lately=_count(recent, "customer_id"),
            failed_lately=_count(failed.order_by(), "payable"),
        )
        .filter(pk=order_id, customer_id=customer.id)
        .first()
    )
    if order is None:
        raise NotFound
    if order.status != OrderStatus.AWAITING_PAYMENT or now >= order.expires_at:
        raise OrderNotPayable(status=order.status)
    if order.failed_lately >= settings.EVERLINE_FAILED_ATTEMPTS_PER_HOUR:
        raise TooManyFailedAttempts(retry_after=int(_HOUR.total_seconds()))
    if order.paid_lately >= settings.EVERLINE_PAID_ORDERS_PER_HOUR:
        raise TooManyOrders(retry_after=int(_HOUR.total_seconds()))
    return order


def _count(rows: QuerySet[Order] | QuerySet[Attempt], by: str) -> Coalesce:
    return Coalesce(Subquery(rows.values(by).annotate(n=Count("pk")).values("n")[:1]), 0)


def _settle_price(order: Order, accepted: Money | None, now: datetime) -> bool:
    """After the quote's time the price of today counts, with the customer's consent; True when it changed.

    Raises:
        PriceChanged: the total is another now and was not accepted.
        PlanWithdrawn: the plan is no longer sold.
    """
    if now < order.priced_until:
        return False
    version = catalog.current_version(order.plan_version.plan_id, now)
    price = catalog.price_for(version, order.currency, order.quantity)
    if price.total == order.total:
        return False
    if accepted != price.total:
        raise PriceChanged(total={"amount": price.total.amount, "currency": price.total.currency})
    order.plan_version = version
    order.total_minor = price.total.amount
    order.tax_minor = price.tax.amount
    order.save(update_fields=["plan_version", "total_minor", "tax_minor"])
    return True
