"""The sweeps are there, do what is due, and are quiet when nothing is."""

import pytest

from everline.core import clock
from everline.core.jobs import run_all_sweeps
from everline.lines import tasks as lines_tasks
from everline.usage import tasks
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db


def test_sweeps_do_what_is_due_once(shop: Shop) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("day", 1))
    waiting = shop.line()
    shop.open(waiting, shop.plan("day", 1, start_policy="on_first_use", activation_deadline_days=1))
    shop.now = period.ends_at

    assert tasks.catch_up_periods(shop.now) == 1
    assert tasks.lapse_periods(shop.now) == 1
    assert lines_tasks.catch_up_states(shop.now) == 1
    assert tasks.recollect_supplier_events(shop.now) == 0
    assert tasks.catch_up_periods(shop.now) == 0
    assert tasks.lapse_periods(shop.now) == 0
    assert lines_tasks.catch_up_states(shop.now) == 0
    tasks.collect_supplier_events()


def test_sweeps_are_registered(shop: Shop) -> None:
    line = shop.line(service_state="active", valid_until=clock.now())

    assert "sweep:lines.catch_up_states" in run_all_sweeps()

    line.refresh_from_db()
    assert line.service_state == "grace"
