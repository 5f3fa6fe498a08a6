"""The doors for providers and suppliers: only signed news come in."""

import hashlib
import hmac
import json

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import Person, problem

pytestmark = pytest.mark.stack

DOORS = ["/webhooks/payments/sandbox", "/webhooks/suppliers/simulator"]


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_there(world: World, door: str) -> None:
    answer = httpx.head(f"{world.product.url}{door}")

    assert answer.status_code == 200
    assert httpx.get(f"{world.product.url}{door}").status_code == 405
    assert httpx.post(f"{world.product.url}/webhooks/payments/nobody", content=b"{}").status_code == 404


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sandbox-Signature": ""},
        {"Sandbox-Signature": "nonsense"},
        {"Sandbox-Signature": "t=1,v1=00"},
        {"Sandbox-Signature": "t=99999999999,v1=" + "0" * 64},
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"id": "evt_1", "type": "payment.captured"}'])
def test_what_cannot_be_verified_is_400(
    world: World, door: str, headers: dict[str, str], body: bytes
) -> None:
    answer = httpx.post(f"{world.product.url}{door}", content=body, headers=headers)

    problem(answer, 400, "bad_signature")


@pytest.mark.parametrize("door", DOORS)
def test_bodies_over_256_kib_are_413(world: World, door: str) -> None:
    url = f"{world.product.url}{door}"

    problem(httpx.post(url, content=b"x" * (256 * 1024 + 1)), 413, "body_too_large")
    problem(httpx.post(url, content=b"x" * (256 * 1024)), 400, "bad_signature")
    problem(httpx.post(url, content=iter([b"x" * 65536] * 5)), 413, "body_too_large")


def test_a_captured_story_with_a_false_signature_pays_nothing(world: World, guest: Person) -> None:
    order = guest.order()
    attempt = guest.attempt(order)
    story = {
        "id": "evt_0000000000001",
        "type": "payment.captured",
        "created": world.sandbox.now(),
        "data": {"payment": "pay_1", "reference": attempt["id"], "refund": None, "refund_reference": None},
    }
    body = json.dumps(story).encode()
    signature = hmac.new(b"guess", b"1." + body, hashlib.sha256).hexdigest()

    answer = httpx.post(
        f"{world.product.url}{DOORS[0]}", content=body, headers={"Sandbox-Signature": f"t=1,v1={signature}"}
    )
    world.sandbox.drain()

    assert answer.status_code == 400
    assert guest.read(order)["status"] == "awaiting_payment"
