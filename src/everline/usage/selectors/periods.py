from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from everline.usage.models import Bucket, Period
from everline.usage.states import effective_period_state
from everline.usage.types import PeriodView

_SHOWN_PERIODS = 60


def periods(line_ids: Collection[str], now: datetime) -> dict[str, list[PeriodView]]:
    """Each line's periods in the order of its queue, at most the sixty newest, as they stand at `now`."""
    newest = Window(RowNumber(), partition_by="line", order_by=F("position").desc())
    rows = Period.objects.filter(line__in=list(line_ids)).annotate(newest=newest)
    found: dict[str, list[PeriodView]] = {line_id: [] for line_id in line_ids}
    for view in _views(rows.filter(newest__lte=_SHOWN_PERIODS).order_by("line", "position"), now):
        found[view.line_id].append(view)
    return found


def periods_of_orders(orders: Collection[str], now: datetime) -> dict[str, list[PeriodView]]:
    """The periods each order gave, in their sequence, as they stand at `now`."""
    found: dict[str, list[PeriodView]] = {order: [] for order in orders}
    for view in _views(Period.objects.filter(order__in=list(orders)).order_by("order", "seq"), now):
        found[view.order].append(view)
    return found


def _views(rows: QuerySet[Period], now: datetime) -> list[PeriodView]:
    spent = Bucket.objects.filter(
        Q(used__gt=0) | Q(reserved__gt=0), line=OuterRef("line"), period=OuterRef("pk")
    )
    return [
        PeriodView(
            id=row.pk,
            line_id=row.line_id,
            order=row.order,
            seq=row.seq,
            plan_id=row.version.plan_id,
            version_id=row.version_id,
            name_en=row.version.name_en,
            name_zh=row.version.name_zh,
            kind=row.kind,
            state=effective_period_state(row.state, row.starts_at, row.ends_at, row.opens_by, now),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            opens_by=row.opens_by,
            used=row.used,
        )
        for row in rows.select_related("version").annotate(used=Exists(spent))
    ]
