"""Scenarios 11, 19, 20, 24: suppliers that fail, and where renewals come to lie."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from everline.core import clock
from everline.lines.models import Line
from everline.orders.models import Case, Order
from everline.orders.services import quoting
from everline.orders.states import OrderStatus
from everline.payments.models import Attempt, Refund
from everline.suppliers.models import SupplierOrder
from everline.usage.errors import LineTerminated
from everline.usage.models import Period
from tests.journeys.world import World


def _topups(world: World, order: Order) -> list[str]:
    orders = world.sandbox.control("GET", "/suppliers/orders")["data"]
    return [each["status"] for each in orders if order.id in each["reference"] and each["kind"] == "topup"]


class TestScenario11:
    def test_a_lost_answer_is_asked_for_and_not_bought_twice(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, world.line(customer), world.plan())
        world.sandbox.fault("supplier.topup", "drop_after")
        world.sandbox.pay(world.attempt(order).redirect_url)
        world.sandbox.drain()
        order.refresh_from_db()
        assert order.status == OrderStatus.FULFILLING
        assert world.timeline(order)[-1] == "fulfilment.delayed"

        world.sandbox.advance(seconds=100)
        world.sandbox.drain()

        order.refresh_from_db()
        assert order.status == OrderStatus.FULFILLED
        assert _topups(world, order) == ["done"]
        assert SupplierOrder.objects.filter(order=order.id).count() == 1

    def test_what_cannot_be_delivered_in_time_is_refunded(self, world: World) -> None:
        customer = world.customer()
        line = world.line(customer)
        order = world.order(customer, line, world.plan())
        world.sandbox.fault("supplier.topup", "http_500", times=1000)
        world.sandbox.pay(world.attempt(order).redirect_url)
        world.sandbox.drain()

        for _ in range(8):
            world.sandbox.advance(minutes=10)
            world.sandbox.drain()

        order.refresh_from_db()
        assert order.status == OrderStatus.REFUNDED
        [charge] = world.sandbox.charges(order.id)
        assert (charge["captured"], charge["refunded"]) == (1999, 1999)
        assert world.timeline(order)[-1] == "refund.succeeded"
        assert world.mails(customer) == ["order_refunded"]
        assert not Period.objects.exists()
        assert not Case.objects.filter(closed_at=None).exists()
        line.refresh_from_db()
        assert line.valid_until is None

    def test_a_profile_that_was_made_is_not_made_again(self, world: World) -> None:
        customer = world.customer()
        order = world.order(customer, None, world.plan())
        world.sandbox.fault("supplier.topup", "http_500", times=2)
        world.sandbox.pay(world.attempt(order).redirect_url)
        world.sandbox.drain()
        assert not Line.objects.filter(customer=customer).exists()

        for _ in range(2):
            world.sandbox.advance(minutes=10)
            world.sandbox.drain()

        order.refresh_from_db()
        assert order.status == OrderStatus.FULFILLED
        kinds = [
            each["kind"]
            for each in world.sandbox.control("GET", "/suppliers/orders")["data"]
            if order.id in each["reference"]
        ]
        assert sorted(kinds) == ["profile", "topup"]
        assert Line.objects.filter(customer=customer).count() == 1


class TestScenario19:
    def test_twelve_monthly_renewals_end_where_a_year_ends(self, world: World) -> None:
        customer = world.customer("Europe/Berlin")
        by_month, by_year = world.line(customer), world.line(customer)
        _travel(world, datetime(2027, 1, 31, 10, tzinfo=ZoneInfo("Europe/Berlin")))
        year, month = world.plan("year"), world.plan("month")

        world.buy(customer, by_year, year)
        start = Period.objects.get(line=by_year).starts_at
        first = world.buy(customer, by_month, month)
        world.buy(customer, by_month, month)
        world.buy(customer, by_month, month, quantity=10)

        ends = list(
            Period.objects.filter(line=by_month).order_by("starts_at").values_list("ends_at", flat=True)
        )
        local = [each.astimezone(ZoneInfo("Europe/Berlin")) for each in ends]
        assert [(each.month, each.day) for each in local[:4]] == [(2, 28), (3, 31), (4, 30), (5, 31)]
        assert (local[-1].year, local[-1].month, local[-1].day) == (2028, 1, 31)
        drift = Period.objects.filter(order=first.id).get().starts_at - start
        by_year.refresh_from_db()
        assert ends[-1] - drift == by_year.valid_until

    def test_renewed_after_expiry_the_anchor_is_new(self, world: World) -> None:
        customer = world.customer("UTC")
        line, month = world.line(customer), world.plan("month")
        _travel(world, datetime(2027, 1, 31, 10, tzinfo=ZoneInfo("UTC")))
        world.buy(customer, line, month)

        world.sandbox.advance(days=33)
        world.buy(customer, line, month)

        [first, second] = Period.objects.filter(line=line).order_by("starts_at")
        assert (first.ends_at.month, first.ends_at.day) == (2, 28)
        assert second.starts_at > first.ends_at
        assert (second.starts_at.month, second.starts_at.day) == (3, 5)
        assert (second.ends_at.month, second.ends_at.day) == (4, 5)


def test_scenario_20_a_leap_day_comes_back_in_a_leap_year(world: World) -> None:
    customer = world.customer("Asia/Tokyo")
    line, year = world.line(customer), world.plan("year", max_stacked_days=2000)
    _travel(world, datetime(2028, 2, 29, 10, tzinfo=ZoneInfo("Asia/Tokyo")))

    world.buy(customer, line, year, quantity=4)

    periods = list(Period.objects.filter(line=line).order_by("starts_at"))
    ends = [each.ends_at.astimezone(ZoneInfo("Asia/Tokyo")) for each in periods]
    assert [(each.month, each.day) for each in ends] == [(2, 28), (2, 28), (2, 28), (2, 29)]
    assert all(one.ends_at == two.starts_at for one, two in pairwise(periods))


def test_scenario_21_a_day_pass_is_never_shorter_than_sold(world: World) -> None:
    customer = world.customer("Europe/Berlin")
    line, day = world.line(customer), world.plan("day")
    _travel(
        world, datetime(2027, 3, 27, 23, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    )  # the next day has 23 hours

    order = world.buy(customer, line, day)

    period = Period.objects.get(order=order.id)
    assert period.ends_at - period.starts_at == timedelta(hours=24)


class TestScenario24:
    @pytest.fixture
    def running(self, world: World) -> Line:
        """A line with a month that is running."""
        customer = world.customer()
        line = world.line(customer)
        world.buy(customer, line, world.plan())
        line.refresh_from_db()
        return line

    def test_a_second_before_the_end_it_starts_at_the_end(self, world: World, running: Line) -> None:
        end = running.valid_until
        assert end is not None
        version = world.plan()

        quote = quoting.create_quote(
            customer=running.customer,
            plan_id=version.plan_id,
            line_id=running.id,
            now=end - timedelta(seconds=1),
        )

        assert (quote.starts_at, quote.current_ends_at) == (end, end)

    def test_a_second_after_the_end_it_starts_now(self, world: World, running: Line) -> None:
        end = running.valid_until
        assert end is not None
        version = world.plan()
        now = end + timedelta(seconds=1)

        quote = quoting.create_quote(
            customer=running.customer, plan_id=version.plan_id, line_id=running.id, now=now
        )

        assert (quote.starts_at, quote.current_ends_at) == (now, end)

    def test_within_grace_the_number_lives_on(self, world: World, running: Line) -> None:
        version = world.plan()
        assert running.valid_until is not None
        _travel(world, running.valid_until + timedelta(days=29))
        world.sandbox.drain()
        running.refresh_from_db()
        assert running.service_state == "grace"

        order = world.buy(running.customer, running, version)

        running.refresh_from_db()
        assert order.status == OrderStatus.FULFILLED
        assert running.service_state == "active"
        assert Period.objects.get(order=order.id).starts_at > clock.now() - timedelta(minutes=5)

    def test_after_grace_it_is_refused_before_anybody_pays(self, world: World, running: Line) -> None:
        version = world.plan()
        assert running.valid_until is not None
        _travel(world, running.valid_until + timedelta(days=30))

        with pytest.raises(LineTerminated):
            quoting.create_quote(
                customer=running.customer, plan_id=version.plan_id, line_id=running.id, now=clock.now()
            )

        world.sandbox.drain()
        running.refresh_from_db()
        assert running.service_state == "terminated"

    def test_grace_that_ends_between_quote_and_payment_costs_nobody_money(
        self, world: World, running: Line
    ) -> None:
        version = world.plan()
        end = running.valid_until
        assert end is not None
        _travel(world, end + timedelta(days=30) - timedelta(minutes=10))
        order = world.order(running.customer, running, version)

        world.sandbox.advance(minutes=20)

        with pytest.raises(LineTerminated):
            world.attempt(order)
        assert not Attempt.objects.filter(payable=order.id).exists()
        assert world.sandbox.charges(order.id) == []

    def test_two_renewals_at_once_follow_one_another(self, world: World, running: Line) -> None:
        version = world.plan()
        orders = [world.order(running.customer, running, version) for _ in range(2)]
        for order in orders:
            world.sandbox.pay(world.attempt(order).redirect_url)

        world.sandbox.drain()

        periods = list(Period.objects.filter(line=running).order_by("starts_at"))
        assert len(periods) == 3
        assert all(one.ends_at == two.starts_at for one, two in pairwise(periods))
        assert not Refund.objects.exists()


def _travel(world: World, moment: datetime) -> None:
    """Put the clock there; the request takes a little while, so it is there or a moment later."""
    world.sandbox.control("POST", "/clock", json={"now": moment.astimezone(ZoneInfo("UTC")).isoformat()})
