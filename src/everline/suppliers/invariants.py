from datetime import datetime

from django.db.models import Count

from everline.core.invariants import invariant
from everline.suppliers.models import SupplierOrder
from everline.suppliers.states import SupplierOrderStatus
from everline.suppliers.types import OrderKind


@invariant("suppliers.one_profile_per_iccid")
def one_profile_per_iccid(now: datetime) -> list[str]:
    """No supplier sold us one ICCID twice."""
    del now
    rows = (
        SupplierOrder.objects.filter(kind=OrderKind.PROFILE, status=SupplierOrderStatus.DONE)
        .values("supplier", "line_iccid")
        .annotate(count=Count("id"))
        .filter(count__gt=1)
    )
    return [f"{row['supplier']} sold {row['line_iccid']} {row['count']} times" for row in rows]
