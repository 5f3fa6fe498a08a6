"""What the demo customers have lived through before anybody looks: a table, the same in every installation.

Days count back from now. A purchase names a plan by its English name; what became of it is its ending.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

GB = 10**9
MB = 10**6
_MINUTE = 60


class Ending(StrEnum):
    """How an order of the past came out."""

    FULFILLED = "fulfilled"
    DECLINED = "declined"
    UNPAID = "unpaid"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order: when, whose, for which of the customer's lines (by its label), which plan."""

    days_ago: float
    login: str
    label: str
    plan: str
    ending: Ending = Ending.FULFILLED


@dataclass(frozen=True, slots=True)
class Habit:
    """How a line is used between two days: data each day, now and then a call, in networks that change."""

    login: str
    label: str
    since: float
    until: float
    daily_data: int
    networks: Sequence[str]
    calls: bool = False


PURCHASES: tuple[Purchase, ...] = (
    Purchase(33, "anna@example.com", "Phone", "Europe monthly, 10 GB and calls"),
    Purchase(33, "+447700900123", "Travel", "Global yearly, 5 GB a month"),
    Purchase(20, "demo@example.com", "日常号", "Asia-Pacific monthly, 10 GB and calls"),
    Purchase(20, "wren@example.com", "Phone", "Europe monthly, 30 GB and calls"),
    Purchase(20, "leo@example.com", "Second phone", "UK monthly, 20 GB and calls", Ending.UNDELIVERED),
    Purchase(9, "sam@example.com", "Phone", "USA and Canada monthly, 15 GB and calls"),
    Purchase(9, "anna@example.com", "Phone", "Europe monthly, 10 GB and calls"),
    Purchase(9, "mei@example.com", "旅行卡", "Japan day pass"),
    Purchase(9, "leo@example.com", "Second phone", "UK monthly, 20 GB and calls", Ending.UNPAID),
    Purchase(3, "mei@example.com", "平板", "Japan 7 days, 5 GB"),
    Purchase(3, "mei@example.com", "备用卡", "Global 15 days, 5 GB, starts when you arrive"),
    Purchase(3, "leo@example.com", "Second phone", "Europe 7 days, 5 GB", Ending.CANCELLED),
    Purchase(0.25, "demo@example.com", "日常号", "Asia-Pacific monthly, 10 GB and calls"),
    Purchase(0.25, "leo@example.com", "Phone", "Europe day pass"),
    Purchase(0.25, "leo@example.com", "Second phone", "UK monthly, 20 GB and calls", Ending.DECLINED),
)

HABITS: tuple[Habit, ...] = (
    Habit("anna@example.com", "Phone", 33, 0, 230 * MB, ("26201", "20801", "22201"), calls=True),
    Habit("+447700900123", "Travel", 33, 0, 70 * MB, ("40410", "23430", "42402"), calls=True),
    Habit("demo@example.com", "日常号", 20, 0, 290 * MB, ("44010", "45005", "46692"), calls=True),
    Habit("wren@example.com", "Phone", 20, 0, 620 * MB, ("26202", "22801", "23201"), calls=True),
    Habit("sam@example.com", "Phone", 9, 0, 450 * MB, ("310260", "302720"), calls=True),
    Habit("mei@example.com", "旅行卡", 9, 8.2, 620 * MB, ("44010",)),
    Habit("mei@example.com", "平板", 3, 0, 1900 * MB, ("44020", "44010")),
    Habit("leo@example.com", "Phone", 0.25, 0, 900 * MB, ("20801",)),
)

#: Share of a day's data by hour of the day (UTC), in percent.
_HOURS = ((1, 14), (4, 10), (7, 16), (10, 22), (13, 18), (16, 12), (20, 8))
_DAYS_IN_A_NETWORK = 4


def stops() -> list[float]:
    """The days ago at which something was bought, the longest ago first."""
    return sorted({purchase.days_ago for purchase in PURCHASES}, reverse=True)


def records(habit: Habit, iccid: str, now: datetime, begin: float, end: float) -> list[dict[str, Any]]:
    """Usage of a line between `begin` and `end` days ago, as a supplier reports it, oldest first.

    `now` is the moment from which the days count; the same line, days and moment give the same records.
    """
    first = now - timedelta(days=min(habit.since, begin))
    last = now - timedelta(days=max(habit.until, end))
    return [
        record
        for day in range(int(habit.since) + 1)
        for record in _day(habit, iccid, now - timedelta(days=habit.since) + timedelta(days=day), day)
        if first < record.pop("moment") <= last
    ]


def _day(habit: Habit, iccid: str, start: datetime, day: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(f"{iccid}/{day}")  # noqa: S311 - a story, not a secret
    network = habit.networks[day // _DAYS_IN_A_NETWORK % len(habit.networks)]
    swing = chance.randint(55, 145)
    for hour, share in _HOURS:
        moment = start + timedelta(hours=hour, minutes=chance.randint(0, 50))
        quantity = habit.daily_data * share * swing // 10_000
        yield _record(f"{iccid}-{day}-{hour}", "data", quantity, moment, network)
    if habit.calls and day % 3 == 0:
        moment = start + timedelta(hours=11, minutes=chance.randint(0, 50))
        yield _record(f"{iccid}-{day}-call", "voice", chance.randint(1, 5) * _MINUTE, moment, network)
        yield _record(f"{iccid}-{day}-sms", "sms", 1, moment + timedelta(minutes=5), network)


def _record(name: str, service: str, quantity: int, moment: datetime, network: str) -> dict[str, Any]:
    at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": name,
        "service": service,
        "quantity": quantity,
        "at": at,
        "plmn": network,
        "moment": moment,
    }
