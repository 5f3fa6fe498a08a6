"""The supplier's API, `/supplier/v1`: what the shop's adapter speaks."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from everline.core import clock
from everline.sandbox import faults
from everline.sandbox.faults import At
from everline.sandbox.models import SupplierOrder
from everline.sandbox.supplier import network, orders
from everline.sandbox.wire import api, read_json


@api("POST")
def order_profile(request: HttpRequest) -> HttpResponse:
    """`{reference, plan_code}` → a released profile."""
    body = read_json(request)
    reference, plan_code = body.text("reference", most=128), body.text("plan_code", most=64)
    return _exposed(
        At.PROFILE,
        reference,
        lambda: orders.order_profile(
            reference=reference, plan_code=plan_code, fingerprint=body.fingerprint(), now=clock.now()
        ),
    )


@api("POST")
def top_up(request: HttpRequest) -> HttpResponse:
    """`{reference, iccid, plan_code, quantity}` → done."""
    body = read_json(request)
    reference, plan_code = body.text("reference", most=128), body.text("plan_code", most=64)
    iccid = network.read_iccid(body)
    quantity = body.integer("quantity", low=1, high=10_000, default=1)
    return _exposed(
        At.TOPUP,
        reference,
        lambda: orders.top_up(
            reference=reference,
            iccid=iccid,
            plan_code=plan_code,
            quantity=quantity,
            fingerprint=body.fingerprint(),
            now=clock.now(),
        ),
    )


@api("POST")
def revoke(request: HttpRequest) -> HttpResponse:
    """`{reference, revokes}` → done."""
    body = read_json(request)
    order = orders.revoke(
        reference=body.text("reference", most=128),
        revokes=body.text("revokes", most=128),
        fingerprint=body.fingerprint(),
        now=clock.now(),
    )
    return JsonResponse(orders.show(order))


@api("GET")
def order_view(_: HttpRequest, reference: str) -> HttpResponse:
    """One order, as it is."""
    return JsonResponse(orders.show(orders.find_order(reference)))


@api("GET")
def event_view(_: HttpRequest, event_id: str) -> HttpResponse:
    """What a webhook told of."""
    return JsonResponse(network.show(network.find_event(event_id)))


def _exposed(at: At, reference: str, work: Callable[[], SupplierOrder]) -> HttpResponse:
    return faults.exposed(at, lambda _: JsonResponse(orders.show(work())), scope=orders.SCOPE, key=reference)
