import pytest
from django.db import connection

from everline.core import clock, inbox, jobs
from everline.orders import tasks
from everline.suppliers.errors import TemporarilyUnavailable
from everline.suppliers.types import ORDER_CHANGED
from tests.orders.shop import GOOD, Shop

pytestmark = pytest.mark.django_db


def waiting() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_jobs_and_sweeps_bear_the_names_that_other_rooms_defer() -> None:
    assert {"orders.settle", "orders.fulfil", "orders.wake"} <= set(jobs._JOBS)
    assert {
        "orders.settle",
        "orders.fulfil",
        "orders.wake",
        "orders.expire",
        "orders.refund_undelivered",
    } <= set(jobs._SWEEPS)


def test_each_step_wakes_the_next_in_its_own_transaction(shop: Shop) -> None:
    order = shop.order()
    before = len(waiting())

    shop.pay(order)
    assert waiting()[before:] == ["orders.settle"]
    assert tasks.settle() == 1
    assert waiting()[before + 1 :] == ["orders.fulfil"]
    assert tasks.fulfil() == 1
    assert waiting()[before + 2 :] == ["notifications.deliver"]

    assert shop.timeline(order) == GOOD


def test_scenario_10_when_no_job_survived_the_sweeps_carry_it_on(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")

    now = clock.now()
    for sweep in ("orders.settle", "orders.fulfil"):
        jobs._SWEEPS[sweep].run(now)

    assert shop.status(order) == "fulfilled"


def test_a_supplier_s_news_is_followed_at_once(shop: Shop) -> None:
    shop.supplier.failing["topup"] = [TemporarilyUnavailable("fake")]
    order = shop.renew()
    inbox.store(
        source="suppliers:fake",
        event_id="sev_1",
        kind=ORDER_CHANGED,
        reference=f"sup-{order.id}-topup",
        job="orders.wake",
    )

    assert tasks.wake() == 1
    assert tasks.wake() == 0

    assert shop.status(order) == "fulfilled"


def test_sweeps_keep_deadlines(shop: Shop) -> None:
    unpaid, paid = shop.order(), shop.paid()
    now = shop.wait(hours=24)

    assert tasks.expire(now) == 1
    assert tasks.refund_undelivered(now) == 1
    assert tasks.expire(now) == tasks.refund_undelivered(now) == 0

    assert (shop.status(unpaid), shop.status(paid)) == ("expired", "needs_attention")


def test_nothing_due_is_nothing_done(shop: Shop) -> None:
    now = clock.now()

    assert tasks.settle() == tasks.fulfil() == tasks.wake() == tasks.expire(now) == 0
