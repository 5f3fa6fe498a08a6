"""A quote: what it costs, and until when the line will work, before anybody pays."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from everline.accounts.models import Customer
from everline.catalog import selectors as catalog
from everline.catalog.errors import CurrencyNotPriced
from everline.catalog.models import PlanVersion
from everline.catalog.types import PriceView
from everline.orders.models import Order, Quote
from everline.orders.purchase import check_line
from everline.usage import selectors as usage
from everline.usage.access import get_schedule_for_customer
from everline.usage.schedule import Schedule

QUOTE_LIFE = timedelta(minutes=30)


def create_quote(
    *,
    customer: Customer,
    plan_id: str,
    now: datetime,
    line_id: str | None = None,
    quantity: int = 1,
    currency: str | None = None,
) -> Quote:
    """Freeze price and place in time of `quantity` periods for a line, or for a new line, for 30 minutes.

    Without `currency` the customer's counts, or the brand's where the plan has no price in the customer's.

    Raises:
        NotFound: no such line or plan for this customer.
        PlanWithdrawn, UnknownCurrency, CurrencyNotPriced: of the catalogue.
        InvalidQuantity, LineTerminated, LineSuspended, StackLimit: the line cannot take this.
    """
    if line_id is None:
        schedule = schedule_of_new_line(customer)
    else:
        schedule = get_schedule_for_customer(customer_id=customer.id, line_id=line_id, now=now)
    version, price = _offer(customer, plan_id, currency, quantity, now)
    planned = check_line(schedule, version, quantity, now)
    return Quote.objects.create(
        customer=customer,
        line_id=line_id,
        plan_version=version,
        quantity=quantity,
        total_minor=price.total.amount,
        tax_minor=price.tax.amount,
        currency=price.total.currency,
        current_ends_at=schedule.valid_until,
        starts_at=planned[0].starts_at,
        ends_at=planned[-1].ends_at,
        created_at=now,
        expires_at=now + QUOTE_LIFE,
    )


def schedule_of_new_line(customer: Customer) -> Schedule:
    """The empty queue of a line that is still to be made, in its customer's time zone."""
    return Schedule(line_id=None, zone=ZoneInfo(customer.timezone))


def check_order(order: Order, now: datetime) -> None:
    """The same for an order: whether its line can still take what it buys.

    Raises:
        InvalidQuantity, LineTerminated, LineSuspended, StackLimit: the line cannot take this.
    """
    if order.line is None:
        schedule = schedule_of_new_line(order.customer)
    else:
        schedule = usage.schedules([order.line.id], now)[order.line.id]
    check_line(schedule, order.plan_version, order.quantity, now)


def _offer(
    customer: Customer, plan_id: str, currency: str | None, quantity: int, now: datetime
) -> tuple[PlanVersion, PriceView]:
    if currency is not None:
        return catalog.current_offer(plan_id, currency, now, quantity)
    try:
        return catalog.current_offer(plan_id, customer.currency, now, quantity)
    except CurrencyNotPriced:
        return catalog.current_offer(plan_id, customer.brand.default_currency, now, quantity)
