"""The single allowances behind a balance, and what no allowance carried."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.usage import selectors
from everline.usage.models import Period
from everline.usage.types import Allowance, Overrun
from tests.usage.shop import GB, Shop

pytestmark = pytest.mark.django_db


def allowances(shop: Shop, line: object) -> list[Allowance]:
    key = line.pk  # type: ignore[attr-defined]
    return selectors.allowances([key], shop.now)[key]


def test_allowances_of_many_lines_cost_one_statement(shop: Shop) -> None:
    plan = shop.plan("month", voice_seconds=60)
    lines = [shop.line() for _ in range(12)]
    for line in lines:
        shop.open(line, plan)
    bare = shop.line()

    with CaptureQueriesContext(connection) as queries:
        found = selectors.allowances([*(line.pk for line in lines), bare.pk], shop.now)

    assert len(queries) == 1
    assert {len(found[line.pk]) for line in lines} == {2}
    assert found[bare.pk] == []


def test_they_sum_up_to_the_balance(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=3 * GB))
    shop.open(line, shop.plan("day", 2, data_bytes=GB, renewal_policy="start_now"))
    shop.report(line, GB + 5)

    found = allowances(shop, line)
    balance = shop.balance(line)

    assert balance is not None
    assert sum(each.used for each in found) == balance.used == GB + 5
    assert sum(each.remaining or 0 for each in found) == balance.remaining
    assert [each.kind for each in found] == ["addon", "base"], "what ends first is used first"
    assert [each.remaining for each in found] == [0, 3 * GB - 5]
    assert found[0].name_en != found[1].name_en


def test_summed_up_they_are_the_balances(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=3 * GB, voice_seconds=60))
    shop.wait(hours=1)
    shop.open(line, shop.plan("day", 2, data_bytes=None, sms_count=9, renewal_policy="start_now"))
    shop.report(line, GB)
    shop.wait(minutes=5)
    shop.report(line, 99, service="voice")
    shop.wait(minutes=5)

    balances = selectors.balances([line.pk], shop.now)[line.pk]

    assert selectors.summed(allowances(shop, line)) == balances
    assert [each.service for each in balances] == ["data", "voice", "sms"]
    assert selectors.summed([]) == []


def test_a_refill_says_when_the_next_one_comes(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", 3, refill="monthly"))

    first = allowances(shop, line)
    shop.wait(days=65)
    last = allowances(shop, line)

    assert [each.refills for each in first] == [True]
    assert first[0].ends_at < shop.now
    assert not last[0].refills, "the last one ends with its plan"
    assert last[0].number > first[0].number


def test_an_unlimited_allowance_has_no_total(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=None))
    shop.report(line, 7)

    [found] = allowances(shop, line)

    assert (found.total, found.remaining, found.used) == (None, None, 7)


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_what_gives_nothing_is_left_out(shop: Shop, state: str) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("month"))
    Period.objects.filter(pk=period.pk).update(state=state)

    assert allowances(shop, line) == []


def test_what_is_over_or_still_to_come_is_left_out(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("day", 1), quantity=2)
    first = allowances(shop, line)

    shop.wait(days=1)
    second = allowances(shop, line)
    shop.wait(days=1)

    assert len(first) == len(second) == 1
    assert first[0].period_id != second[0].period_id
    assert allowances(shop, line) == []


def test_overruns_are_told_by_rule(shop: Shop) -> None:
    line, other = shop.line(), shop.line()
    shop.open(line, shop.plan("month", voice_seconds=60, overage="throttle"))
    shop.open(other, shop.plan("month", overage="block"))
    start = shop.now
    shop.report(line, 3 * GB)
    shop.report(line, 100, service="voice")
    shop.report(other, 2 * GB)

    with CaptureQueriesContext(connection) as queries:
        found = selectors.overruns(line_id=line.pk, start=start, end=start + timedelta(hours=1))

    assert len(queries) == 1
    assert found == [
        Overrun("data", "throttle", 2 * GB, late=False),
        Overrun("voice", "throttle", 40, late=False),
    ]


def test_an_overrun_belongs_to_its_time(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    start = shop.now
    shop.report(line, 2 * GB)
    after = shop.wait(hours=1)

    assert selectors.overruns(line_id=line.pk, start=start, end=after) != []
    assert selectors.overruns(line_id=line.pk, start=after, end=after + timedelta(days=1)) == []


def test_late_usage_is_marked(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("day", 1))
    used_at = shop.wait(hours=1)
    shop.wait(days=30)
    shop.report(line, 5, at=used_at)

    found = selectors.overruns(line_id=line.pk, start=used_at, end=shop.now)

    assert found == [Overrun("data", "block", 5, late=True)]


def test_usage_within_the_allowance_is_no_overrun(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    shop.report(line, GB)

    assert selectors.overruns(line_id=line.pk, start=shop.now, end=shop.now + timedelta(days=1)) == []
