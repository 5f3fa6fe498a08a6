"""What the sandbox's tests say to it."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from everline.core import clock
from everline.sandbox.db import alias

TOKEN = "a-control-token"
RETURN_URL = "http://shop.example:8000/orders/ord_1/return/?a=1&b=%20x"
in_database = pytest.mark.django_db(databases=[alias()])
with_commits = pytest.mark.django_db(databases=[alias()], transaction=True)

Starter = Callable[..., dict[str, Any]]


def wanted(**changes: Any) -> dict[str, Any]:
    """A good body to start a payment of 19.99 USD."""
    body = {
        "reference": f"att_{uuid.uuid4().hex[:13]}",
        "order": "ord_0000000000001",
        "method": "card",
        "amount": 1999,
        "currency": "USD",
        "return_url": RETURN_URL,
        "cancel_url": "http://shop.example:8000/orders/ord_1/",
        "locale": "en",
        "description": "Europe 30 days",
        "expires_at": (clock.now() + timedelta(hours=1)).isoformat(),
    }
    return body | changes


def post(client: Client, path: str, body: Any, *, key: str = "") -> Any:
    """A JSON request, with an idempotency key where there is one."""
    headers = {"Idempotency-Key": key} if key else None
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(path, data, content_type="application/json", headers=headers)


def pay(browser: Client, payment: dict[str, Any], number: str = "4242424242424242", **fields: str) -> Any:
    """Submit the hosted form with a card."""
    form = {"method": "card", "number": number, "expiry": "12/40", "cvc": "123"} | fields
    return browser.post(f"/pay/{payment['id']}", form)


def fetch(shop_api: Client, payment: dict[str, Any]) -> dict[str, Any]:
    """The payment as the provider has it now."""
    return dict(shop_api.get(f"/provider/v1/payments/{payment['id']}").json())


def plan(control: Client, *entries: dict[str, Any], seed: int = 1) -> None:
    """Put a fault plan in force."""
    answer = post(control, "/control/faults", {"seed": seed, "plan": list(entries)})
    assert answer.status_code == 200, answer.content
