"""Lines live random lives: bought, used, refunded, with clocks that jump; a stranger audits them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from everline.core.errors import DomainError
from everline.core.ids import new_id
from everline.lines.models import Line
from everline.lines.services import catch_up_states
from everline.usage import selectors
from everline.usage.models import Allocation, Period
from everline.usage.schedule import PlanTerms, check_purchase
from everline.usage.services import catch_up_periods, lapse_periods, record_usage, revoke_periods
from everline.usage.types import UsageInput
from tests.usage.auditor import Auditor, Sold, room_at
from tests.usage.shop import PLMNS, START, Shop

pytestmark = pytest.mark.django_db

ZONE = "Europe/Zurich"
LINES = 2
#: Enough to meet every rule in every company; raise them to hunt.
LIVES, STEPS = 9, 20
#: A whole audit reads everything, so it comes after every so many steps, and at the end.
AUDIT_EVERY = 4
BOUNDED = settings(
    derandomize=True,
    phases=[Phase.generate],  # a life takes a while: shrink by hand, with `Phase.shrink` added
    database=None,
    deadline=None,
    max_examples=LIVES,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
)
Plan = tuple[str, int, dict[str, Any]]
BASE: list[Plan] = [
    ("day", 1, {"data_bytes": 100}),
    ("day", 7, {"data_bytes": 50, "refill": "daily", "calendar_day": True}),
    ("month", 1, {"data_bytes": 1_000, "voice_seconds": 60, "sms_count": 3, "countries": "JP KR"}),
    ("year", 1, {"data_bytes": 400, "refill": "monthly", "overage": "wallet"}),
    ("month", 2, {"data_bytes": None}),
]
QUEUED: list[Plan] = [
    ("day", 3, {"data_bytes": 500, "renewal_policy": "queue_depleted", "overage": "throttle"}),
    ("month", 1, {"data_bytes": 300, "renewal_policy": "queue_depleted", "countries": "JP KR"}),
    ("day", 2, {"data_bytes": 0, "sms_count": 2, "renewal_policy": "queue_depleted"}),
]
WAITING: list[Plan] = [
    ("day", 5, {"data_bytes": 200, "start_policy": "on_first_use", "activation_deadline_days": 10}),
    (
        "month",
        1,
        {"data_bytes": 200, "start_policy": "on_first_use", "renewal_policy": "queue_depleted"},
    ),
]
BESIDE: list[Plan] = [
    ("day", 1, {"data_bytes": 150, "renewal_policy": "start_now", "countries": "KR CH"}),
    (
        "day",
        3,
        {
            "data_bytes": 150,
            "renewal_policy": "start_now",
            "start_policy": "on_first_use",
            "activation_deadline_days": 5,
        },
    ),
]
PLACES = st.sampled_from([None, "JP", "JP", "KR", "CH", "US"])
SERVICES = st.sampled_from(["data", "data", "data", "data", "voice", "sms"])
AMOUNTS = st.one_of(st.integers(0, 120), st.sampled_from([300, 1_000, 5_000, 2**40, 2**62]))
AGES = st.one_of(
    st.just(timedelta(0)),
    st.just(timedelta(0)),
    st.timedeltas(timedelta(0), timedelta(hours=30)),
    st.timedeltas(timedelta(days=2), timedelta(days=40)),
    st.just(-timedelta(minutes=4)),
)


class Life(RuleBasedStateMachine):
    """One example: its lines live inside a savepoint that is taken back at its end."""

    plans: list[Any]

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.auditor = Auditor(self.shop, ZoneInfo(ZONE))
        self.lines: list[Line] = []
        self.sent: list[UsageInput] = []
        self.number = self.steps = 0

    def teardown(self) -> None:
        try:
            self.auditor.check()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @initialize(minutes=st.integers(0, 400 * 24 * 60))
    def begin(self, minutes: int) -> None:
        self.shop.now = START + timedelta(minutes=minutes)
        self.lines = [self.shop.line(ZONE) for _ in range(LINES)]

    @rule(which=st.integers(0, LINES - 1), plan=st.integers(0, 10), quantity=st.sampled_from([1, 1, 1, 2, 3]))
    def buy(self, which: int, plan: int, quantity: int) -> None:
        line, version = self.lines[which], self.plans[plan % len(self.plans)]
        terms = PlanTerms.from_version(version)
        schedule = selectors.schedules([line.pk], self.shop.now)[line.pk]
        before = Line.objects.get(pk=line.pk).valid_until
        try:
            promised = check_purchase(schedule, terms, quantity, self.shop.now)
        except DomainError:
            return

        order = new_id("ord")
        opened = self.shop.open(line, version, quantity, order=order)

        assert [(row.starts_at, row.ends_at, row.opens_by) for row in opened] == [
            (each.starts_at, each.ends_at, each.opens_by) for each in promised
        ]
        self.auditor.sold[order] = Sold(
            order,
            line.pk,
            str(terms.kind),
            quantity,
            version.term_unit,
            version.term_count,
            version.start_policy == "on_first_use",
        )
        after = Line.objects.get(pk=line.pk).valid_until
        if before is not None and terms.follow_rule == "previous":
            assert after is not None
            assert after >= before, "buying more never ends a line earlier"

    @rule(which=st.integers(0, LINES - 1), service=SERVICES, quantity=AMOUNTS, place=PLACES, age=AGES)
    def use(self, which: int, service: str, quantity: int, place: str | None, age: timedelta) -> None:
        record = self._record(self.lines[which], service, quantity, place, self.shop.now - age)

        result = record_usage([record], self.shop.now)

        assert (result.accepted, result.rejected) == (1, [])
        self._note([record])
        at = min(self.shop.now - age, self.shop.now)
        over = Allocation.objects.filter(record__external_id=record.id, bucket=None, late=False)
        if over.exists():
            room = room_at(self.lines[which], service, at, place, self.shop.now)
            assert room == 0, "charged as an overrun while there was room"

    @rule(
        parts=st.lists(
            st.tuples(st.integers(0, LINES - 1), SERVICES, st.integers(0, 90), PLACES, AGES),
            min_size=2,
            max_size=8,
        ),
        twice=st.booleans(),
    )
    def use_much(
        self,
        parts: list[tuple[int, str, int, str | None, timedelta]],
        twice: bool,
    ) -> None:
        records = [
            self._record(self.lines[which], service, quantity, place, self.shop.now - age)
            for which, service, quantity, place, age in parts
        ]

        result = record_usage([*records, *(records[::-1] if twice else [])], self.shop.now)

        assert result.accepted == len(records)
        assert result.duplicates == (len(records) if twice else 0)
        self._note(records)

    @precondition(lambda self: self.sent)
    @rule(pick=st.integers(0, 10**6), tenfold=st.booleans(), elsewhere=st.booleans())
    def report_again(self, pick: int, tenfold: bool, elsewhere: bool) -> None:
        old = self.sent[pick % len(self.sent)]
        line = self.lines[pick % LINES].pk if elsewhere else old.line
        repeated = UsageInput(
            source=old.source,
            id=old.id,
            service=old.service,
            quantity=old.quantity * (10 if tenfold and old.quantity < 2**50 else 1),
            at=min(old.at, self.shop.now),
            line=line,
            plmn=old.plmn,
        )
        before = Allocation.objects.count()

        result = record_usage([repeated], self.shop.now)

        assert (result.accepted, result.duplicates) == (0, 1)
        assert Allocation.objects.count() == before

    @rule(
        by=st.one_of(
            st.timedeltas(timedelta(0), timedelta(days=3)),
            st.timedeltas(timedelta(days=3), timedelta(days=45)),
        )
    )
    def time_passes(self, by: timedelta) -> None:
        self.shop.now += by

    @rule(
        by=st.one_of(
            st.timedeltas(timedelta(0), timedelta(minutes=10)), st.timedeltas(timedelta(0), timedelta(days=9))
        )
    )
    def clock_goes_back(self, by: timedelta) -> None:
        catch_up_periods(self.shop.now)  # what has begun is written down before clocks disagree about it
        self.shop.now -= by

    @precondition(lambda self: Period.objects.exclude(ends_at=None).exists())
    @rule(pick=st.integers(0, 10**6), by=st.sampled_from([-1, 0, 1, 3 * 86_400 - 1, 3 * 86_400]))
    def a_boundary_comes(self, pick: int, by: int) -> None:
        ends = sorted(Period.objects.exclude(ends_at=None).values_list("ends_at", flat=True))
        self.shop.now = ends[pick % len(ends)] + timedelta(seconds=by)

    @rule()
    def sweep(self) -> None:
        lapse_periods(self.shop.now)
        catch_up_periods(self.shop.now)
        catch_up_states(self.shop.now)

        assert (lapse_periods(self.shop.now), catch_up_periods(self.shop.now)) == (0, 0)
        assert catch_up_states(self.shop.now) == 0

    @precondition(lambda self: self.auditor.sold)
    @rule(pick=st.integers(0, 10**6))
    def refund(self, pick: int) -> None:
        order = list(self.auditor.sold)[pick % len(self.auditor.sold)]
        others = self._promised(but=order)

        revoke_periods(order, self.shop.now)

        first = self.auditor.refunded.setdefault(order, self.shop.now)
        self.auditor.refunded[order] = max(first, self.shop.now)
        assert self._promised(but=order) == others, "somebody else's period became shorter"
        again = revoke_periods(order, self.shop.now)
        assert (again.revoked, again.moved) == ([], [])

    @invariant()
    def the_books_balance(self) -> None:
        self.steps += 1
        if self.steps % AUDIT_EVERY == 0:
            self.auditor.check()

    def _promised(self, but: str) -> dict[str, bool]:
        """Which of the others still give, or gave, something."""
        rows = Period.objects.exclude(order=but)
        return {row.pk: row.state not in {"revoked", "lapsed"} for row in rows}

    def _record(self, line: Line, service: str, quantity: int, place: str | None, at: datetime) -> UsageInput:
        self.number += 1
        return UsageInput(
            source="test",
            id=f"n{self.number}",
            service=service,
            quantity=quantity,
            at=at,
            line=line.pk,
            plmn=PLMNS[place] if place else None,
        )

    def _note(self, records: list[UsageInput]) -> None:
        self.sent += records
        for each in records:
            self.auditor.reported[each.source, each.id] = (str(each.line), each.service, each.quantity)


def _live(shop: Shop, *kinds: list[Plan]) -> None:
    made = [shop.plan(unit, count, **fields) for plans in kinds for unit, count, fields in plans]
    shop.line(ZONE).delete()  # the brand stays: every life needs it
    run_state_machine_as_test(type("Life", (Life,), {"plans": made}), settings=BOUNDED)


def test_plans_that_extend(shop: Shop) -> None:
    _live(shop, BASE)


def test_plans_that_start_on_depletion_among_others(shop: Shop) -> None:
    _live(shop, QUEUED, BASE[:3])


def test_plans_that_wait_for_their_first_use_among_others(shop: Shop) -> None:
    _live(shop, WAITING, BASE[:1], QUEUED[:1])


def test_everything_at_once(shop: Shop) -> None:
    _live(shop, BASE, QUEUED, WAITING, BESIDE)
