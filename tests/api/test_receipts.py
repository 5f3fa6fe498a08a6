"""`GET /orders/{id}/receipt`: a PDF for its owner, once there is something to put on it."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings

from everline.accounts.models import Customer
from everline.core import clock
from everline.orders.models import Order
from everline.orders.services import receipts, settlement
from everline.payments.models import Attempt
from tests.api.test_orders import placed
from tests.api.world import Api, World, refusal
from tests.payments.fakes import FakeProvider


@pytest.fixture
def unpaid(world: World, signed_in: tuple[Api, Customer], provider: FakeProvider) -> dict[str, Any]:
    api, customer = signed_in
    return placed(world, api, line=world.line(customer).id)


@pytest.fixture
def paid(unpaid: dict[str, Any], signed_in: tuple[Api, Customer], provider: FakeProvider) -> dict[str, Any]:
    """An order whose payment was captured; nothing is delivered yet."""
    api, _ = signed_in
    body = {"method": "card", "return_url": f"{django_settings.EVERLINE_PUBLIC_URL}/back"}
    started = api.post(f"/orders/{unpaid['id']}/attempts", body, key="pay")
    assert started.status_code == 201, started.content
    attempt = Attempt.objects.get(pk=started.json()["id"])
    provider.capture(str(attempt.psp_ref))
    settlement.close_open_attempt(order_id=unpaid["id"], now=clock.now())
    order: dict[str, Any] = api.get(f"/orders/{unpaid['id']}").json()
    return order


def test_a_paid_order_names_its_receipt_by_a_whole_address(
    paid: dict[str, Any], signed_in: tuple[Api, Customer]
) -> None:
    api, _ = signed_in

    [listed] = api.get("/orders").json()["data"]

    assert paid["receipt_url"] == f"{django_settings.EVERLINE_PUBLIC_URL}/api/v1/orders/{paid['id']}/receipt"
    assert listed["receipt_url"] == paid["receipt_url"]


def test_the_address_is_that_of_the_customers_brand(
    paid: dict[str, Any], signed_in: tuple[Api, Customer]
) -> None:
    api, customer = signed_in
    customer.brand.domains = ["nomad.example"]
    customer.brand.save()

    one = api.get(f"/orders/{paid['id']}").json()
    [listed] = api.get("/orders").json()["data"]

    assert urlsplit(one["receipt_url"]).hostname == "nomad.example"
    assert urlsplit(one["receipt_url"]).path == f"/api/v1/orders/{paid['id']}/receipt"
    assert listed["receipt_url"] == one["receipt_url"]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_receipt_is_a_file_to_keep(
    paid: dict[str, Any], signed_in: tuple[Api, Customer], language: str
) -> None:
    api, _ = signed_in

    answer = api.get(f"/orders/{paid['id']}/receipt", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="receipt-{paid["number"]}.pdf"'
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Request-Id"]
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")


def test_before_the_payment_there_is_none(unpaid: dict[str, Any], signed_in: tuple[Api, Customer]) -> None:
    api, _ = signed_in

    answer = api.get(f"/orders/{unpaid['id']}/receipt")

    assert refusal(answer) == (409, "receipt_not_ready")
    assert unpaid["receipt_url"] is None


def test_a_declined_payment_makes_none(
    unpaid: dict[str, Any], signed_in: tuple[Api, Customer], provider: FakeProvider
) -> None:
    api, _ = signed_in
    body = {"method": "card", "return_url": f"{django_settings.EVERLINE_PUBLIC_URL}/back"}
    api.post(f"/orders/{unpaid['id']}/attempts", body, key="pay")
    provider.end("pay_1", "generic_decline")
    settlement.close_open_attempt(order_id=unpaid["id"], now=clock.now())

    assert refusal(api.get(f"/orders/{unpaid['id']}/receipt")) == (409, "receipt_not_ready")
    assert api.get(f"/orders/{unpaid['id']}").json()["receipt_url"] is None


def test_it_stays_when_the_money_went_back(paid: dict[str, Any], signed_in: tuple[Api, Customer]) -> None:
    api, _ = signed_in
    Attempt.objects.filter(payable=paid["id"]).update(status="refunded")
    Order.objects.filter(pk=paid["id"]).update(status="needs_attention")

    assert api.get(f"/orders/{paid['id']}").json()["receipt_url"] == paid["receipt_url"]
    assert api.get(f"/orders/{paid['id']}/receipt").status_code == 200


def test_strangers_find_nothing(paid: dict[str, Any], world: World, anyone: Api) -> None:
    stranger, _ = world.signed_in()

    assert refusal(stranger.get(f"/orders/{paid['id']}/receipt")) == (404, "not_found")
    assert anyone.get(f"/orders/{paid['id']}/receipt").status_code == 401
    assert refusal(stranger.get("/orders/ord_0000000000001/receipt")) == (404, "not_found")
    assert refusal(stranger.get("/orders/no-order/receipt")) == (404, "not_found")


def test_asking_too_often_is_told_when_to_come_back(
    paid: dict[str, Any], signed_in: tuple[Api, Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, _ = signed_in
    monkeypatch.setattr(receipts, "PER_MINUTE", 1)
    path = f"/orders/{paid['id']}/receipt"

    first, second = api.get(path), api.get(path)

    assert first.status_code == 200
    assert refusal(second) == (429, "rate_limited")
    assert int(second["Retry-After"]) > 0


def test_the_description_has_the_receipt(anyone: Api) -> None:
    operation = anyone.get("/openapi.json").json()["paths"]["/api/v1/orders/{order_id}/receipt"]["get"]

    assert operation["operationId"] == "readReceipt"
    assert list(operation["responses"]["200"]["content"]) == ["application/pdf"]
    assert {"401", "404", "409", "429"} <= set(operation["responses"])
