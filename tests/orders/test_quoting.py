from datetime import timedelta
from typing import Any

import pytest

from everline.catalog.errors import CurrencyNotPriced, PlanWithdrawn
from everline.catalog.services import withdraw_plan
from everline.catalog.specs import PriceSpec
from everline.core import clock
from everline.core.errors import DomainError, NotFound
from everline.core.money import Money, UnknownCurrency
from everline.core.states import transition
from everline.lines.states import ServiceState
from everline.orders.errors import LineSuspended
from everline.orders.models import Quote
from everline.orders.services.quoting import QUOTE_LIFE
from everline.usage.errors import InvalidQuantity, LineTerminated, StackLimit
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def test_a_quote_freezes_version_price_and_tax_for_thirty_minutes(shop: Shop) -> None:
    version = shop.plan(amount=1999)

    quote = shop.quote(shop.line(), version, quantity=3)

    assert quote.plan_version == version
    assert (quote.total, quote.quantity) == (Money(5997, "USD"), 3)
    assert quote.tax == Money(545, "USD")  # 10 % within 59.97
    assert quote.expires_at - quote.created_at == QUOTE_LIFE == timedelta(minutes=30)


def test_a_new_version_does_not_touch_an_old_quote(shop: Shop) -> None:
    old = shop.plan(amount=1999, slug="japan")
    quote = shop.quote(shop.line(), old)

    new = shop.plan(amount=2999, slug="japan")

    quote.refresh_from_db()
    assert (quote.plan_version, quote.total) == (old, Money(1999, "USD"))
    assert shop.quote(quote.line, new).total == Money(2999, "USD")


def test_scenario_24_what_the_quote_shows_is_what_fulfilment_gives(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("month")
    shop.renew(line, version)
    line.refresh_from_db()

    quote = shop.quote(line, version, quantity=2)
    order = shop.place(quote)
    shop.pay(order)
    shop.settle()
    shop.fulfil()

    assert quote.current_ends_at == quote.starts_at == line.valid_until
    periods = shop.periods(order)
    assert (periods[0][0], periods[-1][1]) == (quote.starts_at, quote.ends_at)
    assert periods[0][1] == periods[1][0]
    shop.check()


@pytest.mark.parametrize(("seconds", "from_old_end"), [(-1, True), (1, False)])
def test_scenario_24_a_second_before_and_after_expiry(
    shop: Shop, seconds: int, *, from_old_end: bool
) -> None:
    line, version = shop.line(), shop.plan("day", 7)
    shop.renew(line, version)
    line.refresh_from_db()
    assert line.valid_until is not None
    at = line.valid_until + timedelta(seconds=seconds)

    quote = quote_at(shop, line, version, at)

    assert quote.current_ends_at == line.valid_until
    assert quote.starts_at == (line.valid_until if from_old_end else at)


def test_scenario_24_in_grace_the_quote_starts_now(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("day", 7)
    shop.renew(line, version)
    now = shop.wait(days=20)

    quote = quote_at(shop, line, version, now)

    assert quote.starts_at == now
    assert quote.ends_at == now + timedelta(days=7)


def test_scenario_24_after_grace_it_is_refused(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("day", 7)
    shop.renew(line, version)
    shop.wait(days=38)

    with shop.refused(LineTerminated) as caught:
        shop.quote(line, version)
    assert caught.value.code == "line_terminated"


def test_a_new_line_is_quoted_in_its_customer_s_time_zone(shop: Shop) -> None:
    customer = shop.customer(timezone="Asia/Shanghai")

    quote = shop.quote(None, shop.plan("month"), customer=customer)

    assert (quote.line, quote.current_ends_at) == (None, None)
    assert quote.starts_at == quote.created_at


def test_the_customer_s_currency_counts_then_the_brand_s(shop: Shop) -> None:
    version = shop.plan(amount=500)
    yen, franc = shop.customer(currency="JPY"), shop.customer(currency="CHF")

    assert shop.quote(shop.line(yen), version).total == Money(50_000, "JPY")
    assert shop.quote(shop.line(franc), version).total == Money(500, "USD")


def test_scenario_18_currencies_without_and_with_three_digits(shop: Shop) -> None:
    version = shop.plan(prices=(PriceSpec("JPY", 700, tax_bp=1000), PriceSpec("KWD", 1999, tax_bp=500)))
    line = shop.line()

    yen, dinar = shop.quote(line, version, currency="JPY"), shop.quote(line, version, currency="KWD")

    assert (yen.total, yen.tax) == (Money(700, "JPY"), Money(64, "JPY"))
    assert (dinar.total, dinar.tax) == (Money(1999, "KWD"), Money(95, "KWD"))


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"currency": "CHF"}, CurrencyNotPriced),
        ({"currency": "XXX"}, UnknownCurrency),
        ({"quantity": 0}, InvalidQuantity),
        ({"quantity": -1}, InvalidQuantity),
        ({"quantity": 25}, InvalidQuantity),
        ({"quantity": 2**62}, InvalidQuantity),
    ],
)
def test_what_cannot_be_quoted_is_refused(
    shop: Shop, asked: dict[str, Any], error: type[DomainError]
) -> None:
    line, version = shop.line(), shop.plan()

    with shop.refused(error):
        shop.quote(line, version, **asked)


def test_the_stack_limit_holds_before_anything_is_paid(shop: Shop) -> None:
    line, version = shop.line(), shop.plan("year", max_stacked_days=731)

    assert shop.quote(line, version, quantity=2)
    with shop.refused(StackLimit):
        shop.quote(line, version, quantity=3)


def test_a_suspended_line_takes_no_renewal(shop: Shop) -> None:
    line, version = shop.line(), shop.plan()
    transition(line, to=ServiceState.SUSPENDED)

    with shop.refused(LineSuspended):
        shop.quote(line, version)


def test_a_withdrawn_plan_is_not_quoted(shop: Shop) -> None:
    version = shop.plan()
    withdraw_plan(plan=version.plan, now=clock.now())

    with shop.refused(PlanWithdrawn):
        shop.quote(shop.line(), version)


@pytest.mark.parametrize("stranger", ["line", "plan"])
def test_what_is_not_there_or_not_one_s_own_is_not_found(shop: Shop, stranger: str) -> None:
    mine, version = shop.customer(), shop.plan()
    others = shop.line()

    for wrong in ("ln_0000000000000", "ord_0000000000000", "", "x" * 300, "ln_'; --", others.id):
        ids = {"line_id": others.id if stranger == "line" else None, "plan_id": version.plan_id}
        ids["line_id" if stranger == "line" else "plan_id"] = wrong
        with shop.refused(NotFound):
            from everline.orders.services.quoting import create_quote

            create_quote(customer=mine, now=clock.now(), **ids)  # type: ignore[arg-type]


def quote_at(shop: Shop, line: Any, version: Any, now: Any) -> Quote:
    from everline.orders.services.quoting import create_quote

    return create_quote(customer=line.customer, plan_id=version.plan_id, line_id=line.id, now=now)
