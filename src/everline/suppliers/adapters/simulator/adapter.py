"""The simulated supplier of the sandbox, spoken to over HTTP like any other."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

from everline.core import clock, sandbox_link
from everline.core.sandbox_link import SandboxMissing
from everline.suppliers.adapters.simulator import client, mapping
from everline.suppliers.adapters.simulator.config import NAME, SIGNATURE_HEADER, Config, load
from everline.suppliers.errors import BadSignature, NotKnown, OutcomeUnknown, Rejected
from everline.suppliers.types import (
    Capabilities,
    EventHint,
    ProfileRequest,
    ResultState,
    RevocationRequest,
    SupplierEvent,
    SupplierResult,
    TopUpRequest,
)


class SimulatorSupplier:
    """Implements ConnectivitySupplier."""

    def __init__(self, config: Callable[[], Config] = load) -> None:
        self._config = config

    @property
    def caps(self) -> Capabilities:
        """Sells everything, at once."""
        return Capabilities(name=NAME)

    def provision_profile(self, request: ProfileRequest) -> SupplierResult:
        """`POST /profiles`."""
        return self._place("/profiles", {"reference": request.reference, "plan_code": request.plan_code})

    def top_up(self, request: TopUpRequest) -> SupplierResult:
        """`POST /topups`."""
        body: dict[str, str | int] = {
            "reference": request.reference,
            "iccid": request.iccid,
            "plan_code": request.plan_code,
            "quantity": request.quantity,
        }
        return self._place("/topups", body)

    def fetch_order(self, reference: str) -> SupplierResult:
        """`GET /orders/{reference}`."""
        path = f"/orders/{quote(reference, safe='')}"
        return _same(mapping.result(client.call(self._config, "GET", path)), reference)

    def revoke(self, request: RevocationRequest) -> SupplierResult:
        """`POST /revocations`; what was revoked before is done."""
        body = {"reference": request.reference, "revokes": request.revokes}
        try:
            return _same(
                mapping.result(client.call(self._config, "POST", "/revocations", json=body)),
                request.reference,
            )
        except Rejected as error:
            if error.code != "already_revoked":
                raise
            return SupplierResult(request.reference, ResultState.DONE)

    def fetch_event(self, event_id: str) -> SupplierEvent:
        """`GET /events/{id}`."""
        return mapping.event(client.call(self._config, "GET", f"/events/{quote(event_id, safe='')}"))

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
            return mapping.hints(json.loads(raw))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSignature from error

    def _place(self, path: str, body: Mapping[str, str | int]) -> SupplierResult:
        """A new order. A 404 here is about the path, not about an order: nothing is known then."""
        try:
            answer = client.call(self._config, "POST", path, json=body)
        except NotKnown as error:
            raise OutcomeUnknown(NAME, error.code, error.message) from error
        return _same(mapping.result(answer), str(body["reference"]))


def _same(result: SupplierResult, reference: str) -> SupplierResult:
    """An answer about another order than ours is no answer."""
    if result.reference != reference:
        raise OutcomeUnknown(NAME, "another_order", result.reference)
    return result


def build() -> SimulatorSupplier:
    """The simulator of this data folder."""
    return SimulatorSupplier()
