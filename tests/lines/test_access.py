from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Customer
from everline.core.errors import NotFound
from everline.lines.access import get_line_for_customer, lock_lines, lock_lines_by_name
from everline.lines.models import Line
from everline.lines.selectors import lines_by_ids, lines_for_customer
from everline.lines.services import create_line

pytestmark = pytest.mark.django_db


def test_only_the_owner_finds_a_line(line: Callable[..., Line], customer: Callable[..., Customer]) -> None:
    mine = line()

    assert get_line_for_customer(customer_id=mine.customer_id, line_id=mine.pk) == mine
    for customer_id, line_id in (
        (customer().pk, mine.pk),
        (mine.customer_id, "ln_0000000000000"),
        (mine.customer_id, mine.customer_id),
        (mine.customer_id, "nonsense"),
        (mine.customer_id, ""),
    ):
        with pytest.raises(NotFound):
            get_line_for_customer(customer_id=customer_id, line_id=line_id)


def test_a_lock_is_taken_only_when_asked_for(line: Callable[..., Line]) -> None:
    mine = line()

    with CaptureQueriesContext(connection) as queries:
        get_line_for_customer(customer_id=mine.customer_id, line_id=mine.pk)
        get_line_for_customer(customer_id=mine.customer_id, line_id=mine.pk, lock=True)

    assert ["FOR NO KEY UPDATE" in query["sql"] for query in queries] == [False, True]


def test_lines_are_held_in_the_order_of_their_keys(line: Callable[..., Line]) -> None:
    lines = [line() for _ in range(4)]

    with CaptureQueriesContext(connection) as queries:
        held = lock_lines([each.pk for each in reversed(lines)])

    assert list(held) == [each.pk for each in lines]
    [query] = queries
    assert "ORDER BY" in query["sql"]
    assert query["sql"].endswith("FOR NO KEY UPDATE")


def test_names_of_lines(line: Callable[..., Line]) -> None:
    mine = line()

    names = lock_lines_by_name(
        line_ids={mine.pk, "ln_bad"}, iccids={mine.iccid, "x\x00"}, msisdns={mine.msisdn, "+\x00"}
    )

    assert names.find(line_id=mine.pk, iccid=None, msisdn=None) == mine.pk
    assert names.find(line_id=None, iccid=mine.iccid + "F", msisdn=None) == mine.pk
    assert names.find(line_id=None, iccid=None, msisdn=mine.msisdn[1:]) == mine.pk
    assert names.find(line_id="ln_bad", iccid=mine.iccid, msisdn=None) is None
    assert names.find(line_id=None, iccid=None, msisdn=None) is None


def test_a_customers_lines_come_oldest_first_by_pages(
    customer: Callable[..., Customer],
    profile: Callable[..., dict[str, Any]],
    now: datetime,
    line: Callable[..., Line],
) -> None:
    owner = customer()
    mine = [create_line(customer_id=owner.pk, profile=profile(), now=now) for _ in range(3)]
    line()

    assert lines_for_customer(owner.pk) == mine
    assert lines_for_customer(owner.pk, limit=2) == mine[:2]
    assert lines_for_customer(owner.pk, after=mine[1].pk, limit=2) == mine[2:]
    assert lines_by_ids([mine[0].pk, "ln_0000000000000"]) == {mine[0].pk: mine[0]}
