"""Questions to the catalogue."""

from everline.catalog.selectors.plans import (
    countries_by_version,
    coverage_by_version,
    currencies_on_sale,
    current_offer,
    current_version,
    get_plan_view,
    list_plans,
    plan_views,
    price_for,
    versions_by_ids,
)
from everline.catalog.selectors.shelf import briefs_on_sale

__all__ = [
    "briefs_on_sale",
    "countries_by_version",
    "coverage_by_version",
    "currencies_on_sale",
    "current_offer",
    "current_version",
    "get_plan_view",
    "list_plans",
    "plan_views",
    "price_for",
    "versions_by_ids",
]
