"""The past of the demo customers: a table that fits the catalogue, and how it is lived."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from everline.catalog.demo.reader import read_catalogue
from everline.config.demo import data, history
from everline.config.demo.history import HABITS, PURCHASES, Ending, Habit
from everline.config.demo.living import Past
from everline.config.demo.shopper import Installation, Shopper
from everline.config.supervisor.sign_ins import UNFINISHED, SignIn, everybody, read, unfinished, write

NOW = datetime(2027, 3, 29, 9, 30, tzinfo=UTC)
ICCID = "8988299000000000110"
FORM = '<form method="post" action=""><input name="number"></form>'


def test_everything_in_the_table_is_in_the_demo() -> None:
    plans = {spec.name.en: spec for spec in read_catalogue().plans.values()}
    labels = {label for each in data.LABELS for label in each}

    assert {purchase.plan for purchase in PURCHASES} <= plans.keys()
    assert {purchase.label for purchase in PURCHASES} <= labels
    assert {habit.label for habit in HABITS} <= labels
    assert {purchase.ending for purchase in PURCHASES} == set(Ending)
    assert max(history.stops()) < data.HISTORY.days


def test_lines_are_used_where_their_plan_covers() -> None:
    plans = {spec.name.en: spec for spec in read_catalogue().plans.values()}
    bought = {(purchase.login, purchase.label): plans[purchase.plan] for purchase in PURCHASES}

    for habit in HABITS:
        covered = {plmn for _country, plmn in bought[habit.login, habit.label].networks}
        assert set(habit.networks) <= covered, habit


def test_stops_go_from_the_oldest_to_the_newest() -> None:
    stops = history.stops()

    assert stops == sorted(stops, reverse=True)
    assert stops[-1] > 0


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: f"{habit.login} {habit.label}")
def test_usage_is_the_same_each_time_and_falls_between_its_days(habit: Habit) -> None:
    found = history.records(habit, ICCID, NOW, habit.since, 0)

    assert found
    assert found == history.records(habit, ICCID, NOW, habit.since, 0)
    assert len({record["id"] for record in found}) == len(found) <= 1000
    for record in found:
        at = datetime.fromisoformat(record["at"])
        assert NOW - timedelta(days=habit.since) <= at <= NOW - timedelta(days=habit.until)
        assert record["quantity"] > 0
        json.dumps(record)


def test_usage_reported_stop_by_stop_is_the_same_as_at_once() -> None:
    habit = HABITS[0]
    at_once = history.records(habit, ICCID, NOW, habit.since, 0)

    parts = [
        record
        for begin, end in pairwise([*history.stops(), 0.0])
        for record in history.records(habit, ICCID, NOW, begin, end)
    ]

    assert parts == at_once


def test_usage_moves_through_days_hours_and_countries() -> None:
    found = history.records(HABITS[0], ICCID, NOW, 33, 0)
    by_day: dict[str, int] = defaultdict(int)
    for record in found:
        if record["service"] == "data":
            by_day[record["at"][:10]] += record["quantity"]

    assert len(by_day) > 28
    assert len(set(by_day.values())) > 20
    assert len({record["at"][11:13] for record in found}) > 5
    assert {record["plmn"] for record in found} == set(HABITS[0].networks)
    assert {record["service"] for record in found} == {"data", "voice", "sms"}


class Town:
    """A shop and a sandbox that note what is asked of them."""

    def __init__(self, *, orders: int = 0, breaks_at: str = "") -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.offset = -12.5
        self._orders = orders
        self._breaks_at = breaks_at

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = (
            json.loads(request.content) if request.headers.get("Content-Type") == "application/json" else {}
        )
        path = request.url.path.removeprefix("/api/v1")
        self.asked.append((request.method, path, body))
        if self._breaks_at and path.endswith(self._breaks_at):
            return httpx.Response(500)
        return self._said(request.method, path)

    def _said(self, method: str, path: str) -> httpx.Response:
        if path == "/lines":
            labels = {habit.label for habit in HABITS} | {each.label for each in PURCHASES}
            lines = [{"id": f"ln_{label}", "label": label, "iccid": ICCID} for label in labels]
            return httpx.Response(200, json={"data": lines})
        if path == "/plans":
            plans = [{"id": each.plan, "name": each.plan} for each in PURCHASES]
            return httpx.Response(200, json={"data": plans, "next_cursor": None})
        if path == "/orders" and method == "GET":
            return httpx.Response(200, json={"data": [{}] * self._orders})
        if path.endswith("/attempts"):
            return httpx.Response(201, json={"id": "att_1", "next_action": {"url": "http://sandbox/pay"}})
        if path == "/pay":
            return (
                httpx.Response(200, text=FORM)
                if method == "GET"
                else httpx.Response(303, headers={"Location": "/"})
            )
        return httpx.Response(200, json={"id": "x", "offset_seconds": self.offset})

    def past(self) -> Past:
        client = httpx.Client(transport=httpx.MockTransport(self.answer))
        at = Installation("http://shop", "http://sandbox", "token")
        logins = {each.login for each in (*PURCHASES, *HABITS)}
        return Past({login: Shopper(at, client, client) for login in sorted(logins)})

    def of(self, method: str, path: str) -> list[Any]:
        return [body for asked, where, body in self.asked if (asked, where) == (method, path)]


def test_the_past_is_lived_in_order_and_ends_in_the_present() -> None:
    town = Town()

    made = town.past().live()

    assert made == len(PURCHASES) == len(town.of("POST", "/orders"))
    clocks = town.of("POST", "/control/clock")
    moments = [body["now"] for body in clocks if "now" in body]
    assert moments == sorted(moments)
    assert clocks[-1] == {"advance_seconds": 12.5}
    cards = [body for method, path, body in town.asked if path == "/pay" and method == "POST"]
    unpaid = {Ending.UNPAID, Ending.CANCELLED}
    assert len(cards) == sum(each.ending not in unpaid for each in PURCHASES)
    assert town.asked[-1][:2] == ("POST", "/control/drain")
    broken = [path for _method, path, _body in town.asked].index("/control/faults")
    assert ("DELETE", "/control/faults", {}) in town.asked[broken:]


def test_who_has_orders_has_a_past_already() -> None:
    town = Town(orders=1)

    assert town.past().live() == 0

    assert town.of("POST", "/control/clock") == []
    assert town.of("POST", "/orders") == []


def test_a_past_that_breaks_off_leaves_the_right_time_behind() -> None:
    town = Town(breaks_at="/attempts")

    with pytest.raises(Exception, match="500"):
        town.past().live()

    assert town.of("POST", "/control/clock")[-1] == {"advance_seconds": 12.5}
    assert town.of("DELETE", "/control/faults")


def test_sign_ins_are_kept_and_told(tmp_path: Any) -> None:
    people = [
        SignIn("ann@example.com", "secret"),
        SignIn("wren@example.com", "secret", "tidewren.localhost"),
        SignIn("nora@example.com", "secret", lines=False),
    ]
    desk = SignIn("helper@example.com", "secret", role="support")

    write(tmp_path, [*people, desk])

    assert read(tmp_path) == people
    assert everybody(tmp_path) == [*people, desk]
    assert "sign in as" not in desk.announced("http://localhost:8000")
    assert desk.announced("http://localhost:8000").endswith("at http://localhost:8000/backoffice/")
    told = [person.announced("http://localhost:8000") for person in people]
    assert told == [
        "sign in as ann@example.com with the password secret",
        "sign in as wren@example.com with the password secret at http://tidewren.localhost:8000",
        "new here, without lines: nora@example.com, the same password",
    ]
    assert people[1].announced("https://shop.example").endswith("at https://tidewren.localhost")


def test_a_broken_off_past_is_known_by_its_note(tmp_path: Any) -> None:
    assert not unfinished(tmp_path)

    (tmp_path / UNFINISHED).touch()

    assert unfinished(tmp_path)
