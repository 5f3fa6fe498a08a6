"""What the lines room hands in and out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InstallData:
    """What puts the eSIM on a device; `lpa` is the QR code's text, the URLs are one-tap links."""

    smdp_address: str
    matching_id: str
    confirmation_code: str
    lpa: str
    ios_url: str
    android_url: str
    apn: str


@dataclass(frozen=True, slots=True)
class Validity:
    """Until when a line is paid for, told by the room that knows its periods.

    `valid_until` is the end of the last dated base period, `held_until` how long a period that waits for its
    first use keeps the number. `zone` is fixed on the line at its first fulfilment; None leaves it.
    """

    line_id: str
    valid_until: datetime | None
    held_until: datetime | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What a supplier says about the chip: the state of one profile, and the device's EID where known."""

    iccid: str
    state: str
    eid: str = ""


@dataclass(frozen=True, slots=True)
class LineNames:
    """Which lines are known by which names."""

    ids: frozenset[str]
    by_iccid: Mapping[str, str]
    by_msisdn: Mapping[str, str]

    def find(self, *, line_id: str | None, iccid: str | None, msisdn: str | None) -> str | None:
        """The line that the first given name stands for; None when nobody bears it."""
        if line_id:
            return line_id if line_id in self.ids else None
        if iccid:
            return self.by_iccid.get(iccid.upper().rstrip("F"))
        return self.by_msisdn.get(f"+{msisdn.lstrip('+')}") if msisdn else None
