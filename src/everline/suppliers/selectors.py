"""Questions about purchases from suppliers. Nothing here writes or locks."""

from collections.abc import Iterable, Sequence

from everline.suppliers.models import SupplierOrder
from everline.suppliers.states import OPEN, SupplierOrderStatus
from everline.suppliers.types import Failure, OrderKind, Profile, Progress


def purchases_for(orders: Iterable[str]) -> dict[str, list[SupplierOrder]]:
    """All purchases for each order of the shop, revocations included, oldest first. One statement."""
    found: dict[str, list[SupplierOrder]] = {order: [] for order in orders}
    for row in SupplierOrder.objects.filter(order__in=found).order_by("pk"):
        found[row.order].append(row)
    return found


def progress_of(rows: Sequence[SupplierOrder]) -> Progress:
    """Where the deliveries of one order of the shop stand, by all its purchases; without any: not done."""
    deliveries = [row for row in rows if row.kind != OrderKind.REVOCATION]
    failed = next((row for row in deliveries if row.status == SupplierOrderStatus.FAILED), None)
    profile = next((row.result for row in deliveries if row.kind == OrderKind.PROFILE and row.result), None)
    return Progress(
        done=bool(deliveries) and all(row.status == SupplierOrderStatus.DONE for row in deliveries),
        failure=Failure(failed.failure_code, failed.failure_message, permanent=True) if failed else None,
        profile=Profile(**profile) if profile else None,
    )


def open_references(order: str) -> list[str]:
    """The references of an order's purchases whose end is not known yet, oldest first. One statement."""
    rows = SupplierOrder.objects.filter(order=order, status__in=OPEN).order_by("pk")
    return list(rows.values_list("reference", flat=True))
