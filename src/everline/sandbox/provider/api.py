"""The payment provider's API, `/provider/v1`: what the shop's adapter speaks."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from everline.core import clock
from everline.core.ids import is_id
from everline.core.money import CURRENCIES
from everline.sandbox import faults
from everline.sandbox.faults import At, Fault
from everline.sandbox.models import Payment, PaymentStatus, Refund
from everline.sandbox.provider import failures, payments, refunds
from everline.sandbox.provider.payments import Wanted
from everline.sandbox.wire import Body, api, bad, idempotency_key, parse_moment, read_json, stamp

METHODS = frozenset({"card", "paypal", "apple_pay", "google_pay", "alipay", "wechat_pay"})
#: Stripe's largest amount: eight digits of minor units; ours is wider so that every currency fits.
MAX_AMOUNT = 10**12
PAGE = 100


def show(payment: Payment, request: HttpRequest) -> dict[str, Any]:
    """A payment on the wire; amounts in minor units."""
    is_open = payment.status == PaymentStatus.REQUIRES_ACTION
    page = request.build_absolute_uri(reverse("sandbox-pay", args=[payment.pk])) if is_open else None
    return {
        "id": payment.pk,
        "reference": payment.reference,
        "order": payment.order,
        "status": payment.status,
        "method": payment.method,
        "amount": payment.amount,
        "currency": payment.currency,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "redirect_url": page,
        "failure": failures.describe(payment.failure_code) if payment.failure_code else None,
        "expires_at": stamp(payment.expires_at),
        "created_at": stamp(payment.created_at),
        "updated_at": stamp(payment.updated_at),
        "version": payment.version,
    }


def payments_view(request: HttpRequest) -> HttpResponse:
    """`POST` starts, `GET` lists."""
    return start(request) if request.method == "POST" else listing(request)


@api("POST")
def start(request: HttpRequest) -> HttpResponse:
    """Start a hosted payment; the key is the shop's attempt."""
    key = idempotency_key(request)
    body = read_json(request)
    wanted = _wanted(body)

    def work(fired: faults.Fired | None) -> HttpResponse:
        payment = payments.start_payment(
            wanted=wanted,
            key=key,
            fingerprint=body.fingerprint(),
            decline=fired is not None and fired.fault is Fault.DECLINE,
            now=clock.now(),
        )
        return JsonResponse(show(payment, request))

    return faults.exposed(At.CHARGE, work, scope=payments.SCOPE, key=key)


def _wanted(body: Body) -> Wanted:
    return_url = body.url("return_url")
    return Wanted(
        reference=body.text("reference", most=64),
        order=body.text("order", most=64),
        method=body.choice("method", METHODS),
        amount=body.integer("amount", low=1, high=MAX_AMOUNT),
        currency=body.choice("currency", CURRENCIES),
        return_url=return_url,
        cancel_url=body.url("cancel_url", default=return_url),
        locale=body.text("locale", most=20, default="en"),
        description=body.text("description", most=500, default=""),
        expires_at=body.moment("expires_at"),
    )


@api("GET")
def listing(request: HttpRequest) -> HttpResponse:
    """`reference=` finds; otherwise all changes in `[updated_from, updated_to)`, oldest change first."""
    return _fetch(lambda: _list_payments(request))


def _list_payments(request: HttpRequest) -> dict[str, Any]:
    rows = Payment.objects.order_by("updated_at", "id")
    if reference := request.GET.get("reference", ""):
        rows = rows.filter(reference=_plain("reference", reference))
    if since := request.GET.get("updated_from"):
        rows = rows.filter(updated_at__gte=parse_moment("updated_from", since))
    if until := request.GET.get("updated_to"):
        rows = rows.filter(updated_at__lt=parse_moment("updated_to", until))
    if cursor := request.GET.get("cursor"):
        when, _, last = cursor.partition("~")
        if not is_id("pay", last):
            raise bad("cursor", "must be one that a list answered")
        moment = parse_moment("cursor", when)
        rows = rows.filter(Q(updated_at__gt=moment) | Q(updated_at=moment, id__gt=last))
    page = list(rows[: PAGE + 1])
    more = page[PAGE - 1] if len(page) > PAGE else None
    return {
        "data": [show(payment, request) for payment in page[:PAGE]],
        "next_cursor": f"{stamp(more.updated_at)}~{more.pk}" if more else None,
    }


@api("GET")
def payment_view(request: HttpRequest, payment_id: str) -> HttpResponse:
    """One payment, as it is."""
    return _fetch(lambda: show(payments.find_payment(payment_id), request))


@api("POST")
def cancel(request: HttpRequest, payment_id: str) -> HttpResponse:
    """Cancel while it is open; a payment that ended meanwhile is answered as it ended."""
    idempotency_key(request)
    return JsonResponse(show(payments.cancel_payment(payment_id, clock.now()), request))


@api("POST")
def refund(request: HttpRequest, payment_id: str) -> HttpResponse:
    """Give money back; the key is the shop's refund."""
    key = idempotency_key(request)
    body = read_json(request)
    reference = body.text("reference", most=64)
    amount = body.integer("amount", low=1, high=MAX_AMOUNT)
    reason = body.text("reason", most=500, default="")

    def work(_: faults.Fired | None) -> HttpResponse:
        made = refunds.create_refund(
            payment_id=payment_id,
            reference=reference,
            amount=amount,
            reason=reason,
            key=key,
            fingerprint=body.fingerprint(),
            now=clock.now(),
        )
        return JsonResponse(refunds.show(made))

    return faults.exposed(At.REFUND, work, scope=refunds.SCOPE, key=key)


@api("GET")
def refund_listing(request: HttpRequest) -> HttpResponse:
    """The refunds of a reference."""
    reference = request.GET.get("reference", "")
    if not reference:
        raise bad("reference", "is required")
    rows = Refund.objects.select_related("payment").filter(reference=_plain("reference", reference))
    return _fetch(lambda: {"data": [refunds.show(row) for row in rows.order_by("created_at", "id")[:PAGE]]})


@api("GET")
def refund_view(_: HttpRequest, refund_id: str) -> HttpResponse:
    """One refund, as it is."""
    return _fetch(lambda: refunds.show(refunds.find_refund(refund_id)))


def _fetch(read: Callable[[], dict[str, Any]]) -> HttpResponse:
    return faults.exposed(At.FETCH, lambda _: JsonResponse(read()))


def _plain(name: str, value: str) -> str:
    if "\x00" in value:
        raise bad(name, "must be plain text")
    return value
