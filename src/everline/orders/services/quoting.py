"""A quote: what it costs, and until when the line will work, before anybody pays."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from everline.accounts.models import Customer
from everline.catalog import selectors as catalog
from everline.catalog.errors import CurrencyNotPriced
from everline.catalog.models import PlanVersion
from everline.catalog.types import PriceView
from everline.lines.access import get_line_for_customer
from everline.lines.models import Line
from everline.lines.states import ServiceState
from everline.orders.errors import LineSuspended
from everline.orders.models import Quote
from everline.usage import selectors as usage
from everline.usage.schedule import PlannedPeriod, PlanTerms, Schedule, check_purchase

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
    line = get_line_for_customer(customer_id=customer.id, line_id=line_id) if line_id is not None else None
    version = catalog.current_version(plan_id, now)
    schedule, planned = plan_purchase(
        customer=customer, line=line, version=version, quantity=quantity, now=now
    )
    price = _price(customer, version, currency, quantity)
    return Quote.objects.create(
        customer=customer,
        line=line,
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


def plan_purchase(
    *, customer: Customer, line: Line | None, version: PlanVersion, quantity: int, now: datetime
) -> tuple[Schedule, list[PlannedPeriod]]:
    """Where the periods would come to lie, were they fulfilled this instant; one statement for a line.

    Raises:
        InvalidQuantity, LineTerminated, LineSuspended, StackLimit: the line cannot take this.
    """
    if line is None:
        schedule = Schedule(line_id=None, zone=ZoneInfo(customer.timezone))
    else:
        schedule = usage.schedules([line.id], now)[line.id]
    if schedule.service_state == ServiceState.SUSPENDED:
        raise LineSuspended
    return schedule, check_purchase(schedule, PlanTerms.from_version(version), quantity, now)


def _price(customer: Customer, version: PlanVersion, currency: str | None, quantity: int) -> PriceView:
    if currency is not None:
        return catalog.price_for(version, currency, quantity)
    try:
        return catalog.price_for(version, customer.currency, quantity)
    except CurrencyNotPriced:
        return catalog.price_for(version, customer.brand.default_currency, quantity)
