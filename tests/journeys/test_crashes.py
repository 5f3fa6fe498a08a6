"""Scenario 10: the process dies by SIGKILL at each step between capture and confirmation, and before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from everline.orders.models import Order
from everline.orders.states import OrderStatus
from everline.suppliers.models import SupplierOrder
from everline.usage.models import Period
from tests.journeys.test_renewal import GOOD
from tests.journeys.world import World

ROOT = Path(__file__).parents[2]
SETTLEMENT = "everline.orders.services.settlement"
FULFILMENT = "everline.orders.services.fulfilment"

STEPS = [
    (f"{SETTLEMENT}:fetch_truths", "before"),
    (f"{SETTLEMENT}:fetch_truths", "after"),
    (f"{SETTLEMENT}:lock_orders", "after"),
    (f"{SETTLEMENT}:_take_paid", "after"),
    (f"{SETTLEMENT}:request_orders", "after"),
    (f"{SETTLEMENT}:write_timeline", "after"),
    (f"{SETTLEMENT}:settle_inbox", "after"),
    (f"{FULFILMENT}:claim_due", "before"),
    (f"{FULFILMENT}:claim_due", "after"),
    (f"{FULFILMENT}:call_suppliers", "after"),
    (f"{FULFILMENT}:record_outcomes", "after"),
    (f"{FULFILMENT}:open_periods", "after"),
    (f"{FULFILMENT}:send_confirmations", "after"),
    (f"{FULFILMENT}:write_timeline", "after"),
    (f"{FULFILMENT}:deliver", "after"),
    ("everline.notifications.services:publish", "after"),
]


def _run_and_die(place: str, when: str, *what: str) -> int:
    """The exit status of the process that was to die."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "everline.config.settings",
        "EVERLINE_DATA_DIR": str(settings.EVERLINE_DATA_DIR),
        "EVERLINE_PUBLIC_URL": settings.EVERLINE_PUBLIC_URL,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    database = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.journeys.crashing", database, place, when, *what]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr[-3000:])
    return done.returncode


@pytest.mark.parametrize(("place", "when"), STEPS)
def test_scenario_10_killed_between_capture_and_confirmation(world: World, place: str, when: str) -> None:
    customer = world.customer()
    line = world.line(customer)
    order = world.order(customer, line, world.plan())
    world.sandbox.pay(world.attempt(order).redirect_url)

    _run_and_die(place, when, "drain")

    world.sandbox.advance(seconds=100)  # what the dead process had leased is free again
    world.sandbox.drain()
    order.refresh_from_db()
    assert order.status == OrderStatus.FULFILLED
    assert world.timeline(order) == GOOD
    assert [charge["captured"] for charge in world.sandbox.charges(order.id)] == [1999]
    assert [each["kind"] for each in _at_supplier(world, order)] == ["topup"]
    assert SupplierOrder.objects.filter(order=order.id).count() == 1
    assert Period.objects.filter(order=order.id).count() == 1
    assert world.mails(customer) == ["order_confirmation"]


@pytest.mark.parametrize(
    ("place", "when", "charges"),
    [
        ("everline.payments.services.attempts:submit", "before", 0),
        ("everline.payments.services.attempts:submit", "after", 1),
        ("everline.payments.services.attempts:record_start", "after", 1),
    ],
)
def test_scenario_10_killed_while_a_payment_is_started(
    world: World, place: str, when: str, charges: int
) -> None:
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())
    back = f"{world.shop_url}/orders/{order.id}/"

    _run_and_die(place, when, "pay", order.id, "card", back, "the-key")

    assert len(world.sandbox.charges(order.id)) == charges
    [dead] = world.attempts(order)
    world.sandbox.advance(seconds=61)  # the key's lease has run out
    attempt = world.attempt(order, key="the-key")
    assert attempt.id == dead.id
    world.sandbox.pay(attempt.redirect_url)
    world.sandbox.drain()
    assert Order.objects.get(pk=order.id).status == OrderStatus.FULFILLED
    assert len(world.sandbox.charges(order.id)) == 1


def test_scenario_10_a_dead_payment_is_found_by_the_reconciler(world: World) -> None:
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())
    back = f"{world.shop_url}/orders/{order.id}/"
    _run_and_die(
        "everline.payments.services.attempts:submit", "after", "pay", order.id, "card", back, "the-key"
    )

    world.sandbox.advance(seconds=61)
    world.sandbox.drain()

    [attempt] = world.attempts(order)
    assert attempt.status == "requires_action"
    world.sandbox.pay(attempt.redirect_url)
    world.sandbox.drain()
    assert Order.objects.get(pk=order.id).status == OrderStatus.FULFILLED


def test_scenario_10_killed_after_the_mail_left(world: World) -> None:
    customer = world.customer()
    order = world.order(customer, world.line(customer), world.plan())
    world.sandbox.pay(world.attempt(order).redirect_url)
    _run_and_die("everline.notifications.delivery:_try", "after", "drain")

    world.sandbox.advance(seconds=100)
    world.sandbox.drain()

    assert world.mails(customer) == ["order_confirmation"]
    assert world.timeline(order) == GOOD


def _at_supplier(world: World, order: Order) -> list[dict[str, str]]:
    orders = world.sandbox.control("GET", "/suppliers/orders")["data"]
    return [each for each in orders if order.id in each["reference"]]
