from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.core.ids import new_id
from everline.usage.errors import TooManyRecords
from everline.usage.models import Allocation, Bucket, UsageRecord
from everline.usage.services import record_usage
from everline.usage.types import BIGINT_MAX, UsageInput
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db

GB = 10**9


def test_usage_is_taken_from_the_bucket_and_shown_with_its_time(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    shop.wait(hours=5)

    result = shop.report(line, 300_000_000, at=shop.now - timedelta(minutes=7), plmn="44010")

    balance = shop.balance(line)
    assert (result.accepted, result.duplicates, result.rejected) == (1, 0, [])
    assert (balance.total, balance.used, balance.remaining) == (GB, 300_000_000, 700_000_000)
    assert (balance.unit, balance.unlimited, balance.as_of) == ("bytes", False, shop.now)
    record = UsageRecord.objects.get()
    assert (record.country, record.plmn, record.received_at) == ("JP", "44010", shop.now)
    assert shop.overruns(line) == []
    shop.check()


def test_a_repeat_changes_nothing_and_counts_as_duplicate(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    record = shop.record(line, 10)
    changed = UsageInput(**{**{name: getattr(record, name) for name in record.__slots__}, "quantity": 999})

    first = record_usage([record, record], shop.now)
    again = record_usage([changed, record], shop.now)

    assert (first.accepted, first.duplicates) == (1, 1)
    assert (again.accepted, again.duplicates) == (0, 2)
    assert shop.balance(line).used == 10
    assert Allocation.objects.count() == 1
    shop.check()


def test_the_same_id_of_another_source_is_another_record(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))

    records = [shop.record(line, 10, id="1", source="one"), shop.record(line, 10, id="1", source="two")]

    assert record_usage(records, shop.now).accepted == 2
    assert shop.balance(line).used == 20


def test_a_known_id_on_another_line_is_still_a_repeat(shop: Shop) -> None:
    mine, other = shop.line(), shop.line()
    for line in (mine, other):
        shop.open(line, shop.plan("month"))
    shop.report(mine, 10, id="same")

    result = shop.report(other, 10, id="same")

    assert (result.accepted, result.duplicates) == (0, 1)
    assert shop.balance(other).used == 0


def test_lines_are_known_by_id_iccid_and_msisdn(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    names = [
        {"line": line.pk},
        {"iccid": line.iccid},
        {"iccid": line.iccid + "F"},
        {"msisdn": line.msisdn},
        {"msisdn": line.msisdn.lstrip("+")},
    ]

    result = record_usage(
        [
            UsageInput(source="n", id=str(number), service="data", quantity=1, at=shop.now, **name)
            for number, name in enumerate(names)
        ],
        shop.now,
    )

    assert result.accepted == len(names)
    assert shop.balance(line).used == len(names)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"line": "ln_0000000000000"}, "unknown_line"),
        ({"line": "nonsense"}, "unknown_line"),
        ({"line": "x\x00"}, "unknown_line"),
        ({"line": None, "iccid": "89\x00"}, "unknown_line"),
        ({"line": None, "msisdn": "+\x00"}, "unknown_line"),
        ({"line": None}, "unknown_line"),
        ({"service": "fax"}, "unknown_service"),
        ({"quantity": -1}, "invalid_quantity"),
        ({"quantity": True}, "invalid_quantity"),
        ({"quantity": BIGINT_MAX + 1}, "invalid_quantity"),
        ({"id": ""}, "invalid_id"),
        ({"id": "a\x00b"}, "invalid_id"),
        ({"source": "s" * 61}, "invalid_id"),
        ({"at": "yesterday"}, "invalid_time"),
        ({"at": "2027-01-10T09:30:00"}, "invalid_time"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "invalid_time"),
        ({"at": "1999-12-31T00:00:00Z"}, "invalid_time"),
        ({"at": "2027-01-10T09:36:00Z"}, "future"),
        ({"plmn": "44"}, "invalid_plmn"),
        ({"destination": "+41 79"}, "invalid_destination"),
    ],
)
def test_a_bad_record_is_refused_by_code_and_the_good_ones_go_in(
    shop: Shop, fields: dict[str, Any], code: str
) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"))
    good = shop.record(line, 5)
    values = {"source": "bad", "id": "b1", "service": "data", "quantity": 5, "at": shop.now, "line": line.pk}
    bad = UsageInput(**{**values, **fields})

    result = record_usage([bad, good], shop.now)

    assert (result.accepted, result.duplicates) == (1, 0)
    assert [(each.id, each.code) for each in result.rejected] == [(bad.id, code)]
    assert UsageRecord.objects.count() == 1
    shop.check()


def test_more_than_a_thousand_at_once_are_refused_whole(shop: Shop) -> None:
    line = shop.line()

    with pytest.raises(TooManyRecords):
        record_usage([shop.record(line, 1) for _ in range(1_001)], shop.now)

    assert not UsageRecord.objects.exists()


def test_no_records_is_nothing(shop: Shop) -> None:
    assert record_usage([], shop.now).accepted == 0


def test_a_call_costs_the_same_for_one_record_and_for_hundreds(shop: Shop) -> None:
    plan = shop.plan("month")
    lines = [shop.line() for _ in range(20)]
    for line in lines:
        shop.open(line, plan)
    counts = []
    for size in (1, 400):
        records = [shop.record(lines[number % 20], 1, plmn="44010") for number in range(size)]
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            assert record_usage(records, shop.now).accepted == size
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in queries))

    assert counts[0] == counts[1] == 8
    assert sum(Bucket.objects.values_list("used", flat=True)) == 401
    shop.check()


def test_a_record_of_nothing_is_stored_and_starts_nothing(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", start_policy="on_first_use", activation_deadline_days=30))

    assert shop.report(line, 0).accepted == 1

    assert not Allocation.objects.exists()
    assert shop.periods(line)[0].starts_at is None
    shop.check()


def test_consumption_prefers_coverage_then_the_earliest_end_then_the_smallest_rest(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month", data_bytes=1000))
    [late] = shop.open(line, shop.plan("day", 5, renewal_policy="start_now", data_bytes=100))
    [big] = shop.open(line, shop.plan("day", 3, renewal_policy="start_now", data_bytes=50))
    [small] = shop.open(line, shop.plan("day", 3, renewal_policy="start_now", data_bytes=40))
    [abroad] = shop.open(line, shop.plan("day", 1, countries="KR", renewal_policy="start_now", data_bytes=70))

    shop.report(line, 45, plmn="44010")

    assert [shop.used(period) for period in (base, late, big, small, abroad)] == [0, 0, 5, 40, 0]
    shop.report(line, 200, plmn="44010")
    assert [shop.used(period) for period in (base, late, big, small, abroad)] == [55, 100, 50, 40, 0]
    shop.report(line, 30, plmn="45005")
    assert shop.used(abroad) == 30
    shop.report(line, 41)
    assert [shop.used(abroad), shop.used(base)] == [70, 56]
    shop.check()


def test_a_part_falls_into_the_next_bucket_and_the_rest_is_an_overrun(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month", data_bytes=100, overage="throttle"))
    [addon] = shop.open(line, shop.plan("day", 1, renewal_policy="start_now", data_bytes=30))

    shop.report(line, 150)

    parts = list(Allocation.objects.order_by("id").values_list("period_id", "quantity", "overrun"))
    assert parts == [(addon.pk, 30, ""), (base.pk, 100, ""), (base.pk, 20, "throttle")]
    assert shop.balance(line).remaining == 0
    shop.check()


def test_use_where_nothing_covers_is_an_overrun_of_the_running_period(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month"))

    shop.report(line, 10, plmn="45005")
    shop.report(line, 10, plmn="99999")
    shop.report(line, 10, service="voice")

    assert shop.overruns(line) == [(base.pk, 10, "block", False)] * 3
    assert shop.balance(line).used == 0
    shop.check()


def test_an_unlisted_network_counts_as_its_country(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month"))

    shop.report(line, 10, plmn="44099")

    assert shop.used(base) == 10
    assert UsageRecord.objects.get().country == "JP"


def test_use_without_any_period_is_an_overrun_of_nobody(shop: Shop) -> None:
    line = shop.line()

    shop.report(line, 10)

    assert shop.overruns(line) == [(None, 10, "block", False)]
    shop.check()


def test_unlimited_buckets_take_all_and_never_overflow(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month", data_bytes=None))

    shop.report(line, BIGINT_MAX)
    shop.report(line, 7)

    balance = shop.balance(line)
    assert (balance.unlimited, balance.total, balance.remaining) == (True, None, None)
    assert balance.used == BIGINT_MAX
    assert shop.overruns(line) == [(base.pk, 7, "block", False)]
    shop.check()


def test_each_refill_takes_the_records_of_its_own_time(shop: Shop, at: Callable[..., datetime]) -> None:
    line = shop.line()
    [year] = shop.open(line, shop.plan("year", refill="monthly", data_bytes=100))
    shop.report(line, 80)
    shop.now = at(2027, 2, 11)

    record_usage(
        [shop.record(line, 30, at=at(2027, 2, 10, 9, 29)), shop.record(line, 30, at=at(2027, 2, 10, 9, 30))],
        shop.now,
    )

    used = dict(Bucket.objects.filter(period=year, used__gt=0).values_list("number", "used"))
    assert used == {1: 100, 2: 30}
    assert shop.overruns(line) == [(year.pk, 10, "block", False)]
    assert shop.balance(line).remaining == 70
    shop.check()


def test_voice_and_sms_have_their_own_buckets(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", voice_seconds=600, sms_count=5))

    shop.report(line, 61, service="voice", destination="+8613800138000")
    shop.report(line, 2, service="sms")

    assert (shop.balance(line, "voice").used, shop.balance(line, "voice").unit) == (61, "seconds")
    assert (shop.balance(line, "sms").remaining, shop.balance(line, "sms").unit) == (3, "messages")
    assert shop.balance(line).used == 0


def test_suspended_periods_give_nothing(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("month"))
    type(base).objects.filter(pk=base.pk).update(state="suspended")

    shop.report(line, 5)

    assert shop.overruns(line) == [(base.pk, 5, "block", False)]
    assert shop.balance(line) is None


def test_scenario_25_late_records_go_to_the_period_they_happened_in(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 7, data_bytes=100)
    [first] = shop.open(line, plan)
    [second] = shop.open(line, plan)
    happened = shop.now + timedelta(days=6)
    shop.now = first.ends_at + timedelta(hours=71)

    shop.report(line, 40, at=happened)

    assert (shop.used(first), shop.used(second)) == (40, 0)
    assert shop.overruns(line) == []
    shop.check()


def test_scenario_25_after_72_hours_a_record_is_late_and_charged_nothing(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 7, data_bytes=100, overage="wallet")
    [first] = shop.open(line, plan)
    [second] = shop.open(line, plan)
    shop.now = first.ends_at + timedelta(hours=72)

    shop.report(line, 40, at=first.ends_at - timedelta(seconds=1))

    assert (shop.used(first), shop.used(second)) == (0, 0)
    assert shop.overruns(line) == [(first.pk, 40, "wallet", True)]
    shop.check()


def test_scenario_25_a_late_part_does_not_fall_onto_an_add_on_that_is_still_open(shop: Shop) -> None:
    line = shop.line()
    [base] = shop.open(line, shop.plan("day", 1, data_bytes=100))
    [addon] = shop.open(line, shop.plan("month", renewal_policy="start_now", data_bytes=100))
    happened = shop.now + timedelta(hours=3)
    shop.now = base.ends_at + timedelta(days=5)

    shop.report(line, 130, at=happened)

    assert (shop.used(base), shop.used(addon)) == (0, 30)
    assert shop.overruns(line) == [(base.pk, 100, "block", True)]
    shop.check()


def test_scenario_25_a_top_up_is_seen_by_the_next_record(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month", data_bytes=100))
    shop.report(line, 120)

    [addon] = shop.open(line, shop.plan("day", 1, renewal_policy="start_now", data_bytes=50))
    shop.report(line, 30)

    assert shop.used(addon) == 30
    assert sum(quantity for _period, quantity, _rule, _late in shop.overruns(line)) == 20
    shop.check()


def test_a_record_from_a_clock_ahead_is_not_paid_by_the_next_period(shop: Shop) -> None:
    line = shop.line()
    plan = shop.plan("day", 1, data_bytes=100)
    [first] = shop.open(line, plan)
    [second] = shop.open(line, plan)
    shop.now = first.ends_at - timedelta(minutes=1)

    shop.report(line, 5, at=shop.now + timedelta(minutes=4))

    assert (shop.used(first), shop.used(second)) == (5, 0)


def test_ids_of_orders_never_matter_to_usage(shop: Shop) -> None:
    line = shop.line()
    shop.open(line, shop.plan("month"), order=new_id("ord"))

    assert shop.report(line, 1, id=new_id("ord")).accepted == 1
