"""The demonstration's data: catalogue, brands, customers and their lines. Django must be set up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from everline.accounts.services import load_demo_customers
from everline.accounts.services.staffing import StaffSignIn, load_demo_staff
from everline.accounts.types import DemoSignIn
from everline.catalog.services import load_demo_catalogue
from everline.lines.checks import luhn_holds
from everline.lines.services import create_line

#: As the simulated supplier makes them: 89 telecommunications, 882 international networks, issuer 99 (E.118).
ICCID_START = "8988299"
SMDP_ADDRESS = "smdp.sandbox.example"
APN = "internet.sandbox"
#: How long ago a new demonstration began: its customers have a past (config.demo.history).
HISTORY = timedelta(days=40)
#: The labels of each demo customer's lines, in the order in which accounts makes the customers.
LABELS: tuple[tuple[str, ...], ...] = (
    ("日常号", "出差号"),
    ("Phone",),
    ("Phone", "Tablet"),
    ("Travel",),
    ("旅行卡", "平板", "备用卡"),
    ("Phone", "Second phone"),
    ("Phone",),
    (),
)


@dataclass(frozen=True)
class Loaded:
    """What was found or made: the number of plans, and how customers and staff sign in."""

    plans: int
    sign_ins: Sequence[DemoSignIn]
    staff: Sequence[StaffSignIn]


def load(*, now: datetime) -> Loaded:
    """Make what is missing, correct what differs; safe to repeat. Lines have no service: it is bought."""
    plans = load_demo_catalogue(now=now).plans
    sign_ins = load_demo_customers(now)
    for number, (person, labels) in enumerate(zip(sign_ins, LABELS, strict=True), 1):
        for place, label in enumerate(labels, 1):
            create_line(
                customer_id=person.customer_id,
                profile=_profile(number * 10 + place),
                label=label,
                timezone=person.timezone,
                now=now,
            )
    return Loaded(plans, sign_ins, load_demo_staff(now=now))


def _profile(number: int) -> dict[str, str]:
    body = f"{ICCID_START}{number:011d}"
    check = next(digit for digit in "0123456789" if luhn_holds(body + digit))
    return {
        "iccid": body + check,
        "msisdn": f"+88299{number:08d}",
        "smdp_address": SMDP_ADDRESS,
        "matching_id": f"DEM0-{number:05d}-EVER1-1NE00",
        "apn": APN,
        "state": "released",
    }
