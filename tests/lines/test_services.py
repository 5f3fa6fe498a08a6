from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Customer
from everline.core.models import Transition
from everline.lines.errors import IccidTaken, InvalidIccid, InvalidLabel
from everline.lines.models import Line
from everline.lines.services import (
    catch_up_states,
    create_line,
    rename_line,
    set_profile_states,
    set_validity,
)
from everline.lines.types import ProfileChange, Validity

pytestmark = pytest.mark.django_db


def test_a_new_line_is_pending_with_its_install_data(
    customer: Callable[..., Customer], profile: Callable[..., dict[str, Any]], now: datetime
) -> None:
    line = create_line(customer_id=customer().pk, profile=profile(), label=" Tokyo ", now=now)

    line.refresh_from_db()
    assert line.pk.startswith("ln_")
    assert (line.service_state, line.profile_state, line.label) == ("pending", "released", "Tokyo")
    assert (line.valid_until, line.timezone, line.grace_days) == (None, "", 30)
    assert line.install.lpa == "LPA:1$smdp.example.com$ABC-123"
    assert line.msisdn.startswith("+88299")
    assert line.eid == line.confirmation_code == ""


def test_asked_twice_the_same_line_comes_back(
    customer: Callable[..., Customer], profile: Callable[..., dict[str, Any]], now: datetime
) -> None:
    owner, given = customer(), profile()

    first = create_line(customer_id=owner.pk, profile=given, now=now)
    again = create_line(customer_id=owner.pk, profile=given, now=now + timedelta(hours=1))

    assert first.pk == again.pk
    assert Line.objects.count() == 1


def test_a_profile_of_somebody_else_is_refused(
    customer: Callable[..., Customer], profile: Callable[..., dict[str, Any]], now: datetime
) -> None:
    given = profile()
    create_line(customer_id=customer().pk, profile=given, now=now)

    with pytest.raises(IccidTaken):
        create_line(customer_id=customer().pk, profile=given, now=now)

    assert Line.objects.count() == 1


def test_whoever_runs_the_shop_is_warned_of_odd_numbers(
    customer: Callable[..., Customer],
    profile: Callable[..., dict[str, Any]],
    now: datetime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = create_line(customer_id=customer().pk, profile=profile(iccid="8910300000044404757"), now=now)

    assert odd.warnings
    assert [each.getMessage() for each in caplog.records if odd.pk in each.getMessage()] == [
        f"line {odd.pk} has unusual card numbers: {', '.join(odd.warnings)}"
    ]


def test_odd_check_digits_warn_and_never_reject(
    customer: Callable[..., Customer], profile: Callable[..., dict[str, Any]], now: datetime
) -> None:
    line = create_line(
        customer_id=customer().pk,
        profile=profile(iccid="898821100000000001", eid="89049032001001234500012345678901"),
        now=now,
    )

    assert line.warnings == ["iccid_without_check_digit", "eid_check_digit"]


def test_what_is_no_iccid_is_refused(
    customer: Callable[..., Customer], profile: Callable[..., dict[str, Any]], now: datetime
) -> None:
    with pytest.raises(InvalidIccid):
        create_line(customer_id=customer().pk, profile=profile(iccid="abc"), now=now)

    assert not Line.objects.exists()


def test_renaming(line: Callable[..., Line]) -> None:
    mine = line()

    rename_line(line=mine, label="  巴黎 ")

    mine.refresh_from_db()
    assert (mine.label, str(mine)) == ("巴黎", "巴黎")
    for bad in ("x" * 61, "a\x00b", "a\nb"):
        with pytest.raises(InvalidLabel):
            rename_line(line=mine, label=bad)
    mine.refresh_from_db()
    assert mine.label == "巴黎"


def test_validity_is_written_for_many_lines_in_two_statements(
    line: Callable[..., Line], now: datetime
) -> None:
    lines = [line() for _ in range(30)]
    end = now + timedelta(days=30)

    with CaptureQueriesContext(connection) as queries:
        set_validity([Validity(each.pk, end, None, "Asia/Tokyo") for each in lines], now=now, reason="test")

    assert len(queries) == 2
    assert set(Line.objects.values_list("valid_until", "service_state", "timezone")) == {
        (end, "active", "Asia/Tokyo")
    }
    assert Transition.objects.filter(label="lines.line", reason="test").count() == 30


def test_validity_moves_states_both_ways_but_no_decision(line: Callable[..., Line], now: datetime) -> None:
    end = now + timedelta(days=30)
    pending, active, grace, suspended = (
        line(),
        line(service_state="active", valid_until=end),
        line(service_state="grace", valid_until=now - timedelta(days=1)),
        line(service_state="suspended"),
    )

    set_validity(
        [
            Validity(pending.pk, end),
            Validity(active.pk, now),
            Validity(grace.pk, end),
            Validity(suspended.pk, end),
        ],
        now=now,
        reason="test",
    )

    for each in (pending, active, grace, suspended):
        each.refresh_from_db()
    assert [each.service_state for each in (pending, active, grace, suspended)] == [
        "active",
        "grace",
        "active",
        "suspended",
    ]


def test_nothing_to_write_is_no_statement(now: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        set_validity([], now=now, reason="test")

    assert len(queries) == 0


def test_the_sweep_catches_up_with_grace_and_termination(line: Callable[..., Line], now: datetime) -> None:
    running = line(service_state="active", valid_until=now + timedelta(seconds=1))
    over = line(service_state="active", valid_until=now)
    gone = line(service_state="grace", valid_until=now - timedelta(days=30))
    asleep = line(service_state="active", valid_until=now - timedelta(days=99))
    short = line(service_state="active", valid_until=now - timedelta(days=2), grace_days=1)
    held = line(
        service_state="grace", valid_until=now - timedelta(days=99), held_until=now + timedelta(seconds=1)
    )
    pending = line()

    assert catch_up_states(now) == 4
    assert catch_up_states(now) == 0

    states = dict(Line.objects.values_list("pk", "service_state"))
    assert [states[each.pk] for each in (running, over, gone, asleep, short, held, pending)] == [
        "active",
        "grace",
        "terminated",
        "terminated",
        "terminated",
        "grace",
        "pending",
    ]
    for each in Line.objects.all():
        assert each.state_at(now) == each.service_state
    assert Transition.objects.filter(to_state="terminated").count() == 3


def test_profile_reports_move_forwards_and_stale_ones_change_nothing(
    line: Callable[..., Line], now: datetime
) -> None:
    mine, other = line(), line(profile_state="enabled")
    eid = "89882119900000000000000000001654"

    moved = set_profile_states(
        [
            ProfileChange(mine.iccid, "downloaded"),
            ProfileChange(mine.iccid, "installed", eid),
            ProfileChange(other.iccid, "released"),
            ProfileChange("8988211999999999999", "enabled"),
        ],
        now=now,
    )

    mine.refresh_from_db()
    other.refresh_from_db()
    assert moved == [mine.pk]
    assert (mine.profile_state, mine.eid) == ("installed", eid)
    assert other.profile_state == "enabled"
    assert Transition.objects.get(label="lines.lineprofile").to_state == "installed"
    assert mine.service_state == "pending"


def test_a_moved_profile_gets_its_new_device(line: Callable[..., Line], now: datetime) -> None:
    mine = line(profile_state="deleted", eid="8" * 32)

    set_profile_states([ProfileChange(mine.iccid, "installed", "9" * 32)], now=now)

    mine.refresh_from_db()
    assert (mine.profile_state, mine.eid) == ("installed", "9" * 32)


@pytest.mark.parametrize(
    "fields",
    [
        {"iccid": "89882110000000000AB"},
        {"service_state": "sleeping"},
        {"profile_state": "gone"},
        {"service_state": "active", "valid_until": None},
    ],
)
def test_the_database_refuses_nonsense(line: Callable[..., Line], fields: dict[str, Any]) -> None:
    mine = line()

    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.filter(pk=mine.pk).update(**fields)
