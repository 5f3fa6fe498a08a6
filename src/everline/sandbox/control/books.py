"""The outside world's own truth for tests: charges, webhooks, messages, supplier orders, disputes."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from everline.core import clock
from everline.core.ids import is_id
from everline.sandbox import faults, webhooks
from everline.sandbox.control.guard import control
from everline.sandbox.db import atomic
from everline.sandbox.gateway import api as gateway
from everline.sandbox.models import (
    Dispute,
    Message,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    SupplierEvent,
    SupplierOrder,
    Webhook,
)
from everline.sandbox.provider import disputes, payments, refunds
from everline.sandbox.supplier import network, orders
from everline.sandbox.wire import Body, bad, missing, read_json, stamp

DISPUTE_REASONS = frozenset(
    {"fraudulent", "product_not_received", "inquiry", "early_fraud_warning", "duplicate", "unrecognized"}
)


@control("GET", "POST", "DELETE")
def faults_view(request: HttpRequest) -> HttpResponse:
    """`POST` puts a plan in the place of the one in force, `DELETE` ends it, `GET` shows what is left."""
    if request.method == "POST":
        return JsonResponse(faults.replace_plan(request))
    if request.method == "DELETE":
        faults.clear_plan()
    return JsonResponse(faults.show_plan())


@control("GET")
def messages_view(request: HttpRequest) -> HttpResponse:
    """Accepted messages, newest first; `to` narrows to one recipient, `channel` and `kind` likewise."""
    rows = Message.objects.order_by("-id")
    for name, column in (("to", "recipient__iexact"), ("channel", "channel"), ("kind", "kind")):
        if value := _query(request, name):
            rows = rows.filter(**{column: value})
    return JsonResponse({"data": [gateway.show(row) for row in rows]})


@control("GET")
def charges_view(request: HttpRequest) -> HttpResponse:
    """The provider's payments, oldest first; `order` narrows to one order."""
    rows = Payment.objects.order_by("id")
    if order := _query(request, "order"):
        rows = rows.filter(order=order)
    return JsonResponse({"data": [_charge(row) for row in rows]})


def _charge(payment: Payment) -> dict[str, Any]:
    failed = payment.status == PaymentStatus.FAILED
    return {
        "id": payment.pk,
        "order": payment.order,
        "attempt": payment.reference,
        "status": payment.status,
        "currency": payment.currency,
        "amount": 0 if failed else payment.amount,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "failure_code": payment.failure_code or None,
        "at": stamp(payment.created_at),
    }


@control("GET")
def webhooks_view(_: HttpRequest) -> HttpResponse:
    """Every delivery, newest first."""
    return JsonResponse({"data": [webhooks.show(row) for row in Webhook.objects.order_by("-id")]})


@control("POST")
def redeliver_view(_: HttpRequest, ident: str) -> HttpResponse:
    """Send an event once more; the id is a delivery's or its event's."""
    return JsonResponse(webhooks.show(webhooks.redeliver(ident, clock.now())), status=201)


@control("GET", "POST")
def disputes_view(request: HttpRequest) -> HttpResponse:
    """`GET` lists; `POST` opens or closes.

    `{"charge"|"attempt"|"order", reason?, amount?}` opens, `{"id", "status": "won"|"lost"}` closes.
    """
    if request.method == "GET":
        rows = Dispute.objects.select_related("payment").order_by("id")
        return JsonResponse({"data": [disputes.show(row) for row in rows]})
    body, now = read_json(request), clock.now()
    if "id" in body.data:
        outcome = body.choice("status", disputes.CLOSED)
        return JsonResponse(disputes.show(disputes.close_dispute(body.text("id"), outcome=outcome, now=now)))
    reason = body.choice("reason", DISPUTE_REASONS, default="fraudulent")
    with atomic():
        payment = payments.lock_payment(_disputed(body).pk, now)
        amount = body.integer("amount", low=1, default=payment.captured)
        made = disputes.open_dispute(payment, reason=reason, amount=amount, now=now)
    return JsonResponse(disputes.show(made), status=201)


def _disputed(body: Body) -> Payment:
    rows = Payment.objects.order_by("-captured", "-id")
    for name, column in (("charge", "pk"), ("payment", "pk"), ("attempt", "reference"), ("order", "order")):
        if name in body.data:
            value = body.text(name, most=64)
            if column == "pk" and not is_id("pay", value):
                raise missing("charge")
            payment = rows.filter(**{column: value}).first()
            if payment is None:
                raise missing("charge")
            return payment
    raise bad("charge", "is required (or attempt, or order)")


@control("POST")
def refund_result_view(request: HttpRequest, ident: str) -> HttpResponse:
    """`{"status": "succeeded"|"failed"}` settles a refund, named by its id or the shop's reference."""
    outcome = RefundStatus(read_json(request).choice("status", frozenset({"succeeded", "failed"})))
    return JsonResponse(refunds.show(refunds.settle_refund(_refund_id(ident), outcome, clock.now())))


def _refund_id(ident: str) -> str:
    if is_id("rfd", ident):
        return ident
    found = Refund.objects.filter(reference=ident).order_by("-id").first()
    if found is None:
        raise missing("refund")
    return found.pk


@control("POST")
def usage_view(request: HttpRequest) -> HttpResponse:
    """Let the network report usage of an ICCID: `{iccid, records: […]}` or one record's members beside it."""
    return _reported(network.report_usage(read_json(request)))


@control("POST")
def profile_view(request: HttpRequest) -> HttpResponse:
    """Let a device report what happened to a profile: `{iccid, profile_state, eid?}`."""
    return _reported(network.change_profile(read_json(request)))


def _reported(event: SupplierEvent) -> HttpResponse:
    return JsonResponse(network.show(event), status=201)


@control("GET")
def orders_view(request: HttpRequest) -> HttpResponse:
    """The supplier's orders, oldest first; `reference` and `iccid` narrow."""
    rows = SupplierOrder.objects.order_by("created_at", "supplier_ref")
    for name in ("reference", "iccid"):
        if value := _query(request, name):
            rows = rows.filter(**{name: value})
    return JsonResponse({"data": [_order(row) for row in rows]})


def _order(order: SupplierOrder) -> dict[str, Any]:
    more = {"plan_code": order.plan_code, "quantity": order.quantity, "revokes": order.revokes or None}
    return orders.show(order) | more | {"revoked": order.revoked}


def _query(request: HttpRequest, name: str) -> str:
    value = request.GET.get(name, "")
    if "\x00" in value:
        raise bad(name, "must be plain text")
    return value
