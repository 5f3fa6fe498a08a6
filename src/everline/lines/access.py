"""The only doors through which an entry floor reaches a line."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from everline.core import ids
from everline.core.errors import NotFound
from everline.lines.models import Line
from everline.lines.types import LineNames


def get_line_for_customer(*, customer_id: str, line_id: str, lock: bool = False) -> Line:
    """This customer's line; with `lock` its row is held until the transaction ends.

    Raises:
        NotFound: no such line, or another customer's.
    """
    ids.require("ln", line_id)
    lines = Line.objects.filter(customer_id=customer_id, pk=line_id)
    if lock:
        lines = lines.select_for_update(no_key=True)
    found = lines.first()
    if found is None:
        raise NotFound
    return found


def lock_lines(line_ids: "Iterable[str] | QuerySet[Any, Any]") -> dict[str, Line]:
    """Hold these lines' rows, always in the order of their keys, until the transaction ends.

    Whatever changes a line's periods, buckets or validity holds its line first. Unknown ids are left out.
    A query that gives the ids becomes part of the one statement.
    """
    wanted = line_ids if isinstance(line_ids, QuerySet) else set(line_ids)
    chosen = Line.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    return {line.pk: line for line in chosen}


def lock_lines_by_name(
    *, line_ids: Collection[str], iccids: Collection[str], msisdns: Collection[str]
) -> LineNames:
    """Hold the lines that are known by any of these names, as `lock_lines` does; one statement.

    Names may be anything a stranger sent: what cannot be one is ignored.
    """
    named = (
        Q(pk__in={line_id for line_id in line_ids if ids.is_id("ln", line_id)})
        | Q(iccid__in={iccid.upper().rstrip("F") for iccid in iccids if iccid.isalnum()})
        | Q(msisdn__in={f"+{msisdn.lstrip('+')}" for msisdn in msisdns if msisdn.lstrip("+").isdigit()})
    )
    rows = list(
        Line.objects.filter(named)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", "iccid", "msisdn")
    )
    return LineNames(
        frozenset(line_id for line_id, _iccid, _msisdn in rows),
        {iccid: line_id for line_id, iccid, _msisdn in rows},
        {msisdn: line_id for line_id, _iccid, msisdn in rows if msisdn},
    )
