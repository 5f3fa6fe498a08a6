import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from everline.core import sandbox_link
from everline.core.models import InboxHint
from tests.api.world import Api, World, refusal
from tests.payments.fakes import FakeProvider

PAYMENTS = "/webhooks/payments/sandbox"
SUPPLIERS = "/webhooks/suppliers/simulator"


@pytest.fixture
def secret(settings: Any) -> str:
    """The secret that both sides derive from the sandbox's token."""
    folder = Path(settings.EVERLINE_DATA_DIR)
    token, url = folder / "sandbox-token", folder / "sandbox-url"
    kept = [(path, path.read_text() if path.exists() else None) for path in (token, url)]
    token.write_text("a-token")
    url.write_text("http://127.0.0.1:9")
    yield sandbox_link.webhook_secret("a-token")
    for path, text in kept:
        path.write_text(text) if text is not None else path.unlink()


def signed(secret: str, raw: bytes, at: float | None = None) -> dict[str, str]:
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"Sandbox-Signature": f"t={stamp},v1={digest}"}


def news(event: str = "evt_1") -> bytes:
    data = {"payment": "pay_1", "reference": "att_1", "refund": None, "refund_reference": None}
    return json.dumps(
        {"id": event, "type": "payment.captured", "created": "2026-11-22T08:00:00Z", "data": data}
    ).encode()


def test_news_of_a_payment_is_stored_once(world: World, anyone: Api, secret: str) -> None:
    raw = news()

    answers = [anyone.post(PAYMENTS, raw=raw, headers=signed(secret, raw)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    hint = InboxHint.objects.get()
    assert (hint.source, hint.event_id, bytes(hint.body)) == ("payments:sandbox", "evt_1", raw)
    assert hint.processed_at is None, "what it means is found out later"


def test_news_of_a_supplier_is_stored(world: World, anyone: Api, secret: str) -> None:
    body = {"id": "sev_1", "type": "usage.reported", "created": "2026-11-22T08:00:00Z"}
    raw = json.dumps({**body, "data": {"iccid": "8988299000000000110", "reference": None}}).encode()

    answer = anyone.post(SUPPLIERS, raw=raw, headers=signed(secret, raw))

    assert answer.status_code == 204, answer.content
    assert InboxHint.objects.get().source == "suppliers:simulator"


@pytest.mark.parametrize("path", [PAYMENTS, SUPPLIERS])
def test_what_cannot_be_verified_is_not_stored(world: World, anyone: Api, secret: str, path: str) -> None:
    raw = news()
    good = signed(secret, raw)

    for body, headers in (
        (raw, {}),
        (raw + b" ", good),
        (raw, {"Sandbox-Signature": "t=,v1="}),
        (raw, {"Sandbox-Signature": good["Sandbox-Signature"][:-1] + "x"}),
        (raw, signed("another secret", raw)),
        (raw, signed(secret, raw, time.time() - 3600)),
        (b"not json", signed(secret, b"not json")),
        (b"", signed(secret, b"")),
        (b"\xff\x00", signed(secret, b"\xff\x00")),
        (b"[]", signed(secret, b"[]")),
    ):
        assert refusal(anyone.post(path, raw=body, headers=headers)) == (400, "bad_signature"), body
    assert InboxHint.objects.count() == 0


def test_content_type_and_language_of_a_sender_do_not_matter(world: World, anyone: Api, secret: str) -> None:
    raw = news()
    headers = {**signed(secret, raw), "Accept-Language": "tlh", "Origin": "https://elsewhere.example"}

    assert anyone.post(PAYMENTS, raw=raw, content_type="text/plain", headers=headers).status_code == 204


@pytest.mark.parametrize("path", [PAYMENTS, SUPPLIERS])
def test_a_huge_body_is_refused_unread(world: World, anyone: Api, secret: str, path: str) -> None:
    raw = b"x" * (256 * 1024 + 1)

    assert refusal(anyone.post(path, raw=raw, headers=signed(secret, raw))) == (413, "body_too_large")
    assert InboxHint.objects.count() == 0


def test_the_largest_body_is_read(world: World, anyone: Api, secret: str) -> None:
    raw = b" " * (256 * 1024)

    assert refusal(anyone.post(PAYMENTS, raw=raw, headers=signed(secret, raw))) == (400, "bad_signature")


@pytest.mark.parametrize("path", [PAYMENTS, SUPPLIERS])
def test_probes_and_other_methods(world: World, anyone: Api, path: str) -> None:
    assert anyone.call("HEAD", path).status_code == 200
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = anyone.call(method, path)
        assert refusal(answer) == (405, "method_not_allowed")
        assert answer["Allow"] == "HEAD, POST"


@pytest.mark.parametrize(
    "path", ["/webhooks/payments/unknown", "/webhooks/suppliers/unknown", "/webhooks/payments/", "/webhooks"]
)
def test_senders_nobody_knows(world: World, anyone: Api, path: str) -> None:
    assert refusal(anyone.post(path, raw=b"{}")) == (404, "not_found")


def test_any_provider_of_the_settings_has_its_door(world: World, anyone: Api, provider: FakeProvider) -> None:
    answer = anyone.post(
        "/webhooks/payments/fake", raw=b"evt_9 payment.changed pay_9 att_9", headers={"X-Signature": "good"}
    )

    assert answer.status_code == 204
    assert InboxHint.objects.get().source == "payments:fake"
