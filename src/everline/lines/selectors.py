from collections.abc import Collection
from datetime import datetime

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Cast, Coalesce, Greatest

from everline.lines.models import Line
from everline.lines.states import ServiceState


def lines_for_customer(customer_id: str, *, after: str | None = None, limit: int | None = None) -> list[Line]:
    """This customer's lines, oldest first; `after` is the id of the last one already seen."""
    lines = Line.objects.filter(customer_id=customer_id).order_by("pk")
    if after is not None:
        lines = lines.filter(pk__gt=after)
    return list(lines[:limit])


def lines_by_ids(line_ids: Collection[str]) -> dict[str, Line]:
    """These lines by id, each with its customer; unknown ids are left out."""
    return {line.pk: line for line in Line.objects.select_related("customer").filter(pk__in=set(line_ids))}


def lines_out_of_service(now: datetime, limit: int) -> dict[ServiceState, list[str]]:
    """Active lines whose time is over, and lines in grace whose grace is over, by the state they are due."""
    day = Cast(Value("1 day"), DurationField())
    grace_ends = ExpressionWrapper(F("valid_until") + F("grace_days") * day, output_field=DateTimeField())
    rows = (
        Line.objects.filter(service_state__in=[ServiceState.ACTIVE, ServiceState.GRACE], valid_until__lte=now)
        .annotate(kept_until=Greatest(grace_ends, Coalesce("held_until", grace_ends)))
        .filter(Q(service_state=ServiceState.ACTIVE) | Q(kept_until__lte=now))
        .order_by("pk")
        .values_list("pk", "kept_until")[:limit]
    )
    due: dict[ServiceState, list[str]] = {ServiceState.GRACE: [], ServiceState.TERMINATED: []}
    for line_id, kept_until in rows:
        due[ServiceState.GRACE if now < kept_until else ServiceState.TERMINATED].append(line_id)
    return due
