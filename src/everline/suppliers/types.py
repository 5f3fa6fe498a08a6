"""What crosses the connectivity port: frozen and supplier-neutral. Bytes, seconds, UTC times."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Kinds of inbox rows this room stores, whatever a supplier calls its own events.
USAGE_REPORTED = "usage.reported"
PROFILE_CHANGED = "profile.changed"
ORDER_CHANGED = "order.changed"


class OrderKind(StrEnum):
    """What is bought from a supplier."""

    PROFILE = "profile"
    TOPUP = "topup"
    REVOCATION = "revocation"


class ResultState(StrEnum):
    """What a supplier says about an order of ours. A word nobody here knows is UNKNOWN, never FAILED."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a supplier can do. `answers_at_once`: an order is usually done in the call that places it."""

    name: str
    new_profiles: bool = True
    top_ups: bool = True
    revocations: bool = True
    answers_at_once: bool = True


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """A new eSIM profile for a plan. `reference` is the idempotency key for ever."""

    reference: str
    plan_code: str


@dataclass(frozen=True, slots=True)
class TopUpRequest:
    """`quantity` times a plan onto an existing profile."""

    reference: str
    iccid: str
    plan_code: str
    quantity: int


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """Take back what the order `revokes` (one of our references) gave."""

    reference: str
    revokes: str


@dataclass(frozen=True, slots=True)
class Profile:
    """An eSIM profile ready to be installed. Numbers are text: leading zeros and check digits are kept."""

    iccid: str
    smdp_address: str
    matching_id: str
    eid: str = ""
    msisdn: str = ""
    confirmation_code: str = ""
    apn: str = ""
    state: str = "released"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a supplier did not deliver. `permanent`: asking again cannot help."""

    code: str
    message: str = ""
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class SupplierResult:
    """An order as its supplier sees it now."""

    reference: str
    state: ResultState
    supplier_ref: str = ""
    iccid: str = ""
    profile: Profile | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class EventHint:
    """News from a supplier: fetch event `event_id` for what it says. `reference` is ours, if any."""

    event_id: str
    kind: str
    iccid: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """One measured event on a line, as a supplier reports it."""

    id: str
    service: str
    quantity: int
    at: datetime
    plmn: str
    destination: str = ""


@dataclass(frozen=True, slots=True)
class SupplierEvent:
    """What an event says: usage, a profile's new state, or an order of ours that changed."""

    event_id: str
    kind: str
    iccid: str
    usage: tuple[UsageReport, ...] = ()
    profile_state: str = ""
    eid: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """One purchase to be made for an order of the shop.

    `order` is the shop's order id. `after` is the reference of the purchase that must be done first (its
    profile's ICCID is then used where `iccid` is empty). `not_before`: the first try comes no earlier.
    """

    order: str
    reference: str
    kind: OrderKind
    plan_code: str
    quantity: int = 1
    iccid: str = ""
    after: str = ""
    revokes: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class SupplierOutcome:
    """What came of one call: the order as it is there, or `error`.

    `sent` False: certainly nothing happened there. `retry_after`: seconds the supplier asked us to wait.
    """

    order_id: str
    result: SupplierResult | None = None
    error: str = ""
    sent: bool = True
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where all purchases for one order of the shop stand.

    `done`: everything was delivered; `failure`: something failed for good; `profile`: the new profile, if one
    was bought and is there.
    """

    done: bool
    failure: Failure | None
    profile: Profile | None
