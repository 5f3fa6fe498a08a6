"""A supplier in memory that can be told how to answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from everline.suppliers.errors import BadSignature, NotKnown, SupplierError
from everline.suppliers.types import (
    Capabilities,
    EventHint,
    Profile,
    ProfileRequest,
    ResultState,
    RevocationRequest,
    SupplierEvent,
    SupplierResult,
    TopUpRequest,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PROFILE = Profile(
    iccid="8988299000000000001",
    smdp_address="smdp.example",
    matching_id="AAAA-BBBB",
    msisdn="+882991",
    apn="net",
)


@dataclass
class FakeSupplier:
    """`failing[operation]` are errors to raise before, `after[operation]` once it was done; one per call."""

    orders: dict[str, SupplierResult] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failing: dict[str, list[Exception]] = field(default_factory=dict)
    after: dict[str, list[Exception]] = field(default_factory=dict)
    state: ResultState = ResultState.DONE
    topped_up: list[TopUpRequest] = field(default_factory=list)

    @property
    def caps(self) -> Capabilities:
        return Capabilities(name="fake")

    def provision_profile(self, request: ProfileRequest) -> SupplierResult:
        self._before("profile", request.reference)
        result = SupplierResult(request.reference, self.state, "s-1", PROFILE.iccid, PROFILE)
        return self._keep("profile", result)

    def top_up(self, request: TopUpRequest) -> SupplierResult:
        self._before("topup", request.reference)
        if request.reference not in self.orders:
            self.topped_up.append(request)
        return self._keep("topup", SupplierResult(request.reference, self.state, "s-2", request.iccid))

    def fetch_order(self, reference: str) -> SupplierResult:
        self._before("fetch", reference)
        if reference not in self.orders:
            raise NotKnown("fake", "not_found")
        return self.orders[reference]

    def revoke(self, request: RevocationRequest) -> SupplierResult:
        self._before("revoke", request.revokes)
        if request.revokes not in self.orders:
            raise NotKnown("fake", "not_found")
        self.revoked.append(request.revokes)
        return self._keep("revoke", SupplierResult(request.reference, ResultState.DONE))

    def fetch_event(self, event_id: str) -> SupplierEvent:
        return SupplierEvent(event_id, "profile.changed", PROFILE.iccid, profile_state="installed")

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[EventHint]:
        if headers.get("X-Signature") != "good":
            raise BadSignature
        event, kind, iccid, reference = raw.decode().split(" ")
        return [EventHint(event, kind, iccid.strip("-"), reference.strip("-"))]

    def named(self, operation: str) -> list[str]:
        return [argument for name, argument in self.calls if name == operation]

    def _before(self, operation: str, argument: str) -> None:
        self.calls.append((operation, argument))
        if self.failing.get(operation):
            raise self.failing[operation].pop(0)

    def _keep(self, operation: str, result: SupplierResult) -> SupplierResult:
        kept = self.orders.setdefault(result.reference, result)
        if self.after.get(operation):
            raise self.after[operation].pop(0)
        return kept


class Current:
    """The supplier that `build` hands out; each test has its own."""

    supplier = FakeSupplier()


def build() -> FakeSupplier:
    return Current.supplier


def errors(*kinds: type[SupplierError]) -> list[Exception]:
    return [kind("fake", "because") for kind in kinds]
