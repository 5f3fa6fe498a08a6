"""What the usage room hands in and out."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

#: The largest number a bigint column holds.
BIGINT_MAX = 2**63 - 1


class Service(StrEnum):
    """What an allowance and a usage record measure."""

    DATA = "data"
    VOICE = "voice"
    SMS = "sms"


#: Data is counted in bytes, voice in seconds, SMS in messages.
UNITS = {Service.DATA: "bytes", Service.VOICE: "seconds", Service.SMS: "messages"}


@dataclass(frozen=True, slots=True)
class PeriodView:
    """One service period as it stands at the instant asked for; times are None while its start is open."""

    id: str
    line_id: str
    order: str
    seq: int
    plan_id: str
    version_id: int
    name_en: str
    name_zh: str
    kind: str
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    opens_by: datetime | None
    used: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of one service in the buckets valid now; `total` and `remaining` are None if unlimited.

    `as_of` is up to when news is in the figures: the newest report taken in for this service on this line,
    also one that changed nothing here (an overrun, a late one), or what last opened or changed a bucket.
    """

    service: str
    unit: str
    total: int | None
    used: int
    remaining: int | None
    unlimited: bool
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """One bucket valid now: a period's allowance of a service, or the current refill of it.

    `total` is None if unlimited. Where it `refills`, a fresh one follows at `ends_at`; what is left ends.
    """

    id: str
    period_id: str
    service: str
    number: int
    starts_at: datetime
    ends_at: datetime
    total: int | None
    used: int
    as_of: datetime
    refills: bool
    kind: str
    version_id: int
    name_en: str
    name_zh: str

    @property
    def remaining(self) -> int | None:
        """What is left of it; None if unlimited."""
        return None if self.total is None else self.total - self.used


@dataclass(frozen=True, slots=True)
class Overrun:
    """Usage that no allowance carried, under the plan's rule: `block`, `throttle` or `wallet`.

    What came in `late`, after its period had closed, is charged nothing whatever the rule.
    """

    service: str
    rule: str
    quantity: int
    late: bool


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """How much of one service was used in `[starts_at, ends_at)`, in one country where that is known."""

    starts_at: datetime
    ends_at: datetime
    service: str
    quantity: int
    country: str | None


@dataclass(frozen=True, slots=True)
class UsageSeries:
    """A line's usage over time, empty steps left out.

    `as_of` is when the newest record was taken in; for a line without any see `selectors.usage_series`.
    """

    points: list[UsagePoint]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class UsageInput:
    """One measured event as reported; nothing in it is trusted yet.

    The line is named by `line`, `iccid` or `msisdn` (the first that is given counts). `quantity` is in bytes,
    seconds or messages; `at` is an aware time or its RFC 3339 text.
    """

    source: str
    id: str
    service: str
    quantity: int
    at: datetime | str
    line: str | None = None
    iccid: str | None = None
    msisdn: str | None = None
    plmn: str | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was not taken, by the id its sender gave it, and the code that says why."""

    id: str
    code: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The fate of every record of a call: taken, known before, or refused."""

    accepted: int
    duplicates: int
    rejected: list[Rejection] = field(default_factory=list)
