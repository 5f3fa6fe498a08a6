"""Truths of the catalogue, checked by the periodic job and by `everline check`."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q

from everline.catalog.models import Coverage, Plan, PlanVersion, Price
from everline.core.invariants import invariant


@invariant("catalog.current_version_is_latest")
def current_version_is_latest(_now: datetime) -> list[str]:
    """A plan points to the newest of its own versions."""
    newer = PlanVersion.objects.filter(plan=OuterRef("pk"), version__gt=OuterRef("current__version"))
    wrong = Plan.objects.exclude(current=None).filter(Exists(newer) | ~Q(current__plan=F("pk")))
    return [f"plan {plan.pk} ({plan.slug}) points to a version that is not its latest" for plan in wrong]


@invariant("catalog.offers_are_complete")
def offers_are_complete(now: datetime) -> list[str]:
    """Whatever is on sale has a price and covers a country."""
    on_sale = Plan.objects.exclude(current=None).filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=now))
    priced = Exists(Price.objects.filter(version=OuterRef("current_id")))
    covered = Exists(Coverage.objects.filter(version=OuterRef("current_id")))
    return [
        f"plan {plan.pk} ({plan.slug}) is on sale without price or coverage"
        for plan in on_sale.filter(~priced | ~covered)
    ]
