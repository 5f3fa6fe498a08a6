"""The payment provider of the sandbox, spoken to over HTTP like any other."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from everline.core import clock, sandbox_link
from everline.core.money import Money
from everline.core.sandbox_link import SandboxMissing
from everline.payments.errors import BadSignature, Unsupported
from everline.payments.providers.sandbox import client, mapping
from everline.payments.providers.sandbox.config import METHODS, NAME, SIGNATURE_HEADER, Config, load
from everline.payments.types import (
    AttemptSpec,
    Capabilities,
    Done,
    EventHint,
    MethodRef,
    PaymentState,
    Redirect,
    RefundSnapshot,
    Snapshot,
    Started,
)


class SandboxProvider:
    """Implements PaymentProvider, TracksRefunds and ListsChanges."""

    def __init__(self, config: Callable[[], Config] = load) -> None:
        self._config = config

    @property
    def caps(self) -> Capabilities:
        """Every method by redirect, every currency we know; no saved methods."""
        try:
            origins: tuple[str, ...] = (self._config().base_url,)
        except SandboxMissing:
            origins = ()
        return Capabilities(name=NAME, methods=METHODS, max_amount=10**12, redirect_origins=origins)

    def start(self, attempt: AttemptSpec) -> Started:
        """`POST /payments`; the hosted page while the customer has something to do there."""
        body = client.call(self._config, "POST", "/payments", json=mapping.request(attempt), key=attempt.key)
        snapshot = mapping.snapshot(body)
        if snapshot.state == PaymentState.REQUIRES_ACTION and snapshot.redirect_url:
            return Redirect(snapshot.ref, snapshot.redirect_url)
        return Done(snapshot)

    def charge_saved(self, attempt: AttemptSpec, method: MethodRef) -> Snapshot:
        """Not offered."""
        del attempt, method
        raise Unsupported(NAME, "off_session")

    def fetch(self, ref: str) -> Snapshot:
        """`GET /payments/{id}`."""
        return mapping.snapshot(client.call(self._config, "GET", f"/payments/{ref}"))

    def find(self, attempt_id: str, since: datetime) -> list[Snapshot]:
        """`GET /payments?reference=`; the sandbox keeps every payment, so `since` is not needed."""
        del since
        found = client.call(self._config, "GET", "/payments", params={"reference": attempt_id})
        return [mapping.snapshot(row) for row in mapping.rows(found)]

    def refund(self, ref: str, amount: Money, reason: str, key: str) -> RefundSnapshot:
        """`POST /payments/{id}/refunds`; our reference is the key without its serial number."""
        body = {"reference": key.partition(".")[0], "amount": amount.amount, "reason": reason}
        return mapping.refund(
            client.call(self._config, "POST", f"/payments/{ref}/refunds", json=body, key=key)
        )

    def cancel(self, ref: str, key: str) -> Snapshot:
        """`POST /payments/{id}/cancel`."""
        return mapping.snapshot(
            client.call(self._config, "POST", f"/payments/{ref}/cancel", json={}, key=key)
        )

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        """HMAC over the raw body and a recent real time."""
        try:
            secret = self._config().webhook_secret
        except SandboxMissing:
            raise BadSignature from None
        given = next(
            (value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER.lower()), ""
        )
        if not sandbox_link.verify(secret, given, raw, real_time=clock.real_now().timestamp()):
            raise BadSignature
        try:
            return [mapping.hint(json.loads(raw))]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSignature from error

    def fetch_refund(self, ref: str) -> RefundSnapshot:
        """`GET /refunds/{id}`."""
        return mapping.refund(client.call(self._config, "GET", f"/refunds/{ref}"))

    def find_refund(self, refund_id: str) -> list[RefundSnapshot]:
        """`GET /refunds?reference=`."""
        found = client.call(self._config, "GET", "/refunds", params={"reference": refund_id})
        return [mapping.refund(row) for row in mapping.rows(found)]

    def list_changes(self, since: datetime, until: datetime) -> Iterator[Snapshot]:
        """`GET /payments?updated_from=&updated_to=`, page by page."""
        params = {"updated_from": since.isoformat(), "updated_to": until.isoformat()}
        while True:
            page = client.call(self._config, "GET", "/payments", params=params)
            yield from (mapping.snapshot(row) for row in mapping.rows(page))
            cursor = page.get("next_cursor")
            if not isinstance(cursor, str) or not cursor:
                return
            params["cursor"] = cursor


def build() -> SandboxProvider:
    """The sandbox of this data folder."""
    return SandboxProvider()
