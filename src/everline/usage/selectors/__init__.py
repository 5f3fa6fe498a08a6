"""Questions about a line's periods, allowances and usage. Each costs one statement however many lines."""

from everline.usage.selectors.balances import allowances, balances, summed
from everline.usage.selectors.periods import periods, periods_of_orders
from everline.usage.selectors.places import countries_of_plmns
from everline.usage.selectors.reports import overruns, usage_series
from everline.usage.selectors.schedules import plan_terms, schedules

__all__ = [
    "allowances",
    "balances",
    "countries_of_plmns",
    "overruns",
    "periods",
    "periods_of_orders",
    "plan_terms",
    "schedules",
    "summed",
    "usage_series",
]
